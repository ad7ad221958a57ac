"""Files in a zip or tar, in archives within it, or in one compressed file: never unpacked to disk."""

import bz2
import gzip
import io
import lzma
import posixpath
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from fergan_core.data.files import MOST_FILES, Files, FolderFiles, is_clutter, listed, reason
from fergan_core.errors import DataError

# An archive that unpacks to more than this is not a copy of FER2013, whose largest layout has 300 MB.
_MOST_BYTES = 4 << 30
_LONGEST_TARGET = 4096
_SUFFIXES = (".zip", ".npz", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz")


def is_archive(name: str) -> bool:
    """Tell whether a file inside another archive or folder is named like an archive."""
    return PurePosixPath(name).suffix.lower() in _SUFFIXES


class ZipFiles(Files):
    """The files in a zip; DataError where a name leads out of it or a member is damaged."""

    def __init__(self, archive: zipfile.ZipFile, label: str) -> None:
        self._archive, self._label = archive, label
        members = [member for member in archive.infolist() if not member.is_dir()]
        _Bounds(label).check_all((member.filename, member.file_size) for member in members)
        links = {_slashed(member): self._target(member) for member in members if _is_link(member)}
        plain = {_slashed(member): member.filename for member in members if not _is_link(member)}
        self._members, self.notices = _follow(links, plain, label)
        self.names = sorted(name for name in self._members if not is_clutter(name))

    def _target(self, member: zipfile.ZipInfo) -> str:
        with self._open(member.filename) as stream:
            return stream.read(_LONGEST_TARGET).decode("utf-8", "replace")

    def open(self, name: str) -> BinaryIO:
        return self._open(self._members[name])

    def _open(self, name: str) -> BinaryIO:
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
        self._infos: dict[str, tarfile.TarInfo] = {}
        links: dict[str, str] = {}
        order: dict[str, None] = {}
        bounds = _Bounds(label)
        # Checked as they come: the next header is found only by unpacking what lies before it.
        for member in archive:
            bounds.check(member.name, member.size)
            name = posixpath.normpath(member.name)
            if member.isfile():
                self._infos[name] = member
            elif member.issym():
                links[name] = member.linkname
            elif member.islnk():  # a hard link counts from the archive's top
                links[name] = posixpath.relpath(posixpath.normpath(member.linkname), posixpath.dirname(name) or ".")
            order[name] = None
        self._members, self.notices = _follow(links, {name: name for name in self._infos}, label)
        self.names = [name for name in order if name in self._members and not is_clutter(name)]

    def open(self, name: str) -> BinaryIO:
        stream = self._archive.extractfile(self._infos[self._members[name]])
        assert stream is not None  # only regular files are members here
        return cast(BinaryIO, stream)


class CompressedFile(Files):
    """One file that is compressed by gzip, bzip2 or xz: its name is the label without the compression's suffix."""

    def __init__(self, stream: BinaryIO, kind: str, label: str) -> None:
        self._stream, self._kind, self._label = stream, kind, label
        path = PurePosixPath(label)
        self.names = [path.stem if path.suffix.lower() in _SUFFIXES else path.name]
        self.notices = []

    def open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Bounded(_unpacked(self._stream, self._kind), self._label), 1 << 20))


class _Bounded(io.RawIOBase):
    """A stream of which no more than _MOST_BYTES are read: compressed data do not declare their size."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        self._stream, self._label = stream, label

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        if self._stream.tell() > _MOST_BYTES:
            raise DataError(
                f"{self._label}: unpacks to more than {_MOST_BYTES >> 30} GiB; FER2013 is far smaller, do not trust "
                "this file"
            )
        return len(content)


class NestedFiles(Files):
    """The files in the archives of a folder or archive, each named by its archive's name, / and its own."""

    def __init__(self, archives: Mapping[str, Files]) -> None:
        self._places = {f"{outer}/{name}": (files, name) for outer, files in archives.items() for name in files.names}
        if len(self._places) > MOST_FILES:
            raise DataError(f"{listed(archives)}: more than {MOST_FILES:,} files together; do not trust these files")
        self.names = list(self._places)
        self.notices = [f"{outer}: {sentence}" for outer, files in archives.items() for sentence in files.notices]

    def open(self, name: str) -> BinaryIO:
        files, inner = self._places[name]
        return files.open(inner)


def _slashed(member: zipfile.ZipInfo) -> str:
    """Return a member's name with / between folders: some programs for Windows write \\ into a zip."""
    return member.filename.replace("\\", "/")


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _follow(links: Mapping[str, str], members: Mapping[str, str], label: str) -> tuple[dict[str, str], list[str]]:
    """Add to an archive's members the links among them: name -> the member it stands for, and what is left out."""
    member_of, dangling = dict(members), []
    for name in links:
        target = _end_of(name, links, members)
        if target is None:
            dangling.append(name)
        else:
            member_of[name] = members[target]
    notices = [f"{listed(dangling)}: a link to something that is not a file in {label}; left out"] if dangling else []
    return member_of, notices


def _end_of(name: str, links: Mapping[str, str], members: Container[str]) -> str | None:
    """Follow links within an archive to a member; None for one that leads out, nowhere, to a folder or in a circle."""
    visited: set[str] = set()
    while name in links and name not in visited:
        visited.add(name)
        name = posixpath.normpath(posixpath.join(posixpath.dirname(name), links[name]))
    return name if name in members else None


class _Bounds:
    """Limits that no honest archive exceeds: its own folder, a few GiB, some 100,000 files."""

    def __init__(self, label: str) -> None:
        self._label, self._bytes, self._files = label, 0, 0

    def check(self, name: str, size: int) -> None:
        """Count a member; DataError where its name leads out of the archive or the archive is far too large."""
        if any(ord(character) < 32 for character in name):
            raise DataError(f"{self._label}: the name {name!r} has control characters; do not trust this file")
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]):
            raise DataError(f"{self._label}: the name '{name}' leads out of the archive; do not trust this file")
        self._bytes, self._files = self._bytes + size, self._files + 1
        if self._bytes > _MOST_BYTES or self._files > MOST_FILES:
            raise DataError(
                f"{self._label}: unpacks to more than {self._bytes / 2**30:.1f} GiB in {self._files:,} files; "
                "FER2013 is far smaller, do not trust this file"
            )

    def check_all(self, members: Iterable[tuple[str, int]]) -> None:
        """Check and count all members."""
        for name, size in members:
            self.check(name, size)


# What unpacking raises where an archive is damaged: an unknown version of zip and a name that is not text among it.
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError)
_COMPRESSIONS = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}


@contextmanager
def open_files(path: Path) -> Iterator[Files | None]:
    """Open a folder, zip, tar or compressed file by its content; None where the path is a plain file."""
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
    """Open a zip, tar or compressed file from a stream that can seek; None for anything else."""
    start = stream.read(512)
    stream.seek(0)
    kind = next((kind for magic, kind in _COMPRESSIONS.items() if start.startswith(magic)), None)
    try:
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            with zipfile.ZipFile(stream) as archive:
                yield ZipFiles(archive, label)
        elif kind is not None and not _is_tar(_unpacked(stream, kind).read(512)):
            yield CompressedFile(stream, kind, label)
        elif kind is not None or _is_tar(start):
            stream.seek(0)
            unpacked = stream if kind is None else _unpacked(stream, kind)
            with tarfile.open(fileobj=unpacked, mode="r:") as tar:
                yield TarFiles(tar, label)
        else:
            yield None
    except (*_DAMAGE, OSError) as error:
        raise DataError(f"{label} is cut off or damaged ({reason(error)}); download it again") from None


@contextmanager
def open_inner(files: Files, names: Iterable[str]) -> Iterator[NestedFiles]:
    """Open archives that lie in a folder or in another archive, all at once; those that are none are left out."""
    with ExitStack() as stack:
        archives: dict[str, Files] = {}
        for name in names:
            # In an archive going back means unpacking again from its start: what lies there is read once, to memory.
            stream = files.open(name) if isinstance(files, FolderFiles) else io.BytesIO(files.read(name))
            inner = stack.enter_context(open_archive(stack.enter_context(stream), PurePosixPath(name).name))
            if inner is not None:
                archives[name] = inner
        yield NestedFiles(archives)


def _is_tar(start: bytes) -> bool:
    try:  # by its checksum, for old ones have no magic word
        tarfile.TarInfo.frombuf(start, "utf-8", "replace")
    except tarfile.TarError:
        return False
    return True


def _unpacked(stream: BinaryIO, kind: str) -> BinaryIO:
    """Return a compressed stream's content from its start."""
    stream.seek(0)
    if kind == "gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    return cast(BinaryIO, bz2.BZ2File(stream) if kind == "bz2" else lzma.LZMAFile(stream))
