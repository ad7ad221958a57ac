"""What all methods need of Adam: a learning-rate schedule, and to go on from a saved state."""

from typing import Any

import torch
from torch import Tensor, nn


def rate_at(rate: float, done: int, steps: int, *, warmup: int = 0, decay: bool) -> float:
    """Return the learning rate after `done` of `steps` steps: up from 0 over `warmup` steps, with `decay` down to 0."""
    risen = min(1.0, (done + 1) / (warmup + 1))
    return rate * risen * (max(0.0, 1 - done / steps) if decay else 1.0)


def restore(optimiser: torch.optim.Optimizer, state: dict[str, Any], **settings: Any) -> None:
    """Load an optimiser's state, but with these settings: a fork's recipe may have other rates than its parent's.

    The moments take their parameters' memory layout, which fused Adam relies on.
    """
    optimiser.load_state_dict(state)
    optimiser.param_groups[0] |= settings
    for parameter, moments in optimiser.state.items():
        for key in ("exp_avg", "exp_avg_sq"):
            moments[key] = torch.empty_like(parameter).copy_(moments[key])


def gradient_norm(network: nn.Module) -> Tensor:
    """Return the L2 norm of all gradients of a network together, 0-dim."""
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
