"""What a script saves -> the entries of a checkpoint: networks' weights by name, and all else."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fergan_core.errors import UsageError

_SINGLE = "model"


def entries_of(state: Any) -> tuple[dict[str, Any], list[str]]:
    """Return a checkpoint's entries with memory of their own, and the names of those that are weights.

    UsageError where none is.
    """
    state = _state_dict(state)
    if not isinstance(state, Mapping):
        raise UsageError(f"checkpoint: {type(state).__name__} has no state_dict(); give a network, or several by name")
    entries = {str(name): _own(_state_dict(value)) for name, value in state.items()}
    if any(isinstance(value, Tensor) for value in entries.values()):
        entries = {_SINGLE: entries}
    weights = [name for name, value in entries.items() if _are_weights(value)]
    if not weights:
        raise UsageError(
            "checkpoint: there are no weights in it; give networks by name, as in checkpoint({'generator': generator})"
        )
    return entries, weights


def _state_dict(value: Any) -> Any:
    return value.state_dict() if hasattr(value, "state_dict") else value


def _are_weights(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(item, Tensor) for item in value.values())


def _own(value: Any) -> Any:
    """Copy tensors: two that share memory, as tied weights do, cannot be saved to one file."""
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value)
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {name: _own(item) for name, item in value.items()}
    return [_own(item) for item in value] if isinstance(value, list | tuple) else value
