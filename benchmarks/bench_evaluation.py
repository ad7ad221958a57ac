"""Evaluation: how long the protocols take without sampling, and the classic scores compared with torch-fidelity's.

Both use the same judge as feature extractor and the same faces, and compute IS over ten splits, FID, KID over 100
subsets of 1,000, precision and recall: once from given features, and once from the faces (torch-fidelity by its own
`calculate_metrics`). Ours also prepares the intervals of recall, which torch-fidelity does not have.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_fidelity import (
    calculate_metrics,
    metric_fid,
    metric_isc,
    metric_kid,
    metric_prc,
    register_feature_extractor,
)
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from benchmarks.common import peak_memory, row
from fergan_core.data import open_dataset, split_parts
from fergan_core.evaluation import FINAL_COUNT, LIGHT_COUNT, Evaluator, Faces, Protocol, load_judge
from fergan_core.metrics import frechet, inception_score, kernel, neighbours
from tests.support.fidelity import Pictures

_COUNT = 10_000
_TURNS = 4
_SCORE = """
import sys
from trainers.cli import main
main(["evaluate", "--images", sys.argv[1], "--data", "synthfer", "--judge", "synthfer", "--json"])
"""


class _JudgeForFidelity(FeatureExtractorBase):
    """The judge as a feature extractor for torch-fidelity."""

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
        outputs = {"features": features, "logits": logits}
        return tuple(outputs[name] for name in self.features_list)


def _faces(count: int, seed: int) -> Faces:
    """Return training faces with strong noise, as a mediocre generator might draw them."""
    dataset = open_dataset("synthfer")
    index = split_parts(dataset).train
    source = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(index), (count,), generator=source).numpy()
    images = torch.from_numpy(dataset.images[index[chosen]]).float()
    images += torch.randn(images.shape, generator=source) * 20
    labels = torch.from_numpy(dataset.labels[index[chosen]]).long()
    return Faces(images.clamp_(0, 255).to(torch.uint8), labels)


def _ours(logits: torch.Tensor, fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    near = neighbours.neighbourhoods(real, fake)
    return {
        "inception_score_mean": inception_score.split_scores(logits)[0],
        "frechet_inception_distance": frechet.fid(real, fake),
        "kernel_inception_distance_mean": kernel.kid_subsets(real, fake, seed=2020)[0],
        "precision": float(near.precision.mean()),
        "recall": near.recall.share,
    }


def _theirs(logits: torch.Tensor, fake: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    statistics = [metric_fid.fid_features_to_statistics(features) for features in (fake, real)]
    return {
        **metric_isc.isc_features_to_metric(logits, shuffle=False),
        **metric_fid.fid_statistics_to_metric(*statistics, verbose=False),
        **metric_kid.kid_features_to_metric(fake, real, verbose=False),
        **metric_prc.prc_features_to_metric(fake, real, verbose=False),
    }


def _ours_from_faces(fake: Faces, real: Faces) -> dict[str, float]:
    judge = load_judge("synthfer")
    return _ours(*judge.read(fake.images), judge.read(real.images)[1])


def _theirs_from_faces(fake: Faces, real: Faces) -> dict[str, float]:
    metrics = {"isc": True, "fid": True, "kid": True, "prc": True, "feature_extractor": "judge", "batch_size": 256}
    quiet = {"cuda": torch.cuda.is_available(), "verbose": False, "samples_shuffle": False}
    scores: dict[str, float] = calculate_metrics(
        input1=Pictures(fake.images), input2=Pictures(real.images), **metrics, **quiet
    )
    return scores


def _timed(compute: Callable[..., dict[str, float]], *arguments: Any) -> tuple[float, dict[str, float]]:
    started = time.perf_counter()
    scores = compute(*arguments)
    return time.perf_counter() - started, scores


def _against_fidelity() -> list[dict[str, Any]]:
    dataset = open_dataset("synthfer")
    parts = split_parts(dataset)
    real = Faces(torch.from_numpy(dataset.images[parts.train[:_COUNT]]), None)
    fake = _faces(_COUNT, seed=0)
    judge = load_judge("synthfer")
    read = (*judge.read(fake.images), judge.read(real.images)[1])
    register_feature_extractor("judge", _JudgeForFidelity)
    rows, largest_difference = [], 0.0
    for name, note, ours, theirs, arguments in (
        ("from features", "ratio to torch-fidelity's, limit 2", _ours, _theirs, read),
        ("from faces", "both read 20,000 faces first", _ours_from_faces, _theirs_from_faces, (fake, real)),
    ):
        # Alternately, because the machine's speed changes; the first turn is a warm-up.
        turns = [(_timed(theirs, *arguments), _timed(ours, *arguments)) for _ in range(_TURNS)]
        expected, actual = turns[-1][0][1], turns[-1][1][1]
        reference, seconds = (statistics.median(turn[side][0] for turn in turns[1:]) for side in (0, 1))
        largest_difference = max(largest_difference, *(abs(actual[key] / expected[key] - 1) for key in actual))
        title = f"IS, FID, KID, PR of 10,000 {name}"
        rows.append(row(title, seconds, "s", note, reference=reference, ratio=reference / seconds))
    return [*rows, row("the same values, largest relative difference", largest_difference, "", "limit 1e-6")]


def _protocol(count: int, limit: float, *, thorough: bool) -> dict[str, Any]:
    """Time one protocol on new faces, with the readings of real faces cached."""
    dataset = open_dataset("synthfer")
    evaluator = Evaluator(dataset, split_parts(dataset), Protocol("synthfer", count), thorough=thorough)
    evaluator.score(_faces(count, seed=1), range(7))
    new_faces = _faces(count, seed=2)
    started = time.perf_counter()
    evaluator.score(new_faces, range(7))
    name = "final protocol, CAS included" if thorough else "light protocol"
    return row(f"{name}: {count:,} faces", time.perf_counter() - started, "s", f"reading included; limit {limit:.0f} s")


def run() -> list[dict[str, Any]]:
    """Time both protocols, compare with torch-fidelity, and measure the memory of scoring 10,000 faces."""
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
