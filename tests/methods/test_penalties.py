"""Penalties by closed forms: a linear discriminator's gradient is known, and LeCam's averages follow."""

from dataclasses import replace

import pytest
import torch

from fergan_core import recipe as recipes
from fergan_core.methods import training_flops
from fergan_core.methods.penalties import LeCam, OfFaces, gradient_penalty, watched, zero_centred_penalty
from fergan_core.methods.table import counting_flops

WEIGHTS = torch.randn(1, 48, 48, generator=torch.Generator().manual_seed(0))
NORM = float(WEIGHTS.norm())
CPU = torch.device("cpu")


def linear(faces: torch.Tensor) -> torch.Tensor:
    return (faces * WEIGHTS).sum((1, 2, 3))


def squared(faces: torch.Tensor) -> torch.Tensor:
    return faces.square().sum((1, 2, 3)) / 2


def penalised(discriminate: OfFaces, faces: torch.Tensor) -> torch.Tensor:
    at = watched(faces)
    return zero_centred_penalty(discriminate(at), at)


def test_r1_of_a_linear_discriminator_is_half_its_squared_norm() -> None:
    assert penalised(linear, torch.randn(5, 1, 48, 48)).item() == pytest.approx(NORM**2 / 2, rel=1e-5)


def test_the_zero_centred_penalty_is_taken_at_the_faces() -> None:
    # The gradient of |x|^2 / 2 is x.
    faces = torch.randn(5, 1, 48, 48)
    assert penalised(squared, faces).item() == pytest.approx(float(faces.square().sum()) / 5 / 2, rel=1e-5)
    assert not faces.requires_grad


def test_gradient_penalty_asks_for_a_slope_of_one() -> None:
    real, fake = torch.randn(2, 5, 1, 48, 48)
    assert float(gradient_penalty(linear, real, fake)) == pytest.approx((NORM - 1) ** 2, rel=1e-4)
    assert float(gradient_penalty(lambda x: linear(x) / NORM, real, fake)) == pytest.approx(0, abs=1e-9)


def test_gradient_penalty_is_taken_between_the_two() -> None:
    inputs: list[torch.Tensor] = []

    def watch(faces: torch.Tensor) -> torch.Tensor:
        inputs.append(faces.detach())
        return linear(faces)

    torch.manual_seed(0)
    gradient_penalty(watch, torch.zeros(400, 1, 48, 48), torch.ones(400, 1, 48, 48))
    shares = inputs[0].mean((1, 2, 3))
    assert float(inputs[0].std((1, 2, 3)).max()) < 1e-6  # one share a face
    assert 0 <= float(shares.min()) < 0.02
    assert 0.98 < float(shares.max()) <= 1
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("penalty", [penalised, lambda d, x: gradient_penalty(d, x, -x)])
def test_a_penalty_teaches_the_discriminators_weights(penalty) -> None:
    weights = WEIGHTS.clone().requires_grad_(True)
    penalty(lambda faces: (faces * weights).sum((1, 2, 3)), torch.randn(5, 1, 48, 48)).backward()
    assert weights.grad is not None
    assert torch.nn.functional.cosine_similarity(weights.grad.flatten(), WEIGHTS.flatten(), 0) > 0.99


def test_lecam_draws_each_side_to_the_others_average() -> None:
    lecam = LeCam(CPU)
    real, fake = torch.full((4,), 2.0), torch.full((4,), -1.0)
    for _ in range(2000):
        last = lecam(real, fake)
    assert lecam.averages.tolist() == pytest.approx([2.0, -1.0], abs=1e-3)
    assert float(last) == pytest.approx(9 + 9, rel=1e-3)
    assert float(lecam(fake, real)) < 0.01 * float(last)


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_a_grouped_convolution_costs_what_it_computes(groups: int) -> None:
    """Forwards, and backwards as much again for the inputs and for the weights."""
    layer = torch.nn.Conv2d(16, 16, 3, padding=1, groups=groups)
    images = torch.randn(2, 16, 5, 5, requires_grad=True)
    with counting_flops() as counter:
        layer(images).sum().backward()
    assert counter.get_total_flops() == 3 * 2 * (2 * 16 * 25) * (16 // groups * 9)


@pytest.mark.slow
@pytest.mark.thorough
def test_what_a_penalty_costs_is_counted() -> None:
    # Unaugmented faces enter the discriminator as they are.
    plain = recipes.preset("quick")
    method = replace(plain.method, width=4, augment="none", d_batch_norm=False)
    changes = {
        "none": {},
        "r1": {"r1": 1.0},
        "r2": {"r2": 1.0},
        "r1 and r2": {"r1": 1.0, "r2": 1.0},
        "gradient penalty": {"loss": "wgan-gp"},
    }
    costs = {
        name: training_flops(replace(plain, method=replace(method, **changed))) for name, changed in changes.items()
    }
    # R2 takes its slopes from the loss's own pass, R1 alone from one more.
    assert costs["none"] < costs["r2"] < costs["r1"] < costs["r1 and r2"] < costs["gradient penalty"]
