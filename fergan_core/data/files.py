"""Files in a folder, a zip or a tar, read one at a time and never unpacked to disk."""

import lzma
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from fergan_core.errors import DataError

# An archive that unpacks to more than this is no copy of FER2013, whose largest layout has 300 MB.
_MOST_BYTES = 4 << 30
_MOST_FILES = 500_000
# Larger than any picture of a face and any parquet file of FER2013, which are read whole.
_MOST_IN_MEMORY = 1 << 30
_LONGEST_REASON = 120


def reason(error: BaseException) -> str:
    """Return the first line of a library's message, cut where it is long: our own messages are one line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "".join(c if c.isprintable() else "?" for c in lines[0])[:_LONGEST_REASON].rstrip(" :")


class Files(ABC):
    """Named files: `names` in a fixed order, each opened as a binary stream."""

    names: list[str]

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


class FolderFiles(Files):
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.names = sorted(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )

    def open(self, name: str) -> BinaryIO:
        try:
            return (self._folder / name).open("rb")
        except OSError as error:
            raise DataError(f"{name} cannot be opened ({error.strerror}); check its permissions") from None


class ZipFiles(Files):
    """The files in a zip; DataError where a name leads out of it or a member is damaged."""

    def __init__(self, archive: zipfile.ZipFile, label: str) -> None:
        self._archive, self._label = archive, label
        members = [member for member in archive.infolist() if not member.is_dir()]
        _Bounds(label).check_all((member.filename, member.file_size) for member in members)
        self.names = sorted(_wanted(member.filename for member in members))

    def open(self, name: str) -> BinaryIO:
        try:
            return cast(BinaryIO, self._archive.open(name))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise DataError(
                f"{self._label}: '{name}' cannot be unpacked ({reason(error)}); download it again"
            ) from None


class TarFiles(Files):
    """The files in a tar; names keep the archive's order, in which reading is cheapest."""

    def __init__(self, archive: tarfile.TarFile, label: str) -> None:
        self._archive = archive
        self._members: dict[str, tarfile.TarInfo] = {}
        bounds = _Bounds(label)
        # Checked as they come: the next header is found only by unpacking what lies before it.
        for member in archive:
            bounds.check(member.name, member.size)
            if member.isfile():
                self._members[member.name] = member
        self.names = list(_wanted(self._members))

    def open(self, name: str) -> BinaryIO:
        stream = self._archive.extractfile(self._members[name])
        assert stream is not None  # only regular files are members here
        return cast(BinaryIO, stream)


def _wanted(names: "Iterator[str] | dict[str, tarfile.TarInfo]") -> Iterator[str]:
    """Leave out what operating systems add: hidden files, macOS's shadow folder."""
    for name in names:
        path = PurePosixPath(name)
        if not path.name.startswith(".") and "__MACOSX" not in path.parts:
            yield name


class _Bounds:
    """What no honest archive goes beyond: its own folder, a few GiB, some 100,000 files."""

    def __init__(self, label: str) -> None:
        self._label, self._bytes, self._files = label, 0, 0

    def check(self, name: str, size: int) -> None:
        """Count a member in; DataError where its name leads out of the archive or the whole is far too large."""
        if any(ord(character) < 32 for character in name):
            raise DataError(f"{self._label}: the name {name!r} has control characters; do not trust this file")
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]):
            raise DataError(f"{self._label}: the name '{name}' leads out of the archive; do not trust this file")
        self._bytes, self._files = self._bytes + size, self._files + 1
        if self._bytes > _MOST_BYTES or self._files > _MOST_FILES:
            raise DataError(
                f"{self._label}: unpacks to more than {self._bytes / 2**30:.1f} GiB in {self._files:,} files; "
                "FER2013 is far smaller, do not trust this file"
            )

    def check_all(self, members: Iterable[tuple[str, int]]) -> None:
        """Count all members in."""
        for name, size in members:
            self.check(name, size)


def is_archive(name: str) -> bool:
    """Tell whether a file inside another archive or folder is named like an archive."""
    return PurePosixPath(name).suffix.lower() in (".zip", ".tar", ".gz", ".tgz")


# What unpacking raises where an archive is damaged: an unknown version of zip and a name that is no text among it.
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError)


@contextmanager
def open_files(path: Path) -> Iterator[Files | None]:
    """Open a folder, zip or tar by its content; None where the path is a plain file."""
    if path.is_dir():
        yield FolderFiles(path)
        return
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be opened ({error.strerror}); check its permissions") from None
    with stream, open_archive(stream, path.name) as files:
        yield files


@contextmanager
def open_archive(stream: BinaryIO, label: str) -> Iterator[Files | None]:
    """Open a zip or tar from a stream that can seek; None where it is neither."""
    start = stream.read(512)
    stream.seek(0)
    try:
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            with zipfile.ZipFile(stream) as archive:
                yield ZipFiles(archive, label)
        elif start[:2] == b"\x1f\x8b":
            with tarfile.open(fileobj=stream, mode="r:gz") as tar:
                yield TarFiles(tar, label)
        elif start[257:262] == b"ustar":
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                yield TarFiles(tar, label)
        else:
            yield None
    except (*_DAMAGE, OSError) as error:
        raise DataError(f"{label} is cut off or damaged ({reason(error)}); download it again") from None
