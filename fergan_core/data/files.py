"""Files in a folder, a zip or a tar, read one at a time and never unpacked to disk."""

import io
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from fergan_core.errors import DataError

# An archive that unpacks to more than this is no copy of FER2013, whose largest layout has 300 MB.
_MOST_BYTES = 4 << 30
_MOST_FILES = 500_000


class Files(ABC):
    """Named files: `names` in a fixed order, each opened as a binary stream."""

    names: list[str]

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""

    def read(self, name: str) -> bytes:
        """Return all of a small file."""
        with self.open(name) as stream:
            return stream.read()


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
        return (self._folder / name).open("rb")


class ZipFiles(Files):
    """The files in a zip; DataError where a name leads out of it or a member is damaged."""

    def __init__(self, archive: zipfile.ZipFile, label: str) -> None:
        self._archive, self._label = archive, label
        members = [member for member in archive.infolist() if not member.is_dir()]
        _check(((m.filename, m.file_size) for m in members), label)
        self.names = sorted(_wanted(m.filename for m in members))

    def open(self, name: str) -> BinaryIO:
        try:
            return cast(BinaryIO, self._archive.open(name))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise DataError(f"{self._label}: '{name}' cannot be unpacked ({error}); download it again") from None


class TarFiles(Files):
    """The files in a tar; names keep the archive's order, in which reading is cheapest."""

    def __init__(self, archive: tarfile.TarFile, label: str) -> None:
        self._archive = archive
        members = [member for member in archive.getmembers() if member.isfile()]
        _check(((m.name, m.size) for m in members), label)
        self._members = {m.name: m for m in members}
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


def _check(members: Iterator[tuple[str, int]], label: str) -> None:
    """Refuse names that lead out of the archive, and archives that are far too large."""
    total = count = 0
    for name, size in members:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise DataError(f"{label}: the name '{name}' leads out of the archive; do not trust this file")
        total, count = total + size, count + 1
    if total > _MOST_BYTES or count > _MOST_FILES:
        raise DataError(f"{label}: unpacks to {total / 2**30:.1f} GiB in {count:,} files; FER2013 is far smaller")


@contextmanager
def open_files(path: Path) -> Iterator[Files | None]:
    """Open a folder, zip or tar by its content; None where the path is a plain file."""
    if path.is_dir():
        yield FolderFiles(path)
        return
    with path.open("rb") as handle:
        start = handle.read(512)
    try:
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            with zipfile.ZipFile(path) as archive:
                yield ZipFiles(archive, path.name)
        elif start[:2] == b"\x1f\x8b" or start[257:262] == b"ustar":
            with tarfile.open(path, "r:*") as tar:
                yield TarFiles(tar, path.name)
        else:
            yield None
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, io.UnsupportedOperation, OSError) as error:
        raise DataError(f"{path.name} is cut off or damaged ({error}); download it again") from None
