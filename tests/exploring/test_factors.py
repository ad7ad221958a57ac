"""On synthfer: does a direction move pose and light, which are known there, more than random ones do?"""

from pathlib import Path

import pytest
import torch

from fergan_core.data import Dataset
from fergan_core.exploring.closed_form import closed_form
from fergan_core.exploring.directions import Directions, Walker
from fergan_core.exploring.factors import FACTORS, FactorReader, correlation, factor_correlations, fitted_reader
from fergan_core.exploring.learned import learn
from fergan_core.methods import build_learner, load_generator
from fergan_core.recipe import Recipe, Vae
from fergan_core.training import engine
from tests.support.showcase import copied_showcase

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

EPOCHS, COUNT = 9, 20  # directions of each kind: as many chances for each


@pytest.fixture(scope="module")
def walker(few: Dataset) -> Walker:
    """A VAE of 64 latents after some 200 steps on the built-in faces: blurred, but with pose, light and background."""
    train = few.splits == 0
    images, labels = torch.from_numpy(few.images[train]), torch.from_numpy(few.labels[train]).long()
    recipe = Recipe(batch_size=64, epochs=EPOCHS, method=Vae(width=4, latent_size=64))
    steps = engine.steps_per_epoch(len(images), recipe.batch_size) * EPOCHS
    learner = build_learner(recipe, torch.device("cpu"), steps=steps, bfloat16=False)
    engine.fit(learner, images, labels, batch_size=recipe.batch_size, epochs=EPOCHS, seed=0)
    return Walker(learner.generator)


@pytest.fixture(scope="module")
def reader() -> FactorReader:
    return fitted_reader()


def best(walker: Walker, directions: Directions, reader: FactorReader) -> dict[str, float]:
    """Return how closely each factor follows the direction that it follows most."""
    largest = factor_correlations(walker, directions, reader).abs().amax(0)
    return dict(zip(FACTORS, largest.tolist(), strict=True))


def test_the_reader_reads_factors_of_faces_that_it_was_not_fitted_on(reader: FactorReader) -> None:
    assert dict(zip(FACTORS, reader.reliability, strict=True)) == {
        "yaw": pytest.approx(0.84, abs=0.03),
        "side light": pytest.approx(0.95, abs=0.02),
        "background": pytest.approx(0.97, abs=0.02),
    }


def test_a_closed_form_direction_moves_pose_and_light_more_than_any_random_one(
    walker: Walker, reader: FactorReader
) -> None:
    found = best(walker, closed_form(walker, "latents", COUNT), reader)
    random = [best(walker, walker.random_directions(COUNT, seed), reader) for seed in range(2)]
    for factor in FACTORS:
        assert found[factor] > max(one[factor] for one in random)


def test_so_it_does_in_the_gan_of_the_showcase(tmp_path: Path, reader: FactorReader) -> None:
    registry = copied_showcase(tmp_path)
    run = registry.run(registry.resolve("unstable-norm"))
    gan = Walker(load_generator(run["recipe"], registry.file(registry.checkpoints(run["id"]).iloc[-1]["path"])))
    found = best(gan, closed_form(gan, "latents", COUNT), reader)
    random = [best(gan, gan.random_directions(COUNT, seed), reader) for seed in range(2)]
    for factor in FACTORS:
        assert found[factor] > max(one[factor] for one in random)


def test_a_learned_direction_moves_the_light_more_than_any_random_one(walker: Walker, reader: FactorReader) -> None:
    found = best(walker, learn(walker, COUNT, steps=60).directions, reader)
    random = [best(walker, walker.random_directions(COUNT, seed), reader) for seed in range(2)]
    assert found["side light"] > max(one["side light"] for one in random)


def test_correlation() -> None:
    numbers = torch.tensor([1.0, 2, 4])
    assert correlation(numbers, -3 * numbers + 5) == pytest.approx(-1)
    assert correlation(numbers, torch.ones(3)) == 0
