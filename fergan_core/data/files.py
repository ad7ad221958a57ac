"""Files in a folder, read one at a time; what is left out is reported."""

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fergan_core.errors import DataError

# Far more than any layout of FER2013 has; links that multiply a folder's files end here too.
MOST_FILES = 500_000
# Larger than any picture of a face and any parquet file of FER2013, which are read whole.
_MOST_IN_MEMORY = 1 << 30
_LONGEST_REASON = 120
# What Pillow raises for a damaged picture, by its format and by where the damage is.
DAMAGED_PICTURE = (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError, ArithmeticError)


def printable(text: str, longest: int = _LONGEST_REASON) -> str:
    """Return text of unknown origin fit for one line of a message: printable, cut where it is long."""
    return "".join(c if c.isprintable() else "?" for c in text)[:longest]


def reason(error: BaseException) -> str:
    """Return the first line of a library's message, cut where it is long: our own messages are one line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return printable(lines[0]).rstrip(" :")


def listed(names: Iterable[str], most: int = 3) -> str:
    """Name the first few of some names, and count the others: 'a, b, c and 41 more'."""
    every = [printable(name) for name in names]
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def is_clutter(name: str) -> bool:
    """Tell whether a path is what systems and editors add: hidden files and folders, macOS's shadow folder."""
    if "/" not in name and not name.startswith(".") and name != "__MACOSX":
        return False  # at once for most of the tens of thousands of names in a folder
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/") if part not in ("", "."))


class Files(ABC):
    """Named files: `names` in a fixed order, each opened as a binary stream; `notices` say what is left out and why."""

    names: list[str]
    notices: list[str]

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""

    def read(self, name: str) -> bytes:
        """Return all of a file; DataError where it is too large for any part of FER2013."""
        with self.open(name) as stream:
            content = stream.read(_MOST_IN_MEMORY + 1)
        if len(content) > _MOST_IN_MEMORY:
            raise DataError(f"{name} has more than 1 GiB; no file of FER2013 that is read at once is as large")
        return content


@dataclass(frozen=True)
class Walk:
    """The regular files below a folder, by their names in it with / between, and its links that are not followed."""

    files: dict[str, os.stat_result] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)

    def notices(self) -> list[str]:
        """Say which links are left out and why."""
        sentences = []
        if self.broken:
            sentences.append(f"{listed(self.broken)}: a link to a file or folder that is not there; left out")
        if self.loops:
            sentences.append(f"{listed(self.loops)}: a link to a folder that it lies in; left out")
        return sentences


def walk(folder: Path) -> Walk:
    """Find the files below a folder, also through symbolic links, except clutter.

    Raises OSError where a folder cannot be read, and DataError where there are far too many files.
    """
    walked, entries = Walk(), 0
    waiting: list[tuple[str, str, tuple[tuple[int, int], ...]]] = [
        (str(folder), "", (_identity(os.stat(folder), str(folder)),))
    ]
    while waiting:
        place, prefix, above = waiting.pop()
        with os.scandir(place) as listing:
            for entry in listing:
                if is_clutter(entry.name):
                    continue
                name = prefix + entry.name
                entries += 1
                if entries > MOST_FILES:
                    raise DataError(f"'{folder}' has more than {MOST_FILES:,} files; name the folder of FER2013 alone")
                try:
                    status = entry.stat()
                except OSError:  # a link to nowhere, or in a circle with itself
                    walked.broken.append(name)
                    continue
                if stat.S_ISREG(status.st_mode):
                    walked.files[name] = status
                elif stat.S_ISDIR(status.st_mode):
                    identity = _identity(status, entry.path)
                    if identity in above:
                        walked.loops.append(f"{name}/")
                    else:
                        waiting.append((entry.path, f"{name}/", (*above, identity)))
    walked.broken.sort()
    walked.loops.sort()
    return walked


def _identity(status: os.stat_result, path: str) -> tuple[int, int]:
    # A folder's listing has no inode on Windows.
    with_inode = status if status.st_ino else os.stat(path)
    return with_inode.st_dev, with_inode.st_ino


class FolderFiles(Files):
    """The files below a folder; DataError where one of its folders cannot be read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            walked = walk(folder)
        except OSError as error:
            raise DataError(f"'{error.filename}' cannot be read ({error.strerror}); check its permissions") from None
        self.names, self.notices = sorted(walked.files), walked.notices()

    def open(self, name: str) -> BinaryIO:
        try:
            return (self._folder / name).open("rb")
        except OSError as error:
            raise DataError(f"{name} cannot be opened ({error.strerror}); check its permissions") from None
