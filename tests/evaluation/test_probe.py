"""The probe of generators whose faces are known: real ones, one face for all, and lines through pixel space."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from fergan_core.data import Dataset, Parts
from fergan_core.emotions import EMOTIONS
from fergan_core.evaluation import Probe, RealFaces, jacobian_condition, load_judge
from fergan_core.evaluation.jacobian import log_conditions
from fergan_core.evaluation.slow_scores import log_condition
from fergan_core.methods.table import build_learner
from fergan_core.recipe import from_dict
from tests.evaluation.conftest import Replayer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def probe(few: Dataset, parts: Parts) -> Probe:
    judge = load_judge("synthfer")
    return Probe(judge, RealFaces(few, parts, judge), EMOTIONS, 0)


def test_real_faces_have_a_sound_pulse(probe: Probe, unseen_faces: Dataset) -> None:
    scalars = probe.take(Replayer(unseen_faces), CPU)
    for name in EMOTIONS:
        assert scalars[f"pulse_accuracy/{name}"] >= 0.75
        assert scalars[f"pulse_reads/{name}"] == EMOTIONS.index(name)
        assert 0.7 < scalars[f"pulse_diversity/{name}"] < 1.4
        # Drawn one by one, with chance repeats: of disgust's seven faces most are there twice.
        chance = 1 - (1 - 1 / int((unseen_faces.labels == EMOTIONS.index(name)).sum())) ** 15
        assert abs(scalars[f"pulse_repeats/{name}"] - chance) < 0.3


def test_one_face_for_every_emotion_is_dead(probe: Probe, unseen_faces: Dataset) -> None:
    scalars = probe.take(Replayer(unseen_faces, always=EMOTIONS.index("happy")), CPU)
    for name in EMOTIONS:
        assert scalars[f"pulse_diversity/{name}"] == pytest.approx(0, abs=1e-6)
        assert scalars[f"pulse_repeats/{name}"] == 1
        assert scalars[f"pulse_reads/{name}"] == EMOTIONS.index("happy")
        assert scalars[f"pulse_accuracy/{name}"] == float(name == "happy")


class Lines:
    """Faces of which one pixel is each number of a latent times its strength."""

    def __init__(self, strengths: list[float], emotions: tuple[str, ...] = EMOTIONS) -> None:
        self.emotions, self._strengths = emotions, torch.tensor(strengths)

    def latents(self, count: int, seed: int) -> Tensor:
        return torch.rand(count, len(self._strengths), generator=torch.Generator().manual_seed(seed))

    def draw(self, latents: Tensor, labels: Tensor) -> Tensor:
        assert len(latents) == len(labels)
        faces = torch.zeros(len(latents), 48 * 48 - len(self._strengths))
        return torch.cat([latents * self._strengths, faces], 1).view(-1, 1, 48, 48)

    generate = draw


@pytest.mark.parametrize("emotions", [EMOTIONS, ("happy", "sad", "neutral")])
def test_the_condition_is_that_of_the_jacobian(emotions: tuple[str, ...]) -> None:
    condition = jacobian_condition(Lines([1.0, 0.5, 0.1], emotions), emotions, 0)
    assert condition == pytest.approx(2 * math.log(10), rel=1e-5)


@pytest.mark.slow
@pytest.mark.thorough
def test_the_probe_and_the_evaluation_give_the_same_condition_of_the_same_latents() -> None:
    """A network's Jacobian differs from latent to latent and from emotion to emotion, so both must be the same."""
    recipe = from_dict({"method": {"kind": "gan", "width": 4, "latent_size": 20}})
    generator = build_learner(recipe, CPU, steps=1, bfloat16=False).generator
    labels = torch.arange(7).repeat(2)
    expected = log_conditions(generator, labels, 3)
    assert len(set(expected.tolist())) == 14
    interval = log_condition(generator, labels, 3)
    assert interval is not None
    assert interval.value == jacobian_condition(generator, EMOTIONS, 3) == float(expected.mean())
    for other in (log_condition(generator, labels, 4), log_condition(generator, labels.flip(0), 3)):
        assert other is not None
        assert other.value != interval.value


def test_faces_without_derivatives_have_no_condition(unseen_faces: Dataset) -> None:
    assert log_condition(Replayer(unseen_faces), torch.arange(7), 0) is None


def test_faces_that_are_no_numbers_have_no_condition() -> None:
    assert np.isnan(jacobian_condition(Lines([1.0, math.inf]), EMOTIONS, 0))
