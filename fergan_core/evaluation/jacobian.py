"""The Jacobian of a generator at its own latents, as both the evaluation and the probe of a training measure it."""

from torch import Tensor

from fergan_core.methods.protocols import Differentiable
from fergan_core.metrics.jacobian import log_condition_numbers


def log_conditions(generator: Differentiable, labels: Tensor, seed: int) -> Tensor:
    """Return the log condition number of the Jacobian at one latent a label: float64 [n], 0 and up, lower is better.

    `labels` int64 [n] are FER2013's codes; the seed draws the latents. Raises UsageError for faces or derivatives that
    are not finite, as `metrics.jacobian.log_condition_numbers` does.
    """
    latents = generator.latents(len(labels), seed)
    return log_condition_numbers(lambda z: generator.draw(z, labels.to(z.device)), latents)
