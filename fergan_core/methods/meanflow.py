"""MeanFlow (Geng et al. 2025, arXiv:2505.13447; equations are that paper's): velocities averaged over spans of time.

The time is the flow's, from 0, noise, to 1, a face; the paper's runs the other way. On the path through x at time s the
mean of the velocity from s to a later e is u(x, s, e), so that x + (e - s) u is the state at e: noise + u(noise, 0, 1)
is a face. Over no time u is the velocity v(x, s) itself.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fergan_core.errors import UsageError
from fergan_core.methods import solvers
from fergan_core.methods.denoising import DenoisingGenerator, DenoisingLearner, Wanted, build_network
from fergan_core.methods.flow import StraightPath
from fergan_core.methods.forward_mode import derivative
from fergan_core.methods.networks import load_weights
from fergan_core.methods.one_pass import of_mixtures
from fergan_core.recipe import MeanFlow, Sampling

# The paper's choices for ImageNet.
AVERAGED = 0.25  # share of a batch that is learnt over spans of time; of the others the velocity is
P_MEAN, P_STD = -0.4, 1.0  # of the logit of 1 - time
KAPPA = 0.5  # share of the network's own guided velocity in the one that it learns
POWER, OFFSET = 1.0, 1e-3  # p and c of a face's weight, 1 / (squared error + c)^p

AverageVelocity = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x [B,1,48,48], starts [B], ends [B]) -> u [B,1,48,48]."""


class SpannedPath(StraightPath):
    """The flow's path, followed by Euler's steps with the average velocity over each."""

    SAMPLERS: ClassVar[Mapping[str, solvers.Solver]] = {"average": solvers.euler}


def draw_spans(count: int, averaged: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Draw starts and ends [count]: the lesser and the greater of two logit-normal times; equal after `averaged`."""
    times = torch.sigmoid(P_STD * torch.randn(2, count, device=device) - P_MEAN)
    starts, ends = times.amin(0), times.amax(0)
    return starts, torch.where(torch.arange(count, device=device) < averaged, ends, starts)


def average_target(average: AverageVelocity, x: Tensor, starts: Tensor, ends: Tensor, velocities: Tensor) -> Tensor:
    """Return v + (e - s) du/ds along the path (section 4.1), by which u(x, s, e) is learnt: u itself, where u is true.

    du/ds is the product of u's Jacobian with (v, 1, 0), the change of (x, s, e) along the path.
    """
    slopes = derivative(lambda x, starts: average(x, starts, ends), (x, starts), (velocities, torch.ones_like(starts)))
    return velocities + (ends - starts)[:, None, None, None] * slopes


def weighted(errors: Tensor) -> Tensor:
    """Return what is minimised of squared errors [B], summed over pixels: each by its weight (section 4.3)."""
    return errors / (errors.detach() + OFFSET) ** POWER


class _Step(nn.Module):
    """noise + u(noise, 0, 1): (noise [n,1,48,48], emotions) -> faces [n,1,48,48]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, noise: Tensor, emotions: Tensor) -> Tensor:
        start = torch.zeros_like(noise[:, 0, 0, :2])
        velocity: Tensor = self.network(noise, start + torch.tensor([0.0, 1.0]), emotions)
        return noise + velocity


class MeanFlowGenerator(DenoisingGenerator):
    """A trained network that draws a face in few steps, each one pass, with the guidance that it learned."""

    normal = True

    @property
    def nfe(self) -> int:
        """Return how many passes of the network a face takes."""
        return self.sampling.steps

    def resampled(self, sampling: Sampling) -> DenoisingGenerator:
        """Return the same network with other steps; UsageError for other guidance than it learned."""
        if sampling.guidance != self.sampling.guidance:
            raise UsageError(
                f"--guidance: this network draws with a guidance of {self.sampling.guidance:g} only; leave it out"
            )
        return super().resampled(sampling)

    def log_likelihood(self, faces: Tensor, labels: Tensor, seed: int) -> Tensor | None:
        """Return None: faces drawn in few steps have no density."""
        return None

    def one_pass(self) -> nn.Module:
        """Return noise and shares of emotions -> faces (see `one_pass.InOnePass`); UsageError for several steps."""
        if self.sampling.steps != 1:
            raise UsageError(
                f"a face of {self.sampling.steps} steps takes as many passes of the network; draw in one step"
            )
        return _Step(of_mixtures(self._network, len(self.emotions)))

    def _guided(self, wanted: Wanted, x: Tensor, levels: Tensor) -> Tensor:
        """Return the average velocity over a step: all steps are equally long, and guidance needs no other pass."""
        spans = torch.full_like(levels, 1 / self.sampling.steps)
        return wanted.network(x, torch.stack((levels, spans), 1), wanted.emotions).float()  # type: ignore[no-any-return]


class MeanFlowLearner(DenoisingLearner):
    """Learns velocities from faces, and velocities averaged over spans of time from its own derivative."""

    def __init__(
        self, config: MeanFlow, emotions: Sequence[str], device: torch.device, *, steps: int, bfloat16: bool
    ) -> None:
        super().__init__(SpannedPath(), config, emotions, device, steps=steps, bfloat16=bfloat16)
        self.generator = MeanFlowGenerator(self._path, config.sampling, emotions, self._average.network, device)

    def _objective(self, images: Tensor, classes: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        averaged = max(1, round(AVERAGED * len(images)))
        starts, ends = draw_spans(len(images), averaged, self._device)
        noise = torch.randn_like(images)
        time = starts[:, None, None, None]
        x, velocities = (1 - time) * noise + time * images, images - noise
        estimate = self._estimate(self._run, classes, x, torch.stack((starts, ends - starts), 1))
        if self._config.guidance != 1:
            velocities = self._guided(velocities, estimate.detach(), x, starts, classes, averaged)

        def average(x: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
            # In float32 and not compiled: compiled networks have no forward-mode derivative.
            u: Tensor = self._network(x, torch.stack((starts, ends - starts), 1), classes[:averaged])
            return u

        spanned = (tensor[:averaged] for tensor in (x, starts, ends, velocities))
        targets = torch.cat((average_target(average, *spanned), velocities[averaged:]))
        errors = (estimate - targets).square().sum((1, 2, 3))
        means = errors.detach() / images[0].numel()
        return weighted(errors).mean(), {
            "loss": means.mean(),
            "loss_average": means[:averaged].mean(),
            "loss_velocity": means[averaged:].mean(),
        }

    @torch.no_grad()
    def _guided(
        self, velocities: Tensor, estimate: Tensor, x: Tensor, starts: Tensor, classes: Tensor, averaged: int
    ) -> Tensor:
        """Return guided velocities (appendix B.1): omega v + kappa u + (1 - omega - kappa) u of no emotion.

        Both u are over no time; `estimate` is so but for its first `averaged`. A guidance g is omega = g (1 - kappa).
        Faces that are learnt without their emotion keep their velocities.
        """
        none = torch.full_like(classes, self._none)
        # One pass for both.
        estimates = self._estimate(
            self._run,
            torch.cat((none, classes[:averaged])),
            torch.cat((x, x[:averaged])),
            torch.cat((starts, starts[:averaged])),
        )
        without, own = estimates[: len(x)], torch.cat((estimates[len(x) :], estimate[averaged:]))
        omega = self._config.guidance * (1 - KAPPA)
        guided = omega * velocities + KAPPA * own + (1 - omega - KAPPA) * without
        return torch.where((classes == none)[:, None, None, None], velocities, guided)

    def _estimate(self, network: Callable[..., Any], classes: Tensor, x: Tensor, levels: Tensor) -> Tensor:
        """Return the average velocities over times and spans [B,2], or the velocities at times [B]."""
        if levels.ndim == 1:
            levels = torch.stack((levels, torch.zeros_like(levels)), 1)
        return super()._estimate(network, classes, x, levels)


def load(
    config: MeanFlow, emotions: Sequence[str], weights: Mapping[str, Tensor], device: torch.device
) -> MeanFlowGenerator:
    """Make a generator of a checkpoint's averaged network; RuntimeError where the weights are another recipe's."""
    network = load_weights(build_network(config, len(emotions)), weights, device)
    return MeanFlowGenerator(SpannedPath(), config.sampling, emotions, network, device)
