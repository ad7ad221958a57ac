"""Does a GAN converge near its equilibrium? The Dirac GAN of Mescheder et al. 2018, arXiv:1801.04406, section 2.

All real data is 0, the generator draws one number theta, and the discriminator is D(x) = psi x: the equilibrium is
(0, 0). R3GAN's authors (arXiv:2501.05441, section 2) prove that relativistic pairing converges near it with R1 and R2,
and not without. Here it is played by the losses and the penalty of the trainings.
"""

import pytest
import torch
from torch import Tensor

from fergan_core.methods.losses import gan_loss
from fergan_core.methods.penalties import watched, zero_centred_penalty

STEPS = 600
RATE = 0.1
START = 0.1


def distances(loss_name: str, *, r1: float, r2: float, alternating: bool) -> list[float]:
    """Play from nearby by gradient descent; return the distance from the equilibrium after each step, by its first."""
    loss = gan_loss(loss_name)
    psi = torch.full((1,), START, dtype=torch.float64, requires_grad=True)
    theta = torch.full((1,), START, dtype=torch.float64, requires_grad=True)
    real, travelled = torch.zeros(1, 1, dtype=torch.float64), []

    def discriminate(points: Tensor) -> Tensor:
        return (points * psi).squeeze(1)

    for _ in range(STEPS):
        fake = theta.view(1, 1)
        lost = loss.for_discriminator(discriminate(real), [discriminate(fake.detach())])
        for weight, points in ((r1, real), (r2, fake.detach())):
            at = watched(points)
            lost = lost + weight * zero_centred_penalty(discriminate(at), at)
        (of_psi,) = torch.autograd.grad(lost, psi)
        if alternating:
            with torch.no_grad():
                psi -= RATE * of_psi
        (of_theta,) = torch.autograd.grad(loss.for_generator(discriminate(fake), lambda: discriminate(real)), theta)
        with torch.no_grad():
            theta -= RATE * of_theta
            if not alternating:
                psi -= RATE * of_psi
        travelled.append(float(torch.hypot(psi, theta).detach()))
    return [distance / travelled[0] for distance in travelled]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["relativistic", "non-saturating"])
def test_without_penalties_it_circles_in_turns_and_spirals_outwards_at_once(loss: str) -> None:
    in_turns = distances(loss, r1=0, r2=0, alternating=True)
    assert min(in_turns) > 0.8
    at_once = distances(loss, r1=0, r2=0, alternating=False)
    assert min(at_once[STEPS // 2 :]) > 1.2
    assert at_once[-1] > 1.5


@pytest.mark.slow
@pytest.mark.parametrize("alternating", [True, False])
@pytest.mark.parametrize(("r1", "r2"), [(0.5, 0.5), (1.0, 0.0), (0.0, 1.0)])
def test_with_r1_and_r2_it_converges(alternating: bool, r1: float, r2: float) -> None:
    """D is linear, as steep at real data as at fakes: here, unlike with images, either penalty is enough."""
    assert distances("relativistic", r1=r1, r2=r2, alternating=alternating)[-1] < 1e-6
