"""Faces between latents and of mixed emotions: their ends are the faces that are drawn without mixing."""

from typing import Any

import numpy as np
import pytest
import torch

from dashboard import face_drawing
from fergan_core import methods
from fergan_core.methods.protocols import Generator
from fergan_core.recipe import Diffusion, Flow, Gan, MeanFlow, MethodRecipe, Recipe

EMOTIONS, HAPPY, SAD = ("happy", "sad"), 3, 4
LATENTS, SEED = 6, 7
METHODS: dict[str, MethodRecipe] = {
    "flow": Flow(width=8, sample_steps=2, guidance=2.0, warmup=0, lr=0.02),
    "diffusion": Diffusion(width=8, sample_steps=2, warmup=0, lr=0.02),
    "meanflow": MeanFlow(width=8, warmup=0, lr=0.02),
    "gan": Gan(width=4, latent_size=6, g_conditioning="norm", g_lr=0.05),
}


@pytest.fixture(scope="module", params=METHODS)
def generator(request: pytest.FixtureRequest) -> Generator:
    """A generator after a few steps, which tells emotions apart."""
    torch.manual_seed(0)
    recipe = Recipe(emotions=EMOTIONS, batch_size=6, method=METHODS[request.param])
    learner = methods.build_learner(recipe, torch.device("cpu"), steps=4, bfloat16=False)
    for _ in range(4):
        learner.step(torch.rand(6, 1, 48, 48) * 2 - 1, torch.tensor([HAPPY, SAD] * 3))
    return learner.generator


def drawn(generator: Generator, code: int) -> np.ndarray:
    question = {"labels": [code] * LATENTS, "seed": SEED}
    return face_drawing.draw(generator, question, lambda done, of: None).faces


def mixed(generator: Generator, mixtures: list[list[Any]], truncation: float = 1.0, **others: Any) -> np.ndarray:
    question = {
        "labels": [HAPPY, SAD],
        "seed": SEED,
        "latents": LATENTS,
        "mixtures": mixtures,
        "truncation": truncation,
    }
    return face_drawing.mixed(generator, question | others, lambda done, of: None).faces


def test_the_ends_of_a_way_are_the_faces_that_are_drawn(generator: Generator) -> None:
    happy, sad = drawn(generator, HAPPY), drawn(generator, SAD)
    assert not np.array_equal(happy, sad)
    places = [(place, (place + 1) % LATENTS) for place in range(LATENTS)]
    assert np.array_equal(mixed(generator, [[*pair, 0.0, [1, 0]] for pair in places]), happy)
    assert np.array_equal(mixed(generator, [[*pair, 1.0, [1, 0]] for pair in places]), np.roll(happy, -1, 0))
    assert np.array_equal(mixed(generator, [[*pair, 0.0, [0, 1]] for pair in places]), sad)


def test_between_the_ends_lie_other_faces_and_beyond_an_emotion_too(generator: Generator) -> None:
    shown = mixed(generator, [[0, 1, 0.0, [1, 0]], [0, 1, 0.5, [1, 0]], [0, 0, 0, [0.5, 0.5]], [0, 0, 0, [2, -1]]])
    assert len(np.unique(shown, axis=0)) == 4


def test_truncated_latents_draw_other_faces(generator: Generator) -> None:
    mixtures = [[place, place, 0.0, [1, 0]] for place in range(LATENTS)]
    whole, half = mixed(generator, mixtures), mixed(generator, mixtures, truncation=0.5)
    assert not np.array_equal(whole, half)


def test_a_sampling_can_be_chosen_for_mixtures() -> None:
    recipe = Recipe(emotions=EMOTIONS, method=METHODS["flow"])
    learner = methods.build_learner(recipe, torch.device("cpu"), steps=1, bfloat16=False)
    told: list[tuple[float, int]] = []
    question = {
        "labels": [HAPPY, SAD], "seed": SEED, "latents": 2, "mixtures": [[0, 1, 0.5, [1, 0]]] * 17, "truncation": 1.0,
        "sampling": {"sampler": "euler", "steps": 4, "guidance": 1.0},
    }  # fmt: skip
    assert (
        face_drawing.mixed(learner.generator, question, lambda done, of: told.append((done, of))).faces.shape[0] == 17
    )
    assert told == [(4.0 * step, 17) for step in range(1, 5)] + [(16 + step / 4, 17) for step in range(1, 5)]


def test_the_way_along_the_sphere_keeps_the_length_and_takes_the_straight_line_where_there_is_no_other() -> None:
    first, second = torch.tensor([[3.0, 0.0], [1.0, 2.0]]), torch.tensor([[0.0, 3.0], [1.0, 2.0]])
    half = face_drawing.spherical(first, second, torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(half, torch.tensor([[4.5**0.5, 4.5**0.5], [1.0, 2.0]]))
    opposed = face_drawing.spherical(torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]]), torch.tensor([0.25]))
    torch.testing.assert_close(opposed, torch.tensor([[0.5, 0.0]]))
