"""Evaluation: how long the protocols take beyond sampling, and the classic scores beside torch-fidelity's.

Both get the same judge as extractor, the same faces, and give IS over ten splits, FID, KID over 100 subsets of 1,000,
precision and recall; torch-fidelity through its own `calculate_metrics`, reading included in both.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_fidelity import calculate_metrics, register_feature_extractor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from benchmarks.common import peak_memory, row
from benchmarks.fidelity import Pictures
from fergan_core.data import open_dataset, science_parts
from fergan_core.evaluation import FINAL_COUNT, LIGHT_COUNT, Examiner, Faces, Protocol, load_judge
from fergan_core.metrics import frechet, inception_score, kernel, neighbours
from fergan_core.metrics.intervals import groups_of

_COUNT = 10_000
_SCORE = """
import sys
from trainers.cli import main
main(["evaluate", "--images", sys.argv[1], "--data", "synthfer", "--judge", "synthfer", "--json"])
"""


class _JudgeForFidelity(FeatureExtractorBase):
    """The judge in the form that torch-fidelity asks for."""

    def __init__(self, name: str, features_list: list[str], **_: Any) -> None:
        super().__init__(name, features_list)
        self.judge = load_judge("synthfer")

    @staticmethod
    def get_provided_features_list() -> tuple[str, str]:
        return "features", "logits"

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        logits, features = self.judge.read(images[:, 0])
        found = {"features": features, "logits": logits}
        return tuple(found[name] for name in self.features_list)


def _faces(count: int, seed: int) -> Faces:
    """Return training faces under strong noise, as a generator of middling worth might draw them."""
    dataset = open_dataset("synthfer")
    index = science_parts(dataset).train
    source = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(index), (count,), generator=source).numpy()
    images = torch.from_numpy(dataset.images[index[chosen]]).float()
    images += torch.randn(images.shape, generator=source) * 20
    labels = torch.from_numpy(dataset.labels[index[chosen]]).long()
    return Faces(images.clamp_(0, 255).to(torch.uint8), labels)


def _ours(fake: Faces, real: Faces) -> dict[str, float]:
    judge = load_judge("synthfer")
    (fake_logits, fake_features), (_, real_features) = judge.read(fake.images), judge.read(real.images)
    near = neighbours.neighbourhoods(real_features, fake_features, groups_of(len(fake_features)))
    return {
        "inception_score_mean": inception_score.split_scores(fake_logits)[0],
        "frechet_inception_distance": frechet.fid(real_features, fake_features),
        "kernel_inception_distance_mean": kernel.kid_subsets(real_features, fake_features, seed=2020)[0],
        "precision": float(near.precision.mean()),
        "recall": near.recall,
    }


def _theirs(fake: Faces, real: Faces) -> dict[str, float]:
    register_feature_extractor("judge", _JudgeForFidelity)
    wanted = {"isc": True, "fid": True, "kid": True, "prc": True, "feature_extractor": "judge", "batch_size": 256}
    quiet = {"cuda": torch.cuda.is_available(), "verbose": False, "samples_shuffle": False}
    found: dict[str, float] = calculate_metrics(
        input1=Pictures(fake.images), input2=Pictures(real.images), **wanted, **quiet
    )
    return found


def _against_fidelity() -> list[dict[str, Any]]:
    dataset = open_dataset("synthfer")
    parts = science_parts(dataset)
    real = Faces(torch.from_numpy(dataset.images[parts.train[:_COUNT]]), None)
    fake = _faces(_COUNT, seed=0)
    seconds, found = {}, {}
    for name, compute in (("theirs", _theirs), ("ours", _ours)):
        started = time.perf_counter()
        found[name] = compute(fake, real)
        seconds[name] = time.perf_counter() - started
    apart = max(abs(found["ours"][key] / found["theirs"][key] - 1) for key in found["ours"])
    note = "reading included; ratio to torch-fidelity's, limit 2"
    ratio = seconds["theirs"] / seconds["ours"]
    return [
        row("IS, FID, KID, PR of 10,000", seconds["ours"], "s", note, reference=seconds["theirs"], ratio=ratio),
        row("the same values, largest relative difference", apart, "", "limit 1e-6"),
    ]  # fmt: skip


def _protocol(count: int, limit: float, *, thorough: bool) -> dict[str, Any]:
    """Time one protocol on faces not seen before, where real faces' readings are kept from the time before."""
    dataset = open_dataset("synthfer")
    examiner = Examiner(dataset, science_parts(dataset), Protocol("synthfer", count), thorough=thorough)
    examiner.score(_faces(count, seed=1), range(7))
    fresh = _faces(count, seed=2)
    started = time.perf_counter()
    examiner.score(fresh, range(7))
    name = "final protocol, CAS included" if thorough else "light protocol"
    return row(f"{name}: {count:,} faces", time.perf_counter() - started, "s", f"reading included; limit {limit:.0f} s")


def run() -> list[dict[str, Any]]:
    """Time both protocols, compare with torch-fidelity, and take the memory of the command on 10,000 faces."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("FERGAN_CACHE")
        os.environ["FERGAN_CACHE"] = folder
        try:
            rows = [
                *_against_fidelity(),
                _protocol(LIGHT_COUNT, 20, thorough=False),
                _protocol(FINAL_COUNT, 180, thorough=True),
            ]
            file = Path(folder) / "faces.npz"
            fake = _faces(FINAL_COUNT, seed=3)
            assert fake.labels is not None
            np.savez(file, images=fake.images.numpy(), labels=fake.labels.numpy())
            rows.append(
                row("memory, all scores of 10,000 faces", peak_memory(_SCORE, str(file)) / 1024, "GiB", "limit 2")
            )
        finally:
            if before is None:
                del os.environ["FERGAN_CACHE"]
            else:
                os.environ["FERGAN_CACHE"] = before
    return rows
