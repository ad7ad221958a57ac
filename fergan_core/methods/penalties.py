"""Penalties on a discriminator's gradient and on its logits, which keep it from being too steep or too sure."""

from collections.abc import Callable

import torch
from torch import Tensor

OfFaces = Callable[[Tensor], Tensor]  # faces [B,1,48,48] -> logits [B]


def watched(faces: Tensor) -> Tensor:
    """Return a copy of faces by whose pixels logits can be differentiated; D gets a view of it.

    FlopCounterMode hooks the inputs of a module, after which autograd.grad refuses a leaf.
    """
    return faces.detach().requires_grad_(True)


def _slopes(logits: Tensor, faces: Tensor) -> Tensor:
    """Return the gradient of each face's logit by its pixels, [B,pixels], differentiable itself."""
    (gradient,) = torch.autograd.grad(logits.sum(), faces, create_graph=True)
    return gradient.flatten(1)


def zero_centred_penalty(logits: Tensor, faces: Tensor) -> Tensor:
    """Half the mean squared norm of D's gradient at `watched` faces, 0 and up (arXiv:1801.04406, eq. 9, 10).

    At real faces it is R1, at fakes R2.
    """
    penalty: Tensor = _slopes(logits, faces).square().sum(1).mean() / 2
    return penalty


def gradient_penalty(discriminate: OfFaces, real: Tensor, fake: Tensor) -> Tensor:
    """Mean of (|gradient| - 1)^2 between real faces and fakes (Gulrajani et al. 2017, arXiv:1704.00028, eq. 3)."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = watched(torch.lerp(fake.detach(), real, share))
    norms = _slopes(discriminate(between.view_as(between)), between).norm(dim=1)
    penalty: Tensor = (norms - 1).square().mean()
    return penalty


class LeCam:
    """The LeCam regulariser: pulls D's logits of real faces towards its average of fakes, and the reverse.

    E (D(x) - a_F)^2 + E (D(G(z)) - a_R)^2, with a_R and a_F the moving averages of D's logits of real faces and of
    fakes (Tseng et al. 2021, arXiv:2104.03310, eq. 6; decay 0.99): for scarce data. The averages are float32 [2].
    """

    def __init__(self, device: torch.device) -> None:
        self.averages = torch.zeros(2, device=device)

    def __call__(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty for logits [B] of real faces and of fakes, and let the averages follow."""
        self.averages.lerp_(torch.stack([real.detach().mean(), fake.detach().mean()]).float(), 0.01)
        of_real, of_fake = self.averages.clone()
        penalty: Tensor = (real - of_fake).square().mean() + (fake - of_real).square().mean()
        return penalty
