"""What diffusion, flow and MeanFlow share: guidance, seeds, exact resume, and what is measured."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fergan_core import methods
from fergan_core import recipe as recipes
from fergan_core.errors import CheckpointError, UsageError
from fergan_core.recipe import Diffusion, Flow, MeanFlow, Recipe, Sampling
from fergan_core.training import engine
from tests.support.resume import check_resume

CPU = torch.device("cpu")
LEARNED = ("happy", "sad")
SMALL = {"width": 8, "sample_steps": 3, "warmup": 0}
RECIPES = [
    Recipe(emotions=LEARNED, batch_size=8, method=Diffusion(**SMALL)),
    Recipe(emotions=LEARNED, batch_size=8, method=Flow(**SMALL)),
    Recipe(emotions=LEARNED, batch_size=8, method=MeanFlow(**SMALL)),
]
NAMED = [pytest.param(recipe, id=recipe.method.kind) for recipe in RECIPES]
by_method = pytest.mark.parametrize("recipe", NAMED)
guided_when_drawing = pytest.mark.parametrize("recipe", NAMED[:2])


def learner_after(recipe: Recipe, steps: int) -> methods.MethodLearner:
    """A learner that has learnt a few batches of bright happy and dark sad squares."""
    learner = methods.build_learner(recipe, CPU, steps=40, bfloat16=False)
    train(learner, 0, steps)
    return learner


def faces(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.tensor([3, 4] * (count // 2))
    images = torch.where(labels == 3, 0.7, -0.7)[:, None, None, None].repeat(1, 1, 48, 48)
    return images, labels


def train(learner: methods.MethodLearner, start: int, stop: int) -> None:
    for step in range(start, stop):
        torch.manual_seed(engine.derive_seed(0, engine.STEP_STREAM, step))
        learner.step(*faces(8))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [*NAMED[:2], pytest.param(RECIPES[2], id="meanflow", marks=pytest.mark.thorough)])
def test_the_network_learns_brightness_by_emotion_and_draws_it(recipe: Recipe) -> None:
    steep = replace(recipe.method, lr=3e-3, lr_decay=False, ema=0.9, sample_steps=8)
    learner = learner_after(replace(recipe, method=steep), 80)
    brightness = learner.generator.sample(torch.tensor([3, 4]).repeat_interleave(8), 0).mean((1, 2, 3))
    assert brightness[:8].mean() > 0.2
    assert brightness[8:].mean() < -0.2


@guided_when_drawing
def test_a_guidance_of_one_is_the_conditional_model_and_more_goes_farther_from_the_unconditional(
    recipe: Recipe,
) -> None:
    generator = learner_after(recipe, 6).generator
    latents, labels = generator.latents(4, 0), torch.tensor([3, 4, 3, 4])
    sampling = recipe.method.sampling

    def guided(guidance: float) -> torch.Tensor:
        return generator.resampled(replace(sampling, guidance=guidance)).generate(latents, labels)

    torch.testing.assert_close(guided(1.0), guided(1.0 + 1e-6), atol=1e-3, rtol=0)
    unconditional, conditional, strong = guided(0.0), guided(1.0), guided(3.0)
    assert (conditional - unconditional).norm() > 0
    assert (strong - unconditional).norm() > (conditional - unconditional).norm()
    # At guidance 0 the emotion has no effect.
    swapped = generator.resampled(replace(sampling, guidance=0.0)).generate(latents, labels.flip(0))
    torch.testing.assert_close(swapped, unconditional)


@by_method
def test_a_seed_gives_the_same_faces_and_another_seed_others(recipe: Recipe) -> None:
    generator = learner_after(recipe, 2).generator
    labels = torch.tensor([3, 4, 3])
    assert torch.equal(generator.sample(labels, 7), generator.sample(labels, 7))
    assert not torch.equal(generator.sample(labels, 7), generator.sample(labels, 8))
    with pytest.raises(ValueError, match="happy, sad"):
        generator.sample(torch.tensor([0]), 7)


@by_method
def test_the_path_has_a_state_a_step_and_ends_in_the_face(recipe: Recipe) -> None:
    generator = learner_after(recipe, 2).generator
    latents, labels = generator.latents(2, 0), torch.tensor([3, 4])
    path = list(generator.path(latents, labels))
    assert len(path) == 3
    assert all(state.shape == denoised.shape == (2, 1, 48, 48) for state, denoised in path)
    assert torch.equal(path[-1][0], generator.generate(latents, labels))


@pytest.mark.slow
@by_method
def test_a_training_goes_on_from_its_state_to_the_last_bit_and_its_weights_draw_the_same(
    recipe: Recipe, tmp_path: Path
) -> None:
    weights = check_resume(recipe, tmp_path, lambda: learner_after(recipe, 0), train)
    with pytest.raises(CheckpointError, match="this recipe"):
        methods.load_generator(recipes.to_dict(replace(recipe, method=replace(recipe.method, width=16))), weights)


@by_method
def test_held_out_faces_are_measured_apart_from_training_faces_and_always_in_the_same_noise(recipe: Recipe) -> None:
    learner = learner_after(recipe, 4)
    train, held_out = faces(12), (-faces(12)[0], faces(12)[1])
    before = {name: value.clone() for name, value in learner.state_dict()["network"].items()}
    first = learner.measure(train, held_out)
    second = learner.measure(train, held_out)
    assert {name.partition("/")[0] for name in first} == {"loss_train", "loss_held_out", "update_ratio"}
    assert all(torch.equal(value, second[name]) and bool(value.isfinite()) for name, value in first.items())
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict()["network"].items())


def test_a_sampler_of_another_method_is_refused() -> None:
    generator = learner_after(RECIPES[0], 0).generator
    with pytest.raises(UsageError, match="heun, ddim"):
        generator.resampled(Sampling("midpoint", 4, 1.0))
