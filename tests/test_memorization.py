"""The faces behind a score: read by a real judge, and beside their nearest training faces, of generators that copy."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fergan_core.data import Dataset, open_dataset, split_parts
from fergan_core.emotions import EMOTIONS
from fergan_core.evaluation.memorization import (
    NearestTrainingFaces,
    drawn_and_read,
    nearest_training_faces,
    real_faces_of,
)
from fergan_core.evaluation.real_faces import RealFaces
from fergan_core.evaluation.runs import training_index
from fergan_core.judges.judge import Judge, load_judge
from fergan_core.recipe import from_dict

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")
RECIPE: dict[str, Any] = {"preset": "quick", "images": 900}


class Shower:
    """A generator that shows the faces it was given of each emotion, one after the other."""

    emotions = EMOTIONS

    def __init__(self, faces: Dataset) -> None:
        self.faces = faces

    def latents(self, count: int, seed: int) -> Tensor:
        return torch.arange(count).unsqueeze(1) + seed

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        own = {code: np.flatnonzero(self.faces.labels == code) for code in set(labels.tolist())}
        picks = [own[code][int(at) % len(own[code])] for code, at in zip(labels.tolist(), latents[:, 0], strict=True)]
        return torch.from_numpy(self.faces.images[picks]).unsqueeze(1).float() / 127.5 - 1

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        return self.generate(self.latents(len(labels), seed), labels)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load_judge("synthfer")


@pytest.fixture(scope="module")
def few() -> Dataset:
    """Every sixth of the built-in faces, in all their splits."""
    dataset = open_dataset("synthfer")
    return dataset.take(np.arange(0, len(dataset), 6))


@pytest.fixture(scope="module")
def real_faces(few: Dataset, judge: Judge) -> RealFaces:
    """What a run stands on that learnt from 900 faces alone."""
    parts = split_parts(few)
    return RealFaces(few, parts, judge, training_index(few, parts, from_dict(RECIPE)))


def audited(faces: Dataset, real_faces: RealFaces, labels: list[int]) -> NearestTrainingFaces:
    return nearest_training_faces(drawn_and_read(Shower(faces), real_faces.judge, torch.tensor(labels), 0), real_faces)


def learnt(real_faces: RealFaces) -> Dataset:
    own = training_index(real_faces.dataset, real_faces.parts, from_dict(RECIPE))
    return real_faces.dataset.take(own)


def test_faces_are_drawn_as_asked_and_read_by_the_judge(few: Dataset, judge: Judge) -> None:
    reading = drawn_and_read(Shower(few), judge, torch.tensor([HAPPY] * 30), 0)
    wanted = few.images[few.labels == HAPPY][:30]
    assert np.array_equal(reading.images.numpy(), wanted)
    assert torch.equal(reading.logits, judge.read(wanted)[0])
    assert (reading.logits.argmax(1) == HAPPY).float().mean() > 0.9


def test_a_copy_lies_at_distance_zero_beside_what_it_copies(real_faces: RealFaces) -> None:
    copies = learnt(real_faces)
    found = audited(copies, real_faces, [HAPPY] * 5 + [SAD] * 5)
    # A face's features differ by rounding with the batch that it is read in.
    assert found.ratio.tolist() == pytest.approx([0.0] * 10, abs=1e-5)
    assert found.nearer.tolist() == [0.0] * 10
    assert torch.equal(found.neighbours[:, 0], found.faces)
    assert torch.equal(found.labels[:, 0], found.asked)
    assert found.neighbours.shape == (10, 3, 48, 48)


def test_faces_that_were_not_learnt_are_as_near_as_the_unseen_ones(real_faces: RealFaces) -> None:
    unseen = real_faces.dataset.take(real_faces.parts.held_out)
    count = int((unseen.labels == HAPPY).sum())
    found = audited(unseen, real_faces, [HAPPY] * count)
    assert float(found.ratio.median()) == pytest.approx(1.0)
    assert float(found.nearer.mean()) == pytest.approx(0.5, abs=0.02)


def test_the_most_suspicious_come_first(real_faces: RealFaces) -> None:
    half = learnt(real_faces).take(np.arange(40))
    strangers = real_faces.dataset.take(real_faces.parts.report[:200])
    both = replace(
        half,
        images=np.concatenate([strangers.images, half.images]),
        labels=np.concatenate([strangers.labels, half.labels]),
    )
    known = int((half.labels == HAPPY).sum())
    found = audited(both, real_faces, [HAPPY] * int((both.labels == HAPPY).sum()))
    assert known > 0
    assert found.ratio[:known].tolist() == [0.0] * known
    assert found.ratio[known] > 0
    assert torch.equal(found.ratio, found.ratio.sort().values)


def test_noise_is_farther_than_every_real_face(real_faces: RealFaces) -> None:
    random = np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    noise = replace(real_faces.dataset, images=random, labels=np.full(20, HAPPY, np.uint8))
    found = audited(noise, real_faces, [HAPPY] * 20)
    assert found.nearer.tolist() == [1.0] * 20
    assert float(found.ratio.min()) > 1


def test_a_run_stands_on_the_very_faces_it_learnt_from(judge: Judge) -> None:
    synthfer = open_dataset("synthfer")
    parts, recipe = split_parts(synthfer), RECIPE | {"emotions": ["happy", "sad"]}
    found = real_faces_of(recipe, {"source": "synthfer", "content_hash": synthfer.content_hash}, judge)
    own = training_index(synthfer, parts, from_dict(recipe))
    assert set(synthfer.labels[own].tolist()) == {HAPPY, SAD}
    assert found.key([HAPPY]) == RealFaces(synthfer, parts, judge, own).key([HAPPY])
    assert found.key([HAPPY]) != RealFaces(synthfer, parts, judge).key([HAPPY])
