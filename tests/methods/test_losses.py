"""The GAN losses by closed forms: their values where D is sure, undecided or wrong, and the sign of their gradients."""

import math

import pytest
import torch
from torch import Tensor

from fergan_core.methods.losses import gan_loss

OF_EACH = ["non-saturating", "saturating", "lsgan", "hinge", "wgan-gp"]
LOSSES = [*OF_EACH, "relativistic"]


def logits(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def of_discriminator(name: str, real: Tensor, *fakes: Tensor) -> float:
    return gan_loss(name).for_discriminator(real, fakes).item()


def of_generator(name: str, fake: Tensor, real: Tensor) -> float:
    return gan_loss(name).for_generator(fake, lambda: real).item()


def unasked() -> Tensor:
    raise AssertionError("the real faces' logits cost a pass of D, and this loss does not need them")


def test_cross_entropies_by_hand() -> None:
    # D(x) = 0.9 and 0.5, D(G(z)) = 0.2 and 0.5.
    real = torch.logit(torch.tensor([0.9, 0.5], dtype=torch.float64))
    fake = torch.logit(torch.tensor([0.2, 0.5], dtype=torch.float64))
    on_real, on_fake = -(math.log(0.9) + math.log(0.5)) / 2, -(math.log(0.8) + math.log(0.5)) / 2
    for name in ("non-saturating", "saturating"):
        assert of_discriminator(name, real, fake) == pytest.approx(on_real + on_fake)
    assert of_generator("non-saturating", fake, real) == pytest.approx(-(math.log(0.2) + math.log(0.5)) / 2)
    assert of_generator("saturating", fake, real) == pytest.approx((math.log(0.8) + math.log(0.5)) / 2)


def test_the_others_by_hand() -> None:
    real, fake = logits(-2.0, 0.5, 3.0).detach(), logits(-1.0, 0.5, 2.0).detach()
    assert of_discriminator("lsgan", real, fake) == pytest.approx((9 + 0.25 + 4) / 6 + (1 + 0.25 + 4) / 6)
    assert of_generator("lsgan", fake, real) == pytest.approx((4 + 0.25 + 1) / 6)
    assert of_discriminator("hinge", real, fake) == pytest.approx((3 + 0.5 + 0) / 3 + (0 + 1.5 + 3) / 3)
    assert of_discriminator("wgan-gp", real, fake) == pytest.approx(-0.5 + 0.5)
    for name in ("hinge", "wgan-gp"):
        assert of_generator(name, fake, real) == pytest.approx(-0.5)
    losses = [math.log(1 + math.exp(1)), math.log(2), math.log(1 + math.exp(-1))]
    assert of_discriminator("relativistic", real, fake) == pytest.approx(sum(losses) / 3)
    losses = [math.log(1 + math.exp(-1)), math.log(2), math.log(1 + math.exp(1))]
    assert of_generator("relativistic", fake, real) == pytest.approx(sum(losses) / 3)


@pytest.mark.parametrize("name", LOSSES)
def test_two_kinds_of_fakes_weigh_equally(name: str) -> None:
    real, fake, wrong = (logits(*torch.randn(5).tolist()).detach() for _ in range(3))
    each = [of_discriminator(name, real, kind) for kind in (fake, wrong)]
    assert of_discriminator(name, real, fake, wrong) == pytest.approx(sum(each) / 2)


@pytest.mark.parametrize("name", LOSSES)
def test_each_side_pulls_the_logits_its_own_way(name: str) -> None:
    real, fake = logits(0.3), logits(0.2)
    gan_loss(name).for_discriminator(real, [fake]).backward()
    assert float(real.grad) < 0 < float(fake.grad)
    fake = logits(0.2)
    gan_loss(name).for_generator(fake, lambda: real.detach()).backward()
    assert float(fake.grad) < 0


def test_only_the_saturating_loss_leaves_a_beaten_generator_without_a_gradient() -> None:
    slopes = {}
    for name in LOSSES:
        at = logits(-12.0)  # D is sure of the fake
        gan_loss(name).for_generator(at, lambda: torch.zeros(1)).backward()
        assert at.grad is not None
        slopes[name] = abs(float(at.grad))
    assert slopes.pop("saturating") < 1e-5
    assert min(slopes.values()) > 0.9


def test_smoothing_puts_the_best_answer_below_certainty() -> None:
    for name, best in (("non-saturating", math.log(0.9 / 0.1)), ("saturating", math.log(0.9 / 0.1)), ("lsgan", 0.9)):
        real, fake = logits(best), logits(best)
        gan_loss(name, smoothing=0.1).for_discriminator(real, [fake]).backward()
        assert float(real.grad) == pytest.approx(0, abs=1e-12)
        unsmoothed = logits(best)
        gan_loss(name).for_discriminator(real, [unsmoothed]).backward()
        assert float(fake.grad) == float(unsmoothed.grad)


def test_only_a_loss_of_pairs_asks_for_the_real_faces_and_ignores_the_logits_zero() -> None:
    real, fake = logits(0.5, -1.0).detach(), logits(2.0, 1.0).detach()
    for name in OF_EACH:
        gan_loss(name).for_generator(fake, unasked)
    with pytest.raises(AssertionError):
        gan_loss("relativistic").for_generator(fake, unasked)
    # Another zero for each pair, as for each emotion, is the same to it.
    zeros = torch.tensor([7.0, -40.0], dtype=torch.float64)
    for calculate in (of_discriminator, of_generator):
        moved = calculate("relativistic", real + zeros, fake + zeros)
        assert moved == pytest.approx(calculate("relativistic", real, fake))


def test_margins_are_about_the_middle_of_the_targets_or_of_the_other_face() -> None:
    real, fake = torch.tensor([0.3, 0.7]), torch.tensor([0.6, -1.0])
    for name, of_real, of_fake in (
        ("non-saturating", [0.3, 0.7], [-0.6, 1.0]),
        ("lsgan", [-0.2, 0.2], [-0.1, 1.5]),
        ("relativistic", [-0.3, 1.7], [-0.3, 1.7]),
    ):
        margins = gan_loss(name).margins(real, fake)
        assert [margin.tolist() for margin in margins] == [pytest.approx(of_real), pytest.approx(of_fake)]


def test_a_loss_of_pairs_compares_only_faces_of_one_class() -> None:
    real = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0, 1, 0])
    fake = torch.tensor([10.0, 20.0]), torch.tensor([0, 2])
    pairs = gan_loss("relativistic").comparable(real, fake)
    assert [logits.tolist() for logits in pairs] == [[1.0, 3.0], [10.0, 10.0]]
    assert [logits.tolist() for logits in gan_loss("hinge").comparable(real, fake)] == [real[0].tolist(), [10.0, 20.0]]
