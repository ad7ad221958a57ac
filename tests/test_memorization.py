"""The faces behind a score: read by a real judge, and with their nearest training faces, of generators that copy."""

from dataclasses import replace
from pathlib import Path
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
    """A generator that shows the faces of a dataset, by emotion, one after the other."""

    emotions = EMOTIONS

    def __init__(self, faces: Dataset) -> None:
        self.faces = faces

    def latents(self, count: int, seed: int) -> Tensor:
        return torch.arange(count).unsqueeze(1) + seed

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        of_emotion = {code: np.flatnonzero(self.faces.labels == code) for code in set(labels.tolist())}
        picks = [
            of_emotion[code][int(at) % len(of_emotion[code])]
            for code, at in zip(labels.tolist(), latents[:, 0], strict=True)
        ]
        return torch.from_numpy(self.faces.images[picks]).unsqueeze(1).float() / 127.5 - 1

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        return self.generate(self.latents(len(labels), seed), labels)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return load_judge("synthfer")


@pytest.fixture(scope="module")
def real_faces(few: Dataset, judge: Judge) -> RealFaces:
    """The real faces of a run that was trained on 900 of them."""
    parts = split_parts(few)
    return RealFaces(few, parts, judge, training_index(few, parts, from_dict(RECIPE)))


def nearest_of(faces: Dataset, real_faces: RealFaces, labels: list[int]) -> NearestTrainingFaces:
    return nearest_training_faces(drawn_and_read(Shower(faces), real_faces.judge, torch.tensor(labels), 0), real_faces)


def learnt(real_faces: RealFaces) -> Dataset:
    index = training_index(real_faces.dataset, real_faces.parts, from_dict(RECIPE))
    return real_faces.dataset.take(index)


def test_faces_are_drawn_as_asked_and_read_by_the_judge(few: Dataset, judge: Judge) -> None:
    reading = drawn_and_read(Shower(few), judge, torch.tensor([HAPPY] * 30), 0)
    happy_faces = few.images[few.labels == HAPPY][:30]
    assert np.array_equal(reading.images.numpy(), happy_faces)
    assert torch.equal(reading.logits, judge.read(happy_faces)[0])
    assert (reading.logits.argmax(1) == HAPPY).float().mean() > 0.9


def test_a_copy_lies_at_distance_zero_beside_what_it_copies(real_faces: RealFaces) -> None:
    copies = learnt(real_faces)
    nearest = nearest_of(copies, real_faces, [HAPPY] * 5 + [SAD] * 5)
    # A face's features differ by rounding with the batch that it is read in.
    assert nearest.ratio.tolist() == pytest.approx([0.0] * 10, abs=1e-5)
    assert nearest.nearer.tolist() == [0.0] * 10
    assert torch.equal(nearest.neighbours[:, 0], nearest.faces)
    assert torch.equal(nearest.labels[:, 0], nearest.asked)
    assert nearest.neighbours.shape == (10, 3, 48, 48)


def test_faces_that_were_not_learnt_are_as_near_as_the_unseen_ones(real_faces: RealFaces) -> None:
    unseen = real_faces.dataset.take(real_faces.parts.held_out)
    count = int((unseen.labels == HAPPY).sum())
    nearest = nearest_of(unseen, real_faces, [HAPPY] * count)
    assert float(nearest.ratio.median()) == pytest.approx(1.0)
    assert float(nearest.nearer.mean()) == pytest.approx(0.5, abs=0.02)


def test_the_most_suspicious_come_first(real_faces: RealFaces) -> None:
    half = learnt(real_faces).take(np.arange(40))
    strangers = real_faces.dataset.take(real_faces.parts.report[:200])
    both = replace(
        half,
        images=np.concatenate([strangers.images, half.images]),
        labels=np.concatenate([strangers.labels, half.labels]),
    )
    copies = int((half.labels == HAPPY).sum())
    nearest = nearest_of(both, real_faces, [HAPPY] * int((both.labels == HAPPY).sum()))
    assert copies > 0
    assert nearest.ratio[:copies].tolist() == [0.0] * copies
    assert nearest.ratio[copies] > 0
    assert torch.equal(nearest.ratio, nearest.ratio.sort().values)


def test_noise_is_farther_than_every_real_face(real_faces: RealFaces) -> None:
    random = np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)
    noise = replace(real_faces.dataset, images=random, labels=np.full(20, HAPPY, np.uint8))
    nearest = nearest_of(noise, real_faces, [HAPPY] * 20)
    assert nearest.nearer.tolist() == [1.0] * 20
    assert float(nearest.ratio.min()) > 1


def test_a_run_stands_on_the_very_faces_it_learnt_from(judge: Judge, small_data: Path) -> None:
    faces = open_dataset(small_data)
    parts, recipe = split_parts(faces), RECIPE | {"emotions": ["happy", "sad"]}
    real_faces = real_faces_of(recipe, {"source": str(small_data), "content_hash": faces.content_hash}, judge)
    index = training_index(faces, parts, from_dict(recipe))
    assert set(faces.labels[index].tolist()) == {HAPPY, SAD}
    assert real_faces.key([HAPPY]) == RealFaces(faces, parts, judge, index).key([HAPPY])
    assert real_faces.key([HAPPY]) != RealFaces(faces, parts, judge).key([HAPPY])
