"""Is one preset better? `python -m benchmarks.presets dcgan robust fer2013.csv REGISTRY` trains both and tells.

Three seeds each, compared at equal images seen and at equal seconds of training; a run that is there already is not
trained again. Real faces' values stand beside the scores.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro
from rich.console import Console
from rich.table import Table

from fergan_core import recipe as recipes
from fergan_core.analysis.groups import compare
from fergan_core.analysis.stages import SPEED, Stage, at_stage, with_spent
from fergan_core.data import Dataset, open_dataset
from fergan_core.emotions import EMOTIONS
from fergan_core.experiment import start
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.registry import Reader, Registry

_COLLAPSES = ("collapse", "global-collapse")
_SCORES = [("fid", None), ("coverage", None), ("recall", None), *(("accuracy", name) for name in (None, *EMOTIONS))]

Position = tyro.conf.Positional


def train_missing(preset: str, epochs: int, seeds: int, dataset: Dataset, registry: Registry) -> list[str]:
    """Train a preset's runs that are not in the registry yet; return the ids of all."""
    for seed in range(seeds):
        name = f"{preset}, {epochs} epochs, seed {seed}"
        if name in _ended(registry):
            continue
        print(name, file=sys.stderr, flush=True)
        recipe = replace(recipes.preset(preset), epochs=epochs, eval_every=2, checkpoint_every=2, seed=seed)
        if start(recipe, dataset, registry, name=name, tags=("presets",)).status == "interrupted":
            raise KeyboardInterrupt
    return [_ended(registry)[f"{preset}, {epochs} epochs, seed {seed}"] for seed in range(seeds)]


def _ended(registry: Registry) -> dict[str, str]:
    runs = Reader(registry.url).runs()
    ended = runs[runs["status"].isin(["finished", "diverged"])]
    return dict(zip(ended["name"], ended["id"], strict=True))


def rows(reader: Reader, groups: Mapping[str, list[str]], stage: Stage) -> Iterator[list[str]]:
    """Compare the groups score by score: title, both means, their difference with its interval, verdict, real faces."""
    run_ids = [run_id for own in groups.values() for run_id in own]
    scores = reader.scores(run_ids)
    spent = with_spent(
        scores, {run_id: reader.run(run_id)["recipe"] for run_id in run_ids}, reader.points(run_ids, [SPEED])
    )
    table = at_stage(spent, stage)
    for name, own in groups.items():
        ends = table[table["run_id"].isin(own)]["spent"]
        yield [f"{name}: {stage}", f"{ends.min():,.0f} to {ends.max():,.0f}", "", "", "", ""]
    for metric, emotion in _SCORES:
        of = table[
            (table["metric"] == metric) & (table["emotion"].isna() if emotion is None else table["emotion"] == emotion)
        ]
        values = [of.set_index("run_id")["value"].reindex(own).to_list() for own in groups.values()]
        title = CATALOGUE[metric].title + (f", {emotion}" if emotion else "")
        if not all(map(pd.notna, [*values[0], *values[1]])):
            yield [
                title,
                *(", ".join(f"{value:.3g}" for value in own) for own in values),
                "",
                "no number in some runs",
                "",
            ]
            continue
        found = compare(*values)
        difference = f"{found.difference:+.3g} ({found.low:+.3g} to {found.high:+.3g})"
        yield [
            title,
            f"{found.first:.3g}",
            f"{found.second:.3g}",
            difference,
            found.verdict,
            f"{of['real'].median():.3g}",
        ]


def collapses(reader: Reader, groups: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Count each group's runs in which a collapse was found, and say which."""
    for name, own in groups.items():
        found = reader.findings(own)
        found = found[found["kind"].isin(_COLLAPSES)]
        yield [f"{name}: runs with a collapse", f"{found['run_id'].nunique()} of {len(own)}", "", "", "", ""]


def main(
    first: Position[str],
    second: Position[str],
    data: Position[str],
    registry: Position[Path],
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training images, of both.")] = 8,
    seeds: Annotated[int, tyro.conf.arg(help="Seeds of each, from 0.")] = 3,
) -> None:
    """Train two presets with several seeds each, in turns, and compare them at equal images and at equal seconds."""
    dataset, target = open_dataset(data), Registry(str(registry))
    for seed in range(seeds):
        for preset in (first, second):
            train_missing(preset, epochs, seed + 1, dataset, target)
    groups = {preset: train_missing(preset, epochs, seeds, dataset, target) for preset in (first, second)}
    reader = Reader(target.url)
    table = Table()
    for column in ("", first, second, "second less first", "the runs", "real faces"):
        table.add_column(column, justify="left" if not column else "right")
    for stage in ("images", "seconds"):
        for line in rows(reader, groups, stage):  # type: ignore[arg-type]
            table.add_row(*line)
        table.add_section()
    for line in collapses(reader, groups):
        table.add_row(*line)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


if __name__ == "__main__":
    tyro.cli(main)
