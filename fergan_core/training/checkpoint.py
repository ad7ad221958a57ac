"""Checkpoints: weights and training state as two safetensors files, written whole or not at all.

The weights file holds tensors alone, so that equal weights are equal files. The state file holds all else: tensors
under their paths, and what is not a tensor as JSON in its one metadata entry. Nothing is pickled.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from fergan_core import files
from fergan_core.errors import CheckpointError

_KEY = "fergan"


@dataclass(frozen=True)
class Written:
    """A file on disk: its path, SHA-256 (hex) and size in bytes."""

    path: Path
    sha256: str
    bytes: int


def write_atomically(path: Path, content: bytes) -> Written:
    """Write a run's file completely or not at all; CheckpointError where it cannot be written, as on a full disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(path, content)
    except OSError as error:
        raise CheckpointError(
            f"'{path}' cannot be written ({error.strerror}); make room or fix its permissions, then go on by --resume"
        ) from None
    return Written(path, hashlib.sha256(content).hexdigest(), len(content))


def weights_path(folder: Path, step: int) -> Path:
    """Return the path of a step's weights."""
    return folder / f"step-{step:08d}.safetensors"


def state_path(folder: Path, step: int) -> Path:
    """Return the path of a step's training state other than its weights."""
    return folder / f"step-{step:08d}.state.safetensors"


def save_checkpoint(
    folder: Path, step: int, state: Mapping[str, Any], networks: Sequence[str]
) -> tuple[Written, Written]:
    """Write a Learner's state at a step as two files: (weights, all else). `networks` names the weights' entries."""
    weights: dict[str, Tensor] = {}
    _flatten({name: state[name] for name in networks}, "", weights, separator=".")
    other_tensors: dict[str, Tensor] = {}
    structure = _flatten(
        {name: value for name, value in state.items() if name not in networks}, "", other_tensors, separator="/"
    )
    header = {_KEY: json.dumps({"step": step, "state": structure}, sort_keys=True)}
    # The state first: weights that are on disk have their state beside them.
    written_state = write_atomically(state_path(folder, step), save(other_tensors, header))
    return write_atomically(weights_path(folder, step), save(weights)), written_state


def load_checkpoint(weights: Path, state: Path, networks: Sequence[str]) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, on the CPU; CheckpointError where a file is missing, damaged or not ours.

    Each tensor is copied into memory of its own: in the file's it may start at any address, and matrix products are
    rounded differently at other alignments, so that a resumed run would differ from an uninterrupted one.
    """
    try:
        with safe_open(weights, "pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a dict
        with safe_open(state, "pt", device="cpu") as file:
            other_tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            structure = json.loads((file.metadata() or {})[_KEY])["state"]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{weights.name} or its state cannot be read ({error}); resume from an earlier checkpoint"
        ) from None
    learner_state: dict[str, Any] = _restore(structure, other_tensors)
    for name in networks:
        prefix = f"{name}."
        learner_state[name] = {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
    return learner_state


def _flatten(value: Any, path: str, tensors: dict[str, Tensor], *, separator: str) -> Any:
    """Move tensors out of nested dicts and lists into `tensors`; return JSON of all else, with their paths in place."""
    if isinstance(value, Tensor):
        tensors[path] = value.detach().to("cpu").contiguous()
        return {"tensor": path}
    if isinstance(value, Mapping):
        items = [
            [key, _flatten(item, f"{path}{separator}{key}" if path else str(key), tensors, separator=separator)]
            for key, item in value.items()
        ]
        return {"dict": items}
    if isinstance(value, list | tuple):
        return {
            "list": [
                _flatten(item, f"{path}{separator}{i}", tensors, separator=separator) for i, item in enumerate(value)
            ]
        }
    return {"value": value}


def _restore(plain: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Undo `_flatten`."""
    ((kind, content),) = plain.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _restore(item, tensors) for key, item in content}
    if kind == "list":
        return [_restore(item, tensors) for item in content]
    return content


def finite(state: Mapping[str, Any], networks: Sequence[str]) -> bool:
    """Tell whether all weights of the networks are finite; a checkpoint of others would be worthless."""
    tensors = [t for name in networks for t in state[name].values() if t.is_floating_point()]
    return bool(torch.stack([t.isfinite().all() for t in tensors]).all())


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
