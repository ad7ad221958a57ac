"""The losses of a GAN: what discriminator and generator minimise, from the discriminator's logits [B].

non-saturating  D: -log D(x) - log(1 - D(G(z))), G: -log D(G(z)) (Goodfellow et al. 2014, arXiv:1406.2661, section 3)
saturating      the same D, G: log(1 - D(G(z))) (the same, eq. 1): flat where D is sure, just where G has to learn
lsgan           D: (D(x) - 1)^2 / 2 + D(G(z))^2 / 2, G: (D(G(z)) - 1)^2 / 2 (Mao et al. 2017, arXiv:1611.04076, eq. 9)
hinge           D: max(0, 1 - D(x)) + max(0, 1 + D(G(z))), G: -D(G(z)) (arXiv:1802.05957, eq. 16, 17)
wgan-gp         D: D(G(z)) - D(x) and a penalty, G: -D(G(z)) (Gulrajani et al. 2017, arXiv:1704.00028, eq. 3)
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

OfLogits = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class GanLoss:
    """Means over logits [B]: D's loss on real faces and on fakes, and G's loss.

    D takes a face for real where its logit is above `middle`. `probabilities`: the logits' sigmoids are probabilities.
    """

    on_real: OfLogits
    on_fake: OfLogits
    for_generator: OfLogits
    middle: float = 0.0
    probabilities: bool = False


def gan_loss(name: str, smoothing: float = 0.0) -> GanLoss:
    """Return a loss by name; `smoothing` is taken off real faces' target of 1 (Salimans et al. 2016, section 3.4).

    One-sided: the target of fakes stays 0. Hinge and wgan-gp have no targets and ignore it.
    """
    if name in ("non-saturating", "saturating"):

        def on_real(logits: Tensor) -> Tensor:
            return ((1 - smoothing) * F.softplus(-logits) + smoothing * F.softplus(logits)).mean()

        def falls_short(logits: Tensor) -> Tensor:
            return -F.softplus(logits).mean()

        def is_taken_for_fake(logits: Tensor) -> Tensor:
            return F.softplus(-logits).mean()

        generator = falls_short if name == "saturating" else is_taken_for_fake
        return GanLoss(on_real, lambda logits: F.softplus(logits).mean(), generator, probabilities=True)
    return {
        "lsgan": GanLoss(
            lambda logits: (logits - 1 + smoothing).square().mean() / 2,
            lambda logits: logits.square().mean() / 2,
            lambda logits: (logits - 1).square().mean() / 2,
            middle=0.5,
        ),
        "hinge": GanLoss(
            lambda logits: F.relu(1 - logits).mean(),
            lambda logits: F.relu(1 + logits).mean(),
            lambda logits: -logits.mean(),
        ),
        "wgan-gp": GanLoss(lambda logits: -logits.mean(), lambda logits: logits.mean(), lambda logits: -logits.mean()),
    }[name]
