"""The losses of a GAN: what discriminator and generator minimise, from the discriminator's logits [B].

non-saturating  D: -log D(x) - log(1 - D(G(z))), G: -log D(G(z)) (Goodfellow et al. 2014, arXiv:1406.2661, section 3)
saturating      the same D, G: log(1 - D(G(z))) (the same, eq. 1): flat where D is sure, just where G has to learn
lsgan           D: (D(x) - 1)^2 / 2 + D(G(z))^2 / 2, G: (D(G(z)) - 1)^2 / 2 (Mao et al. 2017, arXiv:1611.04076, eq. 9)
hinge           D: max(0, 1 - D(x)) + max(0, 1 + D(G(z))), G: -D(G(z)) (arXiv:1802.05957, eq. 16, 17)
wgan-gp         D: D(G(z)) - D(x) and a penalty, G: -D(G(z)) (Gulrajani et al. 2017, arXiv:1704.00028, eq. 3)
relativistic    D: softplus(D(G(z)) - D(x)), G: softplus(D(x) - D(G(z))), of pairs of one emotion
                (Jolicoeur-Martineau 2019, arXiv:1807.00734, eq. 5; Huang et al. 2024, arXiv:2501.05441, section 2.1)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

OfLogits = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class GanLoss:
    """What D and G minimise, means over logits [B]; a real face and the fake in its place have the same emotion.

    for_discriminator  D's loss by the logits of real faces and of each kind of fakes, which weigh equally
    for_generator      G's loss by the logits of fakes, and by a function that computes those of the real faces, which
                       is called by losses of pairs alone
    middle             D takes a face for real where its logit is above this
    pairs              only the difference of a real face's and a fake's logit has a meaning: there is no middle
    probabilities      the logits' sigmoids are probabilities
    """

    for_discriminator: Callable[[Tensor, Sequence[Tensor]], Tensor]
    for_generator: Callable[[Tensor, Callable[[], Tensor]], Tensor]
    middle: float = 0.0
    pairs: bool = False
    probabilities: bool = False

    def margins(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return how far D is right about real faces and about fakes, by their logits: above 0 it is right.

        For a loss of pairs both are the same: how far each real face's logit is above the fake's in its place.
        """
        return (real - fake, real - fake) if self.pairs else (real - self.middle, self.middle - fake)

    def comparable(self, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits that `margins` can take, from logits and classes of real faces and fakes in any order.

        For a loss of pairs these are all pairs of one class, [P] and [P]; none where no class is in both.
        """
        if not self.pairs:
            return real[0], fake[0]
        rows, columns = torch.nonzero(real[1][:, None] == fake[1], as_tuple=True)
        return real[0][rows], fake[0][columns]


def gan_loss(name: str, smoothing: float = 0.0) -> GanLoss:
    """Return a loss by name; `smoothing` is taken off real faces' target of 1 (Salimans et al. 2016, section 3.4).

    One-sided: the target of fakes stays 0. Only the losses with targets (the first three) know it.
    """
    if name in ("non-saturating", "saturating"):

        def on_real(logits: Tensor) -> Tensor:
            return ((1 - smoothing) * F.softplus(-logits) + smoothing * F.softplus(logits)).mean()

        def falls_short(logits: Tensor) -> Tensor:
            return -F.softplus(logits).mean()

        def is_taken_for_fake(logits: Tensor) -> Tensor:
            return F.softplus(-logits).mean()

        generator = falls_short if name == "saturating" else is_taken_for_fake
        return _of_each(on_real, lambda logits: F.softplus(logits).mean(), generator, probabilities=True)
    return {
        "lsgan": _of_each(
            lambda logits: (logits - 1 + smoothing).square().mean() / 2,
            lambda logits: logits.square().mean() / 2,
            lambda logits: (logits - 1).square().mean() / 2,
            middle=0.5,
        ),
        "hinge": _of_each(
            lambda logits: F.relu(1 - logits).mean(),
            lambda logits: F.relu(1 + logits).mean(),
            lambda logits: -logits.mean(),
        ),
        "wgan-gp": _of_each(lambda logits: -logits.mean(), lambda logits: logits.mean(), lambda logits: -logits.mean()),
        "relativistic": GanLoss(
            lambda real, fakes: _mean([F.softplus(fake - real).mean() for fake in fakes]),
            lambda fake, real: F.softplus(real() - fake).mean(),
            pairs=True,
        ),
    }[name]


def _of_each(
    on_real: OfLogits, on_fake: OfLogits, generator: OfLogits, *, middle: float = 0.0, probabilities: bool = False
) -> GanLoss:
    """Return a loss in which every logit has its own term."""
    return GanLoss(
        lambda real, fakes: on_real(real) + _mean([on_fake(fake) for fake in fakes]),
        lambda fake, real: generator(fake),
        middle=middle,
        probabilities=probabilities,
    )


def _mean(terms: Sequence[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total / len(terms)
