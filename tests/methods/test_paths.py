"""Diffusion and flow against a known truth: a mixture of two normal distributions, whose velocity is closed-form.

In one dimension the velocity carries quantiles into quantiles, so every state's exact end is known too.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.optimize import brentq
from torch import Tensor

from fergan_core.methods.diffusion import SIGMA_DATA, SIGMA_MAX, SIGMA_MIN, Edm, denoised
from fergan_core.methods.flow import StraightPath
from fergan_core.methods.solvers import adaptive

WEIGHTS, MEANS, DEVIATIONS = (0.3, 0.7), (-0.6, 0.4), (0.1, 0.2)
Network = Callable[[Tensor, Tensor], Tensor]


def shares(x: Tensor, means: list[Tensor], variances: list[Tensor]) -> list[Tensor]:
    """Each component's part in the density at x."""
    parts = [
        weight * torch.exp(-((x - mean) ** 2) / (2 * variance)) / variance.sqrt()
        for weight, mean, variance in zip(WEIGHTS, means, variances, strict=True)
    ]
    total = sum(parts) + 1e-300
    return [part / total for part in parts]


def ideal_diffusion(x_in: Tensor, levels: Tensor) -> Tensor:
    """The network that makes EDM's denoiser the posterior mean of the mixture."""
    sigma = torch.exp(4 * levels)[:, None, None, None]
    total_std = (sigma**2 + SIGMA_DATA**2).sqrt()
    x = x_in * total_std
    variances = [deviation**2 + sigma**2 for deviation in DEVIATIONS]
    means = [torch.full_like(sigma, mean) for mean in MEANS]
    face = sum(
        share * (mean + deviation**2 / variance * (x - mean))
        for share, mean, deviation, variance in zip(
            shares(x, means, variances), MEANS, DEVIATIONS, variances, strict=True
        )
    )
    c_skip, c_out = (SIGMA_DATA / total_std) ** 2, sigma * SIGMA_DATA / total_std
    return (face - c_skip * x) / c_out


def ideal_flow(x: Tensor, times: Tensor) -> Tensor:
    """The expectation of face - noise given x on the straight path."""
    t = times[:, None, None, None]
    variances = [(t * deviation) ** 2 + (1 - t) ** 2 for deviation in DEVIATIONS]
    means = [t * mean for mean in MEANS]
    return sum(
        share * (mean + (t * deviation**2 - (1 - t)) / variance * (x - t * mean))
        for share, mean, deviation, variance in zip(
            shares(x, means, variances), MEANS, DEVIATIONS, variances, strict=True
        )
    )


def distribution(x: float, noise: float) -> float:
    """The mixture's distribution function, its components widened by noise."""
    return sum(
        weight * stats.norm.cdf(x, mean, math.hypot(deviation, noise))
        for weight, mean, deviation in zip(WEIGHTS, MEANS, DEVIATIONS, strict=True)
    )


def ends(path: Edm | StraightPath, noise: np.ndarray) -> np.ndarray:
    """Where the exact velocity carries standard normal noise: to the mixture's quantile."""
    places = (
        [distribution(SIGMA_MAX * z, SIGMA_MAX) for z in noise]
        if isinstance(path, Edm)
        else list(stats.norm.cdf(noise))
    )
    return np.array([brentq(lambda x, p=p: distribution(x, 0.0) - p, -3, 3, xtol=1e-13) for p in places])


def sample(path: Edm | StraightPath, network: Network, sampler: str, noise: np.ndarray, steps: int) -> np.ndarray:
    states = path.SAMPLERS[sampler](
        lambda x, time: path.velocity(network, x, time)[0],
        path.start(torch.from_numpy(noise).reshape(-1, 1, 1, 1)),
        path.times(steps),
    )
    return list(states)[-1].flatten().numpy()


CASES = [
    (Edm(), ideal_diffusion, "ddim", 1),
    (Edm(), ideal_diffusion, "heun", 2),
    (StraightPath(), ideal_flow, "euler", 1),
    (StraightPath(), ideal_flow, "midpoint", 2),
]


@pytest.mark.parametrize(("path", "network", "sampler", "order"), CASES, ids=[case[2] for case in CASES])
def test_a_solver_carries_noise_to_the_mixture_with_the_order_of_convergence_that_it_should_have(
    path: Edm | StraightPath, network: Network, sampler: str, order: int
) -> None:
    noise = np.linspace(-2, 2, 41)
    exact = ends(path, noise)
    errors = [np.abs(sample(path, network, sampler, noise, steps) - exact).mean() for steps in (64, 128, 256, 512)]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < (3e-3 if order == 1 else 5e-5)
    assert slopes.mean() == pytest.approx(order, abs=0.25)


def test_the_adaptive_solver_keeps_to_its_tolerance() -> None:
    path, noise = StraightPath(), np.linspace(-2, 2, 41)
    exact = ends(path, noise)
    errors = []
    for tolerance in (1e-3, 1e-4, 1e-5, 1e-6):
        (end,) = adaptive(
            lambda x, time: path.velocity(ideal_flow, x, time)[0],
            torch.from_numpy(noise).reshape(-1, 1, 1, 1), path.times(1), tolerance=tolerance,
        )  # fmt: skip
        errors.append(float(np.abs(end.flatten().numpy() - exact).mean()) / tolerance)
    assert max(errors) < 5


@pytest.mark.slow
@pytest.mark.parametrize(("path", "network", "sampler", "order"), CASES, ids=[case[2] for case in CASES])
def test_faces_drawn_from_random_noise_are_distributed_as_the_mixture(
    path: Edm | StraightPath, network: Network, sampler: str, order: int
) -> None:
    noise = np.random.default_rng(0).standard_normal(4_000)
    faces = sample(path, network, sampler, noise, 400 // order)
    assert stats.kstest(faces, lambda xs: np.array([distribution(x, 0.0) for x in xs])).pvalue > 0.05


def test_a_fresh_denoisers_loss_is_one_at_every_noise_level_on_faces_of_the_assumed_deviation() -> None:
    path, source = Edm(), torch.Generator().manual_seed(0)
    faces = torch.randn(2_000, 1, 8, 8, generator=source, dtype=torch.float64) * SIGMA_DATA
    noise = torch.randn(faces.shape, generator=source, dtype=torch.float64)
    for sigma in (0.01, 0.3, 1.0, 20.0):
        loss = path.loss(lambda x, levels: torch.zeros_like(x), faces, noise, torch.full((2_000,), sigma).double())
        assert float(loss.mean()) == pytest.approx(1, abs=0.02)


def test_a_fresh_flows_loss_is_the_mean_square_of_face_less_noise() -> None:
    path, source = StraightPath(), torch.Generator().manual_seed(0)
    faces = torch.randn(2_000, 1, 8, 8, generator=source) * 0.5
    noise = torch.randn(faces.shape, generator=source)
    loss = path.loss(lambda x, times: torch.zeros_like(x), faces, noise, torch.rand(2_000, generator=source))
    assert float(loss.mean()) == pytest.approx(1.25, abs=0.02)


def test_the_ideal_networks_have_the_least_loss() -> None:
    source = torch.Generator().manual_seed(0)
    chosen = torch.rand(50_000, generator=source) < WEIGHTS[0]
    z = torch.randn(50_000, generator=source)
    faces = torch.where(chosen, MEANS[0] + DEVIATIONS[0] * z, MEANS[1] + DEVIATIONS[1] * z).double()[
        :, None, None, None
    ]
    noise = torch.randn(faces.shape, generator=source).double()
    cases = ((Edm(), ideal_diffusion, 0.3), (StraightPath(), ideal_flow, 0.6))
    for path, network, time in cases:
        times = torch.full((len(faces),), time, dtype=torch.float64)
        ideal_loss = float(path.loss(network, faces, noise, times).mean())
        for bias in (-0.05, 0.05):
            loss = path.loss(lambda x, t, n=network, p=bias: n(x, t) + p, faces, noise, times)
            assert float(loss.mean()) > ideal_loss


def test_edms_noise_levels_fall_from_the_most_to_the_least_and_to_none() -> None:
    times = Edm().times(18)
    assert len(times) == 19
    assert times[0] == pytest.approx(SIGMA_MAX)
    assert times[-2] == pytest.approx(SIGMA_MIN)
    assert times[-1] == 0
    assert bool((times.diff() < 0).all())
    assert Edm().times(1).tolist() == pytest.approx([SIGMA_MAX, 0])


def test_without_noise_the_denoiser_is_the_identity() -> None:
    faces = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    estimate = denoised(lambda x, levels: torch.ones_like(x), faces, torch.full((4,), 1e-6))
    torch.testing.assert_close(estimate, faces, atol=1e-5, rtol=0)


def test_the_flows_likelihood_is_the_mixtures_density() -> None:
    source = torch.Generator().manual_seed(1)
    faces = torch.rand(20, 1, 2, 2, generator=source, dtype=torch.float64) * 2 - 1

    def velocity(x: Tensor, time: float) -> Tensor:
        return ideal_flow(x, torch.full((len(x),), time, dtype=x.dtype))

    log_likelihoods = StraightPath().log_likelihood(velocity, faces, seed=0)
    densities = sum(
        weight * stats.norm.pdf(faces.numpy(), mean, deviation)
        for weight, mean, deviation in zip(WEIGHTS, MEANS, DEVIATIONS, strict=True)
    )
    exact = np.log(densities).sum(axis=(1, 2, 3))
    # Pixels that are independent of each other have a diagonal Jacobian, whose trace random signs give exactly.
    np.testing.assert_allclose(log_likelihoods[0].numpy(), exact, atol=5e-3 * 4)
    np.testing.assert_allclose(log_likelihoods[1].numpy(), log_likelihoods[0].numpy(), atol=1e-9)


def test_where_pixels_are_correlated_the_probes_differ_and_are_right_on_average() -> None:
    source = torch.Generator().manual_seed(2)
    mixing = torch.randn(9, 9, generator=source, dtype=torch.float64) / 3
    faces = torch.randn(4_000, 1, 3, 3, generator=source, dtype=torch.float64)

    def velocity(x: Tensor, time: float) -> Tensor:
        return (x.flatten(1) @ mixing.T).reshape(x.shape)

    log_likelihoods = StraightPath().log_likelihood(velocity, faces, seed=0)
    # The linear flow carries noise by exp(mixing): log p = log N(exp(-mixing) x) - trace(mixing).
    noise = faces.flatten(1) @ torch.linalg.matrix_exp(-mixing).T
    exact = -(noise**2).sum(1) / 2 - 9 / 2 * math.log(2 * math.pi) - mixing.trace()
    error = log_likelihoods - exact
    assert float(error.std()) > 0.1
    assert abs(float(error.mean())) < 4 * float(error.std()) / math.sqrt(error.numel())
