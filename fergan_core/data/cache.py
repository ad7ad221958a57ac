"""Decoded data sets in the user's cache folder: read at once the second time."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fergan_core.data.dataset import Dataset

_FORMAT = 1
_ARRAYS = ("images", "labels", "splits")


def folder() -> Path:
    """Return the cache folder: FERGAN_CACHE, or the user's own for this program."""
    named = os.environ.get("FERGAN_CACHE")
    return Path(named) if named else user_cache_path("fergan")


def key_of_path(path: Path) -> str:
    """Return a key that changes with the path, size or modification time of a file, or of any file below a folder."""
    digest = hashlib.sha256(b"%d\0%b" % (_FORMAT, os.fsencode(path.resolve())))
    for name, status in sorted(_files(path), key=lambda entry: entry[0]):
        digest.update(b"\0%b\0%d\0%d" % (os.fsencode(name), status.st_size, status.st_mtime_ns))
    return digest.hexdigest()[:32]


def _files(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield name below the path and status of a file, or of every file below a folder."""
    if not path.is_dir():
        yield "", path.stat()
        return
    folders = [str(path)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file():
                    yield entry.path[len(str(path)) :], entry.stat()


def load(key: str, source: str) -> Dataset | None:
    """Return a cached data set, None where there is none or its file is damaged."""
    path = folder() / f"{key}.safetensors"
    try:
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        factors = {name.removeprefix("factor."): a for name, a in arrays.items() if name.startswith("factor.")}
        images, labels, splits = (arrays[name] for name in _ARRAYS)
        return Dataset(header["name"], source, images, labels, splits, header["content_hash"], factors)
    except (OSError, SafetensorError, KeyError):
        return None


def store(key: str, dataset: Dataset) -> None:
    """Cache a data set, whole or not at all; a folder that cannot be written only costs time the next time."""
    path = folder() / f"{key}.safetensors"
    temporary = path.with_name(f".{key}.{os.getpid()}.tmp")
    arrays = {name: np.ascontiguousarray(getattr(dataset, name)) for name in _ARRAYS}
    arrays |= {f"factor.{name}": np.ascontiguousarray(values) for name, values in dataset.factors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(arrays, temporary, {"name": dataset.name, "content_hash": dataset.content_hash})
        temporary.replace(path)
    except (OSError, SafetensorError):
        return
    finally:
        # Also where the folder itself is none, or lies on a disk that cannot be written.
        with contextlib.suppress(OSError):
            temporary.unlink()
