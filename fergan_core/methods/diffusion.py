"""Diffusion by EDM (Karras et al. 2022, arXiv:2206.00364); equations and algorithms are that paper's."""

import math
from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from fergan_core.methods import solvers

# Table 1, column 'ours'.
P_MEAN, P_STD = -1.2, 1.2  # of the logarithm of the noise levels that are learnt
SIGMA_MIN, SIGMA_MAX, RHO = 0.002, 80.0, 7.0  # of the sampler's noise levels
SIGMA_DATA = 0.5  # standard deviation of the faces' pixels in [-1,1]: 0.51 on FER2013


class Edm:
    """The time is the noise's standard deviation: x = face + sigma noise. The network estimates the face."""

    SAMPLERS: ClassVar[Mapping[str, solvers.Solver]] = {"heun": solvers.heun, "ddim": solvers.euler}

    def draw_times(self, count: int, device: torch.device) -> Tensor:
        """Draw noise levels [count], log-normal."""
        return torch.exp(P_MEAN + P_STD * torch.randn(count, device=device))

    def time_at(self, quantile: float) -> float:
        """Return a quantile of the noise levels."""
        normal = torch.distributions.Normal(P_MEAN, P_STD)
        return math.exp(float(normal.icdf(torch.tensor(quantile))))  # type: ignore[no-untyped-call]

    def loss(self, network: Callable[[Tensor, Tensor], Tensor], faces: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Return each face's weighted squared error [B] (eq. 108): 1 of a fresh network, on faces of SIGMA_DATA."""
        sigma = times[:, None, None, None]
        weight = (sigma**2 + SIGMA_DATA**2) / (sigma * SIGMA_DATA) ** 2
        error = denoised(network, faces + sigma * noise, times) - faces
        return (weight * error**2).mean((1, 2, 3))

    def times(self, steps: int) -> Tensor:
        """Return noise levels [steps + 1] from SIGMA_MAX to SIGMA_MIN (eq. 5), then 0; of one step SIGMA_MAX and 0."""
        ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
        highest, lowest = SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO)
        return torch.cat(((highest + ramp * (lowest - highest)) ** RHO, torch.zeros(1, dtype=torch.float64)))

    def start(self, noise: Tensor) -> Tensor:
        """Return the state at SIGMA_MAX, where nothing of the face is left."""
        return SIGMA_MAX * noise

    def times_back(self, steps: int) -> Tensor:
        """Return noise levels [max(steps, 2)] from SIGMA_MIN to SIGMA_MAX: a face has the noise of the least."""
        return self.times(max(steps, 2))[:-1].flip(0)

    def noise(self, x: Tensor) -> Tensor:
        """Return the noise of a state at SIGMA_MAX."""
        return x / SIGMA_MAX

    def velocity(self, network: Callable[[Tensor, Tensor], Tensor], x: Tensor, time: float) -> tuple[Tensor, Tensor]:
        """Return dx/dsigma = (x - face) / sigma (eq. 4) and the face."""
        face = denoised(network, x, torch.full((len(x),), time, dtype=x.dtype, device=x.device))
        return (x - face) / time, face


def denoised(network: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigmas: Tensor) -> Tensor:
    """Return the denoised face from x [B,1,48,48] with noise of standard deviation sigmas [B] (eq. 7, table 1)."""
    sigma = sigmas[:, None, None, None]
    total_std = (sigma**2 + SIGMA_DATA**2).sqrt()
    c_skip, c_out, c_noise = (SIGMA_DATA / total_std) ** 2, sigma * SIGMA_DATA / total_std, sigmas.log() / 4
    return c_skip * x + c_out * network(x / total_std, c_noise)
