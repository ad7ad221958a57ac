"""Atomic writes: a file or folder is written under a temporary name beside its own, synced, then renamed.

A temporary name holds the writing process's number (`.NAME.1234.tmp`, working folders `.NAME.1234.new`), so that what
a killed process left can be told from what a living one is writing: the next write to the same place removes it.
"""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# SQLite keeps its logs beside a database, under the database's name and these.
LOGS = ("-wal", "-shm", "-journal")
_LONGEST_WRITE = 86_400.0  # seconds after which a process of that number is another one
_WRITER = r"(\d+)\.(?:tmp(?:-wal|-shm|-journal)?|new)"
# Earlier versions wrote `.import-1234-x`, `.import-x` and `.showcase-x`.
_TEMPORARY = re.compile(rf"\.(?:.+\.{_WRITER}|import-(?:(\d+)-)?[^/]+|showcase-[^/]+)")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write a file or a folder to; it becomes `path` at the end, or is removed on an error.

    A reader of `path` sees what was there before or all of what was written, also after a power cut; of a folder only
    the name is synced, not each file in it. What a killed process left of the same write is removed first.
    """
    temporary = _fresh(path, "tmp")
    try:
        yield temporary
        if not temporary.is_dir():
            sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        for suffix in ("", *LOGS):
            _remove(temporary.with_name(temporary.name + suffix))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; OSError where it cannot be written."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def working_folder(path: Path) -> Iterator[Path]:
    """Make a folder beside `path` to prepare its new content in, on the same disk; it is removed at the end."""
    folder = _fresh(path, "new")
    try:
        folder.mkdir()
        yield folder
    finally:
        _remove(folder)


def clear_stale(path: Path) -> None:
    """Remove what killed processes left of writes to `path`, and nothing that a running process is writing."""
    prefix = f".{path.name}."
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(prefix)]
        for name in names:
            match = re.fullmatch(_WRITER, name.removeprefix(prefix))
            stale = path.with_name(name)
            if match is not None and not writer_lives(stale):
                _remove(stale)


def is_temporary(name: str) -> bool:
    """Tell whether a file's or folder's name is one that is written under before the rename."""
    return _TEMPORARY.fullmatch(name) is not None


def writer_lives(temporary: Path) -> bool:
    """Tell whether the process whose number is in a temporary name is still running on this machine."""
    match = _TEMPORARY.fullmatch(temporary.name)
    number = None if match is None else match[1] or match[2]
    return number is not None and age(temporary) < _LONGEST_WRITE and _runs(int(number))


def age(path: Path) -> float:
    """Return the seconds since a file, or anything in a folder, was last written; 0 where it goes away meanwhile."""
    try:
        times = [each.lstat().st_mtime for each in (path, *(path.rglob("*") if path.is_dir() else ()))]
    except OSError:
        return 0.0
    return time.time() - float(max(times))


def sync(path: Path) -> None:
    """Bring a file, or a folder's list of names, safely to the disk; OSError where a file cannot be."""
    if not path.is_dir():
        with path.open("r+b") as handle:
            os.fsync(handle.fileno())
    elif os.name != "nt":  # where a folder cannot be opened
        number = os.open(path, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # some network disks cannot
                os.fsync(number)
        finally:
            os.close(number)


def _fresh(path: Path, kind: str) -> Path:
    """Return a temporary name beside `path` that nothing has, with what killed processes left removed."""
    clear_stale(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{kind}")
    _remove(temporary)  # in a container every process may have the number of the one before it
    return temporary


def _runs(process: int) -> bool:
    if os.name == "nt":
        return True  # there, to ask a process is to end it
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's
        return True
    return True


def _remove(place: Path) -> None:
    """Remove a file or a folder with all that is in it, if it is there and may be removed."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            place.unlink()
