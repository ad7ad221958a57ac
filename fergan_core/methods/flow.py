"""Flow matching on straight paths (Lipman et al. 2023, arXiv:2210.02747; equations are that paper's)."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from fergan_core.methods import solvers


class StraightPath:
    """The time goes from 0, noise, to 1: x = (1 - time) noise + time face. The network estimates face - noise.

    The path of eq. 20 to 22 with sigma_min 0, whose velocity is the same all the way.
    """

    SAMPLERS: ClassVar[Mapping[str, solvers.Solver]] = {
        "euler": solvers.euler,
        "midpoint": solvers.midpoint,
        "adaptive": solvers.adaptive,
    }

    def draw_times(self, count: int, device: torch.device) -> Tensor:
        """Draw times [count], uniform on [0,1]."""
        return torch.rand(count, device=device)

    def time_at(self, quantile: float) -> float:
        """Return a quantile of the times, from little noise to much."""
        return 1 - quantile

    def loss(self, network: Callable[[Tensor, Tensor], Tensor], faces: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Return each face's squared error [B] (eq. 23): of a fresh network the mean square of face - noise."""
        time = times[:, None, None, None]
        velocity = network((1 - time) * noise + time * faces, times)
        return ((velocity - (faces - noise)) ** 2).mean((1, 2, 3))

    def times(self, steps: int) -> Tensor:
        """Return times [steps + 1], evenly from 0 to 1."""
        return torch.linspace(0, 1, steps + 1, dtype=torch.float64)

    def start(self, noise: Tensor) -> Tensor:
        """Return the state at time 0."""
        return noise

    def velocity(self, network: Callable[[Tensor, Tensor], Tensor], x: Tensor, time: float) -> tuple[Tensor, Tensor]:
        """Return dx/dtime, and the face to which the straight way from here leads."""
        slope = network(x, torch.full((len(x),), time, dtype=x.dtype, device=x.device))
        return slope, x + (1 - time) * slope
