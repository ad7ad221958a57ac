"""The GAN losses by closed forms: their values where D is sure, undecided or wrong, and the sign of their gradients."""

import math

import pytest
import torch

from fergan_core.methods.losses import gan_loss

LOSSES = ["non-saturating", "saturating", "lsgan", "hinge", "wgan-gp"]


def logits(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_cross_entropies_by_hand() -> None:
    # D(x) = 0.9 and 0.5.
    real = torch.logit(torch.tensor([0.9, 0.5], dtype=torch.float64))
    for name in ("non-saturating", "saturating"):
        assert float(gan_loss(name).on_real(real)) == pytest.approx(-(math.log(0.9) + math.log(0.5)) / 2)
        assert float(gan_loss(name).on_fake(real)) == pytest.approx(-(math.log(0.1) + math.log(0.5)) / 2)
    assert float(gan_loss("non-saturating").for_generator(real)) == pytest.approx(-(math.log(0.9) + math.log(0.5)) / 2)
    assert float(gan_loss("saturating").for_generator(real)) == pytest.approx((math.log(0.1) + math.log(0.5)) / 2)


def test_the_others_by_hand() -> None:
    three = logits(-2.0, 0.5, 3.0).detach()
    assert float(gan_loss("lsgan").on_real(three)) == pytest.approx((9 + 0.25 + 4) / 6)
    assert float(gan_loss("lsgan").on_fake(three)) == pytest.approx((4 + 0.25 + 9) / 6)
    assert float(gan_loss("lsgan").for_generator(three)) == pytest.approx((9 + 0.25 + 4) / 6)
    assert float(gan_loss("hinge").on_real(three)) == pytest.approx((3 + 0.5 + 0) / 3)
    assert float(gan_loss("hinge").on_fake(three)) == pytest.approx((0 + 1.5 + 4) / 3)
    for name in ("hinge", "wgan-gp"):
        assert float(gan_loss(name).for_generator(three)) == pytest.approx(-0.5)
    assert float(gan_loss("wgan-gp").on_real(three)) == pytest.approx(-0.5)
    assert float(gan_loss("wgan-gp").on_fake(three)) == pytest.approx(0.5)


@pytest.mark.parametrize("name", LOSSES)
def test_each_side_pulls_the_logits_its_own_way(name: str) -> None:
    for of, sign in ((gan_loss(name).on_real, -1), (gan_loss(name).on_fake, 1), (gan_loss(name).for_generator, -1)):
        at = logits(0.2)
        of(at).backward()
        assert at.grad is not None
        assert float(at.grad) * sign > 0


def test_only_the_saturating_loss_leaves_a_beaten_generator_without_a_gradient() -> None:
    slopes = {}
    for name in LOSSES:
        at = logits(-12.0)  # D is sure of the fake
        gan_loss(name).for_generator(at).backward()
        assert at.grad is not None
        slopes[name] = abs(float(at.grad))
    assert slopes.pop("saturating") < 1e-5
    assert min(slopes.values()) > 0.9


def test_smoothing_puts_the_best_answer_below_certainty() -> None:
    for name, best in (("non-saturating", math.log(0.9 / 0.1)), ("saturating", math.log(0.9 / 0.1)), ("lsgan", 0.9)):
        at = logits(best)
        gan_loss(name, smoothing=0.1).on_real(at).backward()
        assert at.grad is not None
        assert float(at.grad) == pytest.approx(0, abs=1e-12)
        assert float(gan_loss(name, 0.1).on_fake(at.detach())) == float(gan_loss(name).on_fake(at.detach()))
