"""The variational autoencoder: its divergence and its bound against closed forms, and its training."""

import math
from pathlib import Path

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from fergan_core import methods
from fergan_core.methods.vae import GREY_LEVELS_BITS, divergence, reconstruction_nll
from fergan_core.recipe import Recipe, Vae
from tests.support.resume import check_resume

CPU = torch.device("cpu")
RECIPE = Recipe(emotions=("happy", "sad"), batch_size=8, method=Vae(width=4, latent_size=3, lr=5e-3, ema=0.5))


def faces(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.tensor([3, 4] * (count // 2))
    noise = torch.randn(count, 1, 48, 48, generator=torch.Generator().manual_seed(seed))
    return torch.where(labels == 3, 0.6, -0.6)[:, None, None, None] + 0.05 * noise, labels


def test_the_divergence_is_that_of_two_normal_distributions() -> None:
    source = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(5, 3, generator=source), torch.randn(5, 3, generator=source)
    exact = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(divergence(mean, log_variance), exact)
    assert float(divergence(torch.zeros(1), torch.zeros(1))) == 0


def test_the_nll_is_that_of_the_normal_density_at_its_likeliest_deviation() -> None:
    originals, decoded = faces(8, 0)[0], faces(8, 1)[0]
    deviation = float(((originals - decoded) ** 2).mean().sqrt())
    exact = -float(Normal(decoded, deviation).log_prob(originals).mean())
    assert float(reconstruction_nll(originals, decoded)) == pytest.approx(exact, rel=1e-5)
    for other in (0.9 * deviation, 1.1 * deviation):
        assert -float(Normal(decoded, other).log_prob(originals).mean()) > exact


def test_greys_that_are_all_as_likely_take_eight_bits() -> None:
    # A density of 1/2 on [-1,1] is 1 bit, and 7 less one over 255ths of it for its 256 greys.
    assert pytest.approx(8, abs=0.01) == 1 + GREY_LEVELS_BITS


@pytest.mark.slow
def test_it_learns_brightness_by_emotion_draws_it_and_tells_its_bound() -> None:
    learner = methods.build_learner(RECIPE, CPU, steps=200, bfloat16=False)
    rows = []
    for step in range(200):
        torch.manual_seed(step)
        rows.append({name: float(value) for name, value in learner.step(*faces(8, step)).items()})
    assert rows[-1]["loss"] < rows[0]["loss"] - 1
    bits = rows[-1]["loss"] / math.log(2) + GREY_LEVELS_BITS
    assert rows[-1]["bits_per_dim"] == pytest.approx(bits, rel=1e-4)
    brightness = learner.generator.sample(torch.tensor([3, 3, 4, 4]), 0).mean((1, 2, 3))
    assert brightness[:2].min() > 0.2
    assert brightness[2:].max() < -0.4
    scalars = learner.measure(faces(8, 500), faces(8, 501))
    assert set(scalars) == {"bits_per_dim/train", "bits_per_dim/held_out", "active_latents", "update_ratio"}
    assert 0 <= float(scalars["active_latents"]) <= 3


def test_a_training_goes_on_from_its_state_to_the_last_bit_and_its_weights_draw_the_same(tmp_path: Path) -> None:
    def train(learner: methods.MethodLearner, start: int, stop: int) -> None:
        for step in range(start, stop):
            torch.manual_seed(step)
            learner.step(*faces(8, step))

    check_resume(RECIPE, tmp_path, lambda: methods.build_learner(RECIPE, CPU, steps=6, bfloat16=False), train)
