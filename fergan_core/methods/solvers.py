"""Solvers of dx/dt = v(x, t): plain functions of one signature, (velocity, x, times) -> x at each later time.

`times` are 1-dim, on the CPU, in the order of the steps; each state is yielded, so that a path can be shown.
"""

import itertools
from collections.abc import Callable, Iterator

from torch import Tensor

from fergan_core.errors import CheckpointError

Velocity = Callable[[Tensor, float], Tensor]
Solver = Callable[[Velocity, Tensor, Tensor], Iterator[Tensor]]


def euler(velocity: Velocity, x: Tensor, times: Tensor) -> Iterator[Tensor]:
    """Euler's method, order 1, one evaluation a step. Over noise levels it is DDIM (arXiv:2206.00364, C.4)."""
    for now, then in _steps(times):
        x = x + (then - now) * velocity(x, now)
        yield x


def heun(velocity: Velocity, x: Tensor, times: Tensor) -> Iterator[Tensor]:
    """Heun's method, order 2, two evaluations a step (arXiv:2206.00364, algorithm 1).

    A last step to time 0 is Euler's: the velocity of diffusion is not defined there.
    """
    for now, then in _steps(times):
        slope = velocity(x, now)
        ahead = x + (then - now) * slope
        x = ahead if then == 0 else x + (then - now) * (slope + velocity(ahead, then)) / 2
        yield x


def midpoint(velocity: Velocity, x: Tensor, times: Tensor) -> Iterator[Tensor]:
    """The midpoint method, order 2, two evaluations a step."""
    for now, then in _steps(times):
        half = (then - now) / 2
        x = x + (then - now) * velocity(x + half * velocity(x, now), now + half)
        yield x


def adaptive(velocity: Velocity, x: Tensor, times: Tensor, *, tolerance: float = 1e-4) -> Iterator[Tensor]:
    """Dormand and Prince's method of order 5, its steps as small as `tolerance` (relative and absolute) needs.

    The whole batch takes the same steps. Raises CheckpointError where no step is small enough.
    """
    from torchdiffeq import odeint  # only here: it takes longer to import than a step to train

    try:
        states = odeint(
            lambda t, state: velocity(state, float(t)), x, times.to(x.device), rtol=tolerance, atol=tolerance,
            method="dopri5",
        )  # fmt: skip
    except AssertionError:
        # torchdiffeq asserts that the state is finite and the step above rounding.
        raise CheckpointError(
            "the network's velocity is NaN or too steep to follow; take an earlier checkpoint"
        ) from None
    yield from states[1:]


def _steps(times: Tensor) -> Iterator[tuple[float, float]]:
    yield from itertools.pairwise(times.tolist())
