"""Any order of the same faces gives the same digits: of every score, its interval, real faces' value and noise's."""

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fergan_core.data import Dataset, make_dataset, open_dataset, split_parts
from fergan_core.emotions import EMOTIONS
from fergan_core.evaluation import Evaluation, Evaluator, Faces, Protocol, cas, score_images
from fergan_core.evaluation.faces import arranged, noise
from fergan_core.metrics import bins
from fergan_core.metrics.catalogue import CATALOGUE
from tests.evaluation.conftest import Replayer

pytestmark = pytest.mark.slow

COUNT = 520  # enough for FID-infinity
METRICS = (*CATALOGUE, "is_at_100", "is_at_250", *(f"read_as_{name}" for name in EMOTIONS))
OF_GENERATORS = {"log_condition", "bits_per_dim", "bits_per_dim_error", "speed"}  # not of faces from a file
OF_LABELS = {"accuracy", "distance", "ms_ssim", "cas", "cas_gain", *(f"read_as_{name}" for name in EMOTIONS)}
ORDERS = ("sorted by label", "shuffled")


class Simple(Replayer):
    """A generator with derivatives and a density, so that it has every score of a generator."""

    nfe = 1

    def draw(self, latents: Tensor, labels: Tensor) -> Tensor:
        strengths = torch.tensor([1.0, 0.5, 0.1]) * (1 + labels[:, None])
        return torch.nn.functional.pad(latents.expand(-1, 3) * strengths, (0, 48 * 48 - 3)).view(-1, 1, 48, 48)

    def latents(self, count: int, seed: int) -> Tensor:
        return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed))

    def log_likelihood(self, faces: Tensor, labels: Tensor, seed: int) -> Tensor:
        return torch.stack([-faces.flatten(1).square().sum(1), -faces.flatten(1).abs().sum(1)])


@pytest.fixture(scope="module")
def scored(few: Dataset, training_faces: Dataset) -> dict[tuple[str, bool], Evaluation]:
    """The same faces in two orders, in blocks of 200: all scores with labels, and those without."""
    parts = split_parts(few)
    # Of the rarest emotion all: its modes are known from people who show it twice.
    disgust = parts.train[few.labels[parts.train] == EMOTIONS.index("disgust")]
    small = few.take(np.unique(np.concatenate([parts.train[:700], disgust, parts.held_out[::3], parts.report[::3]])))
    images = torch.from_numpy(training_faces.images[-COUNT:])
    labels = torch.from_numpy(training_faces.labels[-COUNT:].astype(np.int64))
    by_label = labels.argsort(stable=True)
    shuffled = torch.randperm(COUNT, generator=torch.Generator().manual_seed(5))
    evaluations: dict[tuple[str, bool], Evaluation] = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cas, "STEPS", 4)
        patched.setattr(bins, "EXPECTED", 0)  # 200 faces are too few for NDB's tests, but not for being counted
        protocol = Protocol("synthfer", count=COUNT)
        thorough, light = (Evaluator(small, split_parts(small), protocol, thorough=more) for more in (True, False))
        for name, order in zip(ORDERS, (by_label, shuffled), strict=True):
            faces = Faces(images[order], labels[order], seconds=2.0)
            evaluations[name, True] = thorough.score(faces, range(7), Simple(training_faces))
            evaluations[name, False] = light.score(Faces(images[order], None), range(7))
    assert evaluations["shuffled", True].real_count * 2 < COUNT  # so that there are two blocks
    return evaluations


def scores_of(evaluation: Evaluation, metric: str) -> list[tuple[Any, ...]]:
    if metric == "speed":
        return [(evaluation.faces_per_second,)]
    return sorted(tuple(map(repr, astuple(score))) for score in evaluation.scores if score.metric == metric)


@pytest.mark.thorough
@pytest.mark.parametrize("metric", METRICS)
def test_any_order_of_labelled_faces_gives_the_same_digits(
    scored: dict[tuple[str, bool], Evaluation], metric: str
) -> None:
    by_label, shuffled = (scores_of(scored[name, True], metric) for name in ORDERS)
    assert by_label
    assert by_label == shuffled


@pytest.mark.thorough
@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric not in OF_LABELS | OF_GENERATORS])
def test_any_order_of_unlabelled_faces_gives_the_same_digits(
    scored: dict[tuple[str, bool], Evaluation], metric: str
) -> None:
    scores = scores_of(scored["sorted by label", False], metric)
    assert scores
    assert scores == scores_of(scored["shuffled", False], metric)


@pytest.mark.thorough
def test_a_data_set_that_is_kept_sorted_gives_the_same_digits(fewer: Dataset, training_faces: Dataset) -> None:
    parts = split_parts(fewer)
    by_label = np.argsort(fewer.labels, kind="stable")
    place = np.argsort(by_label)
    sorted_by_label = fewer.take(by_label)
    sorted_parts = type(parts)(*(place[part] for part in (parts.train, parts.held_out, parts.report)))
    faces = Faces(torch.from_numpy(training_faces.images[:200]), None)
    protocol = Protocol("synthfer", count=200)
    evaluations = [
        Evaluator(*data, protocol).score(faces, range(7)) for data in ((fewer, parts), (sorted_by_label, sorted_parts))
    ]
    assert evaluations[0] == evaluations[1]


def test_another_seed_is_another_order(training_faces: Dataset) -> None:
    faces = Faces(torch.from_numpy(training_faces.images[:50]), None)
    first, second = arranged(faces, 0), arranged(faces, 1)
    assert not torch.equal(first.images, second.images)
    assert torch.equal(*(faces_in_order.images.flatten(1).sum(1).sort().values for faces_in_order in (first, second)))


def test_noise_is_the_same_for_any_order_of_the_labels() -> None:
    first, second = (noise(torch.tensor(labels), 4, 0) for labels in ([0, 1, 1, 2], [1, 2, 0, 1]))
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)


@pytest.mark.thorough
def test_sorted_and_shuffled_real_faces_score_alike(fer2013_layout: Callable[..., Path]) -> None:
    """Photographs of FER2013, sorted by emotion as in a folder, and shuffled."""
    photographs = open_dataset(str(fer2013_layout("npz", 1700)))
    splits = np.repeat(np.array([0, 1], np.uint8), [700, 200])
    beside = make_dataset("fer2013", "", photographs.images[:900], photographs.labels[:900], splits)
    images, labels = photographs.images[1500:], photographs.labels[1500:]
    evaluations = []
    for order in (np.argsort(labels, kind="stable"), np.random.default_rng(1).permutation(len(labels))):
        evaluations += score_images(images[order], labels[order], [Protocol("fer2013")], dataset=beside)
    assert {"fid", "kid", "coverage", "vendi", "duplicates", "is_split_mean"} <= {
        s.metric for s in evaluations[0].scores
    }
    assert evaluations[0] == evaluations[1]
