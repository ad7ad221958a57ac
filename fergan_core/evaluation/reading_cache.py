"""The cache of readings: tensors under a key in the user's cache folder; the longest unused make room for new ones."""

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
    """Return the tensors that were kept under a key, or make and keep them; the cache changes nothing but the time.

    A file that is damaged is made again; a folder that cannot be written keeps nothing.
    """
    folder = cache.folder() / "readings"
    path = folder / f"{key}.safetensors"
    try:
        # Copied, as what is made: numbers that begin elsewhere in memory may be rounded otherwise in a matrix product.
        found = {name: tensor.clone() for name, tensor in load_file(path).items()}
        os.utime(path)
        return found
    except (OSError, SafetensorError):
        made = {name: tensor.contiguous() for name, tensor in make().items()}
    with contextlib.suppress(OSError, SafetensorError):
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            save_file(made, temporary)
        _make_room(folder)
    return made


def _make_room(folder: Path) -> None:
    """Delete what was not used for longest while the folder holds more than it may."""
    files = [(entry.stat(), Path(entry.path)) for entry in os.scandir(folder) if entry.name.endswith(".safetensors")]
    surplus = sum(status.st_size for status, _ in files) - _MOST_BYTES
    for status, path in sorted(files, key=lambda file: file[0].st_mtime_ns):
        if surplus <= 0:
            return
        path.unlink(missing_ok=True)
        surplus -= status.st_size
