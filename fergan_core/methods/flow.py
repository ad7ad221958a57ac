"""Flow matching on straight paths (Lipman et al. 2023, arXiv:2210.02747; equations are that paper's)."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from fergan_core.methods import solvers

PROBES = 2  # estimates of the divergence, whose difference shows the estimator's error


class StraightPath:
    """The time goes from 0, noise, to 1: x = (1 - time) noise + time face. The network estimates face - noise.

    The path of eq. 20 to 22 with sigma_min 0, whose velocity is constant.
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
        """Return each face's squared error [B] (eq. 23): of an untrained network the mean square of face - noise."""
        time = times[:, None, None, None]
        velocity = network((1 - time) * noise + time * faces, times)
        return ((velocity - (faces - noise)) ** 2).mean((1, 2, 3))

    def times(self, steps: int) -> Tensor:
        """Return times [steps + 1], evenly from 0 to 1."""
        return torch.linspace(0, 1, steps + 1, dtype=torch.float64)

    def start(self, noise: Tensor) -> Tensor:
        """Return the state at time 0."""
        return noise

    def times_back(self, steps: int) -> Tensor:
        """Return times [steps + 1], evenly from 1 to 0."""
        return self.times(steps).flip(0)

    def noise(self, x: Tensor) -> Tensor:
        """Return the noise, which is the state at time 0."""
        return x

    def velocity(self, network: Callable[[Tensor, Tensor], Tensor], x: Tensor, time: float) -> tuple[Tensor, Tensor]:
        """Return dx/dtime, and the face at time 1 on the straight line from x."""
        slope = network(x, torch.full((len(x),), time, dtype=x.dtype, device=x.device))
        return slope, x + (1 - time) * slope

    def log_likelihood(self, velocity: solvers.Velocity, faces: Tensor, seed: int) -> Tensor:
        """Return log p of faces [n,C,H,W] by each of PROBES estimates of the divergence: nats [PROBES,n].

        The change of variables along the path back to noise (eq. 4 and appendix C), the divergence by Hutchinson's
        estimator with random signs (Grathwohl et al. 2019, arXiv:1810.01367, section 3.1): unbiased, and the spread of
        the probes shows its error.
        """
        count, shape = len(faces), faces.shape
        source = torch.Generator().manual_seed(seed)
        signs = torch.randint(0, 2, (PROBES, *shape), generator=source).to(faces) * 2 - 1

        def slope(state: Tensor, time: float) -> Tensor:
            """Return d/dtime of the faces, and of the integral of each probe's estimate of the divergence."""
            with torch.enable_grad():
                x = state[:, :-PROBES].reshape(shape).requires_grad_(True)
                v = velocity(x, time)
                products = [torch.autograd.grad(v, x, sign, retain_graph=True)[0] for sign in signs]
            divergences = [(product * sign).flatten(1).sum(1) for product, sign in zip(products, signs, strict=True)]
            return torch.cat((v.detach().flatten(1), torch.stack(divergences, 1)), 1)

        state = torch.cat((faces.flatten(1), faces.new_zeros(count, PROBES)), 1)
        (end,) = solvers.adaptive(slope, state, torch.tensor([1.0, 0.0], dtype=torch.float64))
        noise, integral = end[:, :-PROBES], end[:, -PROBES:]
        normal = -(noise**2).sum(1) / 2 - noise.shape[1] / 2 * math.log(2 * math.pi)
        # Integrated from 1 to 0, the integral has the opposite sign already.
        return normal + integral.T
