"""Decoded data sets in the user's cache folder: read at once the second time."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fergan_core.data.dataset import Dataset, FileRead
from fergan_core.data.files import walk

_FORMAT = 2
_ARRAYS = ("images", "labels", "splits")
# Coarser than any file system's clock: a file that changes twice within it may keep its times.
_SETTLED_NS = 2 * 10**9


def folder() -> Path:
    """Return the cache folder: FERGAN_CACHE, or the user's own for this program."""
    named = os.environ.get("FERGAN_CACHE")
    return Path(named) if named else user_cache_path("fergan")


@dataclass(frozen=True)
class Source:
    """Files as they are now: a `key` for their names and states, and whether it alone vouches for their content.

    It does where none of them changed in the last seconds: the time of the last change of content or state (ctime),
    which no program can set, then tells every later change. On Windows that time is another, and content decides.
    """

    path: Path
    key: str
    settled: bool

    def content(self) -> str:
        """Return SHA-256, in hex, over the names and contents of all files: 0.3 s for fer2013.csv."""
        digest = hashlib.sha256()
        for name, status in _files(self.path):
            digest.update(b"\0%b\0%d\0" % (os.fsencode(name), status.st_size))
            with (self.path / name if name else self.path).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


def source_of(path: Path, label_order: str | None = None) -> Source:
    """Look at a file, or all files below a folder: their key changes with the place, the label order and every change.

    Raises OSError where something cannot be read, DataError where there are far too many files.
    """
    digest = hashlib.sha256(b"%d\0%b\0%b" % (_FORMAT, os.fsencode(path.resolve()), (label_order or "").encode()))
    latest, now = 0, time.time_ns()
    for name, status in _files(path):
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        digest.update(b"\0%b\0%b" % (os.fsencode(name), repr(state).encode()))
        latest = max(latest, status.st_ctime_ns)
    return Source(path, digest.hexdigest()[:32], os.name != "nt" and latest + _SETTLED_NS < now)


def _files(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield name below the path and status of a file, or of every file below a folder, by name."""
    if path.is_dir():
        yield from sorted(walk(path).files.items(), key=lambda entry: entry[0])
    else:
        yield "", path.stat()


def load_source(source: Source, place: str) -> Dataset | None:
    """Return what was cached of files that are as they were, None where there is nothing.

    What was read of files that had just been changed is compared by content, until their times can be relied on.
    """
    content = _header(source.key).get("content", "")
    if content and source.content() != content:
        return None
    dataset = load(source.key, place)
    if dataset is not None and content and source.settled:
        store(source.key, dataset)
    return dataset


def _header(key: str) -> dict[str, str]:
    try:
        with safe_open(folder() / f"{key}.safetensors", "np") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError):
        return {}


def load(key: str, source: str) -> Dataset | None:
    """Return a cached data set, None where there is none or its file is damaged."""
    path = folder() / f"{key}.safetensors"
    try:
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        factors = {name.removeprefix("factor."): a for name, a in arrays.items() if name.startswith("factor.")}
        images, labels, splits = (arrays[name] for name in _ARRAYS)
        told = json.loads(header["told"])
        files = tuple(FileRead(**entry) for entry in told.pop("files"))
        told["notices"] = tuple(told["notices"])
        return Dataset(
            header["name"], source, images, labels, splits, header["content_hash"], factors, files=files, **told
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def store(key: str, dataset: Dataset, content: str = "") -> None:
    """Cache a data set, whole or not at all; a folder that cannot be written only costs time the next time.

    `content` is the files' hash where the key alone does not vouch for what is in them.
    """
    path = folder() / f"{key}.safetensors"
    temporary = path.with_name(f".{key}.{os.getpid()}.tmp")
    arrays = {name: np.ascontiguousarray(getattr(dataset, name)) for name in _ARRAYS}
    arrays |= {f"factor.{name}": np.ascontiguousarray(values) for name, values in dataset.factors.items()}
    told = {
        "files": [asdict(entry) for entry in dataset.files],
        "notices": dataset.notices,
        "label_order": dataset.label_order,
        "in_rows": dataset.in_rows,
    }
    header = {
        "name": dataset.name,
        "content_hash": dataset.content_hash,
        "content": content,
        "told": json.dumps(told),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(arrays, temporary, header)
        temporary.replace(path)
    except (OSError, SafetensorError):
        return
    finally:
        # Also where the folder itself is none, or lies on a disk that cannot be written.
        with contextlib.suppress(OSError):
            temporary.unlink()
