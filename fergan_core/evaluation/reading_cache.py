"""The cache of readings: tensors under a key in the user's cache folder, up to 2 GB; least recently used go first."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from fergan_core.data import cache
from fergan_core.files import atomic_write

_MOST_BYTES = 2_000_000_000


def cached(key: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors cached under a key, or make and cache them; the cache saves time and changes no result.

    A damaged file is made again; where the folder cannot be written nothing is cached.
    """
    folder = cache.folder() / "readings"
    path = folder / f"{key}.safetensors"
    try:
        # Copied into memory of its own, as new tensors are: another alignment may round matrix products differently.
        tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
        os.utime(path)
        return tensors
    except (OSError, SafetensorError):
        tensors = {name: tensor.contiguous() for name, tensor in make().items()}
    with contextlib.suppress(OSError, SafetensorError):
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            save_file(tensors, temporary)
        _make_room(folder)
    return tensors


def _make_room(folder: Path) -> None:
    """Delete the least recently used files until the folder is within its limit."""
    files = [(entry.stat(), Path(entry.path)) for entry in os.scandir(folder) if entry.name.endswith(".safetensors")]
    surplus = sum(status.st_size for status, _ in files) - _MOST_BYTES
    for status, path in sorted(files, key=lambda file: file[0].st_mtime_ns):
        if surplus <= 0:
            return
        path.unlink(missing_ok=True)
        surplus -= status.st_size
