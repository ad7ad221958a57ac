"""Why a conditional DCGAN draws few faces: `python -m benchmarks.conditioning fer2013.csv REGISTRY` takes it apart.

Each variant changes how generator and discriminator get the emotion, or the size of the steps, in a DCGAN that sees
64,000 faces; as controls Radford's own, which is not told the emotion, on all emotions and on one. `--path` goes from
`dcgan-concat` to `robust` instead, one change on top of the other. Three seeds each; a run that the registry already
has is not trained again.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import tyro
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file

from benchmarks.common import trained
from fergan_core import recipe as recipes
from fergan_core.data import Dataset, open_dataset, split_parts
from fergan_core.methods.networks import build_discriminator, class_table
from fergan_core.protocols import preferred
from fergan_core.registry import Reader, Registry

_PASSES, _IMAGES = 3, 21_312  # 64,000 images
_ONE = "happy"  # the emotion with the most faces, of which the first 6,400 are learnt ten times
_SHORT = {
    "width": "16", "batch_size": "64", "g_lr": "5e-4", "d_lr": "5e-4", "images": str(_IMAGES), "epochs": str(_PASSES),
    "eval_every": str(_PASSES), "checkpoint_every": str(_PASSES),
}  # fmt: skip
_FEW_STEPS = {"batch_size": "128", "g_lr": "2e-4", "d_lr": "2e-4"}
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "concat, concat": {},
    "concat, concat, batch 128, 2e-4": _FEW_STEPS,
    "concat, onehot": {"d_conditioning": "onehot"},
    "concat, projection": {"d_conditioning": "projection"},
    "norm, concat": {"g_conditioning": "norm"},
    "norm, onehot": {"g_conditioning": "norm", "d_conditioning": "onehot"},
    "norm, projection": {"g_conditioning": "norm", "d_conditioning": "projection"},
    "none, none": {"g_conditioning": "none", "d_conditioning": "none"},
    f"none, none, {_ONE} alone": {
        "g_conditioning": "none", "d_conditioning": "none", "emotions": _ONE, "images": "6400", "epochs": "10",
        "eval_every": "10", "checkpoint_every": "10",
    },
}  # fmt: skip
"""The changes to the preset `dcgan-concat` by the generator's and the discriminator's conditioning."""
_FIRST_STEPS = ("concat, concat, batch 128, 2e-4", "concat, concat", "norm, concat", "norm, projection")
_NEXT_STEPS: Mapping[str, Mapping[str, str]] = {
    "+ wrong emotions": {"matching_aware": "true"},
    "+ rates of 1e-3": {"g_lr": "1e-3", "d_lr": "1e-3"},
    "+ rates that fall": {"lr_decay": "true"},
    "+ averaged generator": {"g_ema": "0.999"},
    "+ mirrored faces": {"flip": "true"},
    "+ rare emotions more often": {"sampling": "sqrt"},
    "+ width 24": {"width": "24"},  # that is `robust`
}
_SCORES = ("fid", "precision", "coverage", "recall", "accuracy")


def steps_to_robust() -> dict[str, Mapping[str, str]]:
    """Return the changes to `dcgan-concat` after each step of the way to `robust`; those of before stay."""
    steps = {name: VARIANTS[name] for name in _FIRST_STEPS}
    for name, change in _NEXT_STEPS.items():
        steps[name] = {**list(steps.values())[-1], **change}
    return steps


def train_missing(name: str, changes: Mapping[str, str], seed: int, dataset: Dataset, registry: Registry) -> str:
    """Train a variant's run where it is not in the registry; return its id."""
    recipe = recipes.changed(recipes.preset("dcgan-concat"), {**_SHORT, **changes, "seed": str(seed)})
    return trained(recipe, dataset, registry, f"{name}, seed {seed}", "conditioning")


@torch.inference_mode()
def label_gap(reader: Reader, run_id: str, dataset: Dataset) -> float:
    """Return D's mean logit of held-out faces under their emotion, less that under the others: 0 where D ignores it."""
    recipe = recipes.from_dict(reader.run(run_id)["recipe"])
    assert isinstance(recipe.method, recipes.Gan)
    prefix = "discriminator."
    stored = load_file(reader.file(reader.checkpoints(run_id)["path"].iloc[-1]))
    network = build_discriminator(recipe.method, len(recipe.emotions)).eval()
    network.load_state_dict({key.removeprefix(prefix): t for key, t in stored.items() if key.startswith(prefix)})
    held_out = split_parts(dataset).held_out
    images = torch.from_numpy(dataset.images[held_out]).float()[:, None] / 127.5 - 1
    own = class_table(recipe.emotions, "cpu")[torch.from_numpy(dataset.labels[held_out].astype(np.int64))]
    known = own >= 0
    images, own = images[known], own[known]
    logits = torch.stack([network(images, torch.full_like(own, other)) for other in range(len(recipe.emotions))], 1)
    right = logits.gather(1, own[:, None]).squeeze(1)
    wrong = (logits.sum(1) - right) / max(1, logits.shape[1] - 1)
    return float((right - wrong).mean()) if logits.shape[1] > 1 else 0.0


def numbers_of(reader: Reader, run_id: str, dataset: Dataset) -> dict[str, float]:
    """Return a run's last scores, the mean of its emotions' MS-SSIM, and how much D attends to the emotion."""
    scores = preferred(reader.scores([run_id]))
    last = scores[scores["step"] == scores["step"].max()]
    of_all = last[last["emotion"].isna()].drop_duplicates("metric", keep="last").set_index("metric")["value"]
    likeness = last[(last["metric"] == "ms_ssim") & last["emotion"].notna()]["value"]
    numbers = {key: float(of_all.get(key, np.nan)) for key in _SCORES}
    return numbers | {"ms_ssim": float(likeness.mean()), "gap": label_gap(reader, run_id, dataset)}


def lines(table: pd.DataFrame) -> Iterator[list[str]]:
    """Yield a row of the printed table for each variant: means, and the seeds' span in brackets."""
    formats = dict.fromkeys(("precision", "coverage", "recall", "accuracy"), "{:.1%}")
    for name, of_variant in table.groupby("variant", sort=False):
        cells = []
        for key in (*_SCORES, "ms_ssim", "gap"):
            written = formats.get(key, "{:.1f}" if key == "fid" else "{:.2f}").format
            values = of_variant[key]
            cells.append(f"{written(values.mean())} ({written(values.min())} to {written(values.max())})")
        yield [str(name), *cells]


def main(
    data: tyro.conf.Positional[str],
    registry: tyro.conf.Positional[Path],
    seeds: Annotated[int, tyro.conf.arg(help="Seeds of each variant, from 0.")] = 3,
    path: Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help="Go from dcgan-concat to robust.")] = False,
) -> None:
    """Train the variants, one seed of all after the other, and print their scores."""
    dataset, target = open_dataset(data), Registry(str(registry))
    runs = [
        (name, train_missing(name, changes, seed, dataset, target))
        for seed in range(seeds)
        for name, changes in (steps_to_robust() if path else VARIANTS).items()
    ]
    rows = [{"variant": name} | numbers_of(target.reader, run_id, dataset) for name, run_id in runs]
    table = Table()
    for column in ("G, D", "FID", "precision", "coverage", "recall", "as requested", "MS-SSIM", "logit by emotion"):
        table.add_column(column, justify="left" if column == "G, D" else "right")
    for line in lines(pd.DataFrame(rows)):
        table.add_row(*line)
    Console(width=None if sys.stdout.isatty() else 200).print(table)


if __name__ == "__main__":
    tyro.cli(main)
