"""Decoded datasets in the user's cache folder: read at once the second time."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fergan_core.data.dataset import Dataset, FileRead
from fergan_core.data.files import walk
from fergan_core.files import atomic_write

_FORMAT = 3
_ARRAYS = ("images", "labels", "splits")
# Coarser than any file system's clock: a file that changes twice within it may keep its times.
_SETTLED_NS = 2 * 10**9


def folder() -> Path:
    """Return the cache folder: FERGAN_CACHE, or the user's own for this program."""
    named = os.environ.get("FERGAN_CACHE")
    return Path(named) if named else user_cache_path("fergan")


@dataclass(frozen=True)
class Source:
    """Files as they are now: a `key` for their names and states, and the names of those whose changes it may miss.

    The time of a file's last change of content or state (ctime), which no program can set, tells every later change,
    but for the `recent` files: they changed in the last seconds, and may do so again without another time. Their
    content decides. On Windows ctime is another time, and the content of all files does.
    """

    path: Path
    label_order: str | None
    key: str
    recent: tuple[str, ...]

    def content(self, names: Sequence[str]) -> str:
        """Return SHA-256, in hex, over the names and contents of some of the files: 0.3 s for fer2013.csv."""
        digest = hashlib.sha256()
        for name in names:
            with (self.path / name if name else self.path).open("rb") as stream:
                file_digest = hashlib.file_digest(stream, "sha256").digest()
            digest.update(b"\0%b\0%b" % (os.fsencode(name), file_digest))
        return digest.hexdigest()


def source_of(path: Path, label_order: str | None = None) -> Source:
    """Look at a file, or all files below a folder: their key changes with the place, the label order and every change.

    Raises OSError where something cannot be read, DataError where there are far too many files.
    """
    digest = hashlib.sha256(b"%d\0%b\0%b" % (_FORMAT, os.fsencode(path.resolve()), (label_order or "").encode()))
    recent, earliest = [], time.time_ns() - _SETTLED_NS
    states = []
    for name, status in _files(path):
        changed = status.st_ctime_ns
        states.append(f"\0{name}\0{status.st_size} {status.st_mtime_ns} {changed} {status.st_ino}")
        if changed >= earliest or os.name == "nt":
            recent.append(name)
    digest.update(os.fsencode("".join(states)))
    return Source(path, label_order, digest.hexdigest()[:32], tuple(recent))


def _files(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield name below the path and status of a file, or of every file below a folder, by name."""
    if path.is_dir():
        yield from sorted(walk(path).files.items(), key=lambda entry: entry[0])
    else:
        yield "", path.stat()


def open_source(source: Source, place: str, read: Callable[[], Dataset]) -> Dataset:
    """Return the cached dataset of unchanged files; otherwise what `read` returns, which is then cached.

    Files that had just been changed when they were read are compared by content, until their times can be relied on.
    """
    header = _header(source.key)
    recent = json.loads(header.get("recent", "[]"))
    if not recent or source.content(recent) == header["content"]:
        dataset = load(source.key, place)
        if dataset is not None:
            if recent and not source.recent:
                store(source.key, dataset)
            return dataset
    # Before they are read: files that change meanwhile are then of another content than the cache says.
    recent, content = source.recent, source.content(source.recent)
    dataset = read()
    if recent and _settled(source, content):
        recent, content = (), ""
    store(source.key, dataset, recent, content)
    return dataset


def _settled(source: Source, content: str) -> bool:
    """Tell whether no file has changed, and reading took so long that the files' times can now be relied on."""
    again = source_of(source.path, source.label_order)
    return again.key == source.key and not again.recent and source.content(source.recent) == content


def _header(key: str) -> dict[str, str]:
    try:
        with safe_open(folder() / f"{key}.safetensors", "np") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError):
        return {}


def load(key: str, source: str) -> Dataset | None:
    """Return a cached dataset, None where there is none or its file is damaged."""
    path = folder() / f"{key}.safetensors"
    try:
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        factors = {name.removeprefix("factor."): a for name, a in arrays.items() if name.startswith("factor.")}
        images, labels, splits = (arrays[name] for name in _ARRAYS)
        details = json.loads(header["told"])
        files = tuple(FileRead(**entry) for entry in details.pop("files"))
        details["notices"] = tuple(details["notices"])
        return Dataset(
            header["name"], source, images, labels, splits, header["content_hash"], factors, files=files, **details
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def store(key: str, dataset: Dataset, recent: Sequence[str] = (), content: str = "") -> None:
    """Cache a dataset, whole or not at all; a folder that cannot be written only costs time the next time.

    `content` is the hash of the files `recent`, for which the key alone does not vouch.
    """
    path = folder() / f"{key}.safetensors"
    arrays = {name: np.ascontiguousarray(getattr(dataset, name)) for name in _ARRAYS}
    arrays |= {f"factor.{name}": np.ascontiguousarray(values) for name, values in dataset.factors.items()}
    details = {
        "files": [asdict(entry) for entry in dataset.files],
        "notices": dataset.notices,
        "label_order": dataset.label_order,
        "in_rows": dataset.in_rows,
    }
    header = {
        "name": dataset.name,
        "content_hash": dataset.content_hash,
        "recent": json.dumps(recent),
        "content": content,
        "told": json.dumps(details),
    }
    with contextlib.suppress(OSError, SafetensorError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            save_file(arrays, temporary, header)
