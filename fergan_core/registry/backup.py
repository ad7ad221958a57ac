"""Backups: a folder with a copy of the database for each backup, and every file once, under its SHA-256.

    TARGET/fergan-backup.json       says that the folder is one of ours
    TARGET/20261128T031500Z.db      the registry as it stood then, one file
    TARGET/files/ab/abcd...         a recorded file's content

A later backup adds what is new. Nothing of an earlier one is changed: what no copy names any more is removed, once its
copy was deleted by hand. Each file is written under a temporary name, synced and renamed; the database comes last.
"""

import hashlib
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from fergan_core.errors import RegistryError
from fergan_core.files import atomic_write, sync, working_folder
from fergan_core.registry import ours
from fergan_core.registry.connect import WriteLock, file_within, full_url, sqlite_path
from fergan_core.registry.faults import readable_errors
from fergan_core.registry.queries import Reader
from fergan_core.registry.verify import all_recorded, check_database, runs_in_training

_MARK, _FORMAT, _FILES = "fergan-backup.json", "fergan-backup-1", "files"
_TRIES = 5
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Result:
    """What was copied: the database, files in all and those that were new, their bytes, and paths that are lost."""

    database: Path
    files: int
    copied: int
    bytes: int
    lost: list[str] = field(default_factory=list)
    aside: Path | None = None


def backup(url: str | None, target: Path) -> Result:
    """Add a consistent copy of a registry and its files to the folder `target`; trainings may write meanwhile.

    A recorded file that is missing or changed is named in `lost`, and all else is copied. Raises RegistryError where
    the registry is not in SQLite or damaged, or where `target` is another folder or cannot be written.
    """
    reader = Reader(url)
    origin = _sqlite(reader, "backed up by pg_dump, and its files by any copy")
    target = target.expanduser().absolute()
    if target.resolve().is_relative_to(reader.files.resolve()):
        raise RegistryError(f"'{target}' lies within the registry's own files; choose a folder elsewhere")
    with _writes(target), _claimed(target):
        database = free_name(target, "{}.db")
        with atomic_write(database) as temporary:
            size_of: dict[str, int] = {}
            copied, before = 0, [""]
            for _ in range(_TRIES):
                temporary.unlink(missing_ok=True)
                _snapshot(origin, temporary)
                named = _named(temporary)
                for path, sha256 in named.items():
                    if sha256 in size_of:
                        continue
                    new = _store_object(file_within(reader.files, path), target, sha256)
                    if new is not None:
                        size_of[sha256] = _object_path(target, sha256).stat().st_size
                        copied += new
                lost = [path for path, sha256 in named.items() if sha256 not in size_of]
                # A resumed run deletes what it recorded after its last checkpoint: a newer copy then names less.
                if lost in ([], before):
                    break
                before = lost
        _prune(target)
    return Result(database, len(named), copied, database.stat().st_size + sum(size_of.values()), lost)


def restore(source: Path, url: str | None) -> Result:
    """Bring a backup back as the registry `url`: the newest in the folder `source`, or the copy that it names.

    All hashes are checked before anything is put in place; files that the backup lacks are named in `lost`. A registry
    that is there is moved aside. Raises RegistryError where it is in use or not ours, or `source` is not a backup.
    """
    target = sqlite_path(full_url(url))
    if target is None:
        raise RegistryError("a PostgreSQL registry is restored by pg_restore; give the path of an SQLite file")
    source = source.expanduser().absolute()
    database = _newest(source) if source.is_dir() else source
    folder = database.parent
    if not database.is_file() or not _is_backup(folder):
        raise RegistryError(
            f"'{source}' is not a backup; give a folder that `fergan backup` wrote, or one of its .db files"
        )
    reader = Reader(str(database))
    faults = check_database(reader)
    if faults:
        raise RegistryError(f"the backup '{database}' is damaged ({faults[0]}); give an earlier one of its folder")
    with reader.connection() as connection:
        named = all_recorded(connection)
    _refuse_use(target)
    with _writes(target), WriteLock(full_url(str(target))).held(opening=True), working_folder(target) as staged:
        lost, size = _stage(database, named, staged)
        aside = _swap(staged, target)
    return Result(target, len(named), len(named) - len(lost), size, lost, aside)


def put_aside(target: Path, word: str) -> Path | None:
    """Rename a registry's database and files to names beside them; return the database's, None where none was there."""
    aside = free_name(target.parent, f"{target.stem}.{word}-{{}}{target.suffix}")
    files = target.with_suffix(".files")
    if files.exists():
        files.rename(aside.with_suffix(".files"))
    for suffix in ("-wal", "-journal"):
        log = target.with_name(target.name + suffix)
        if log.exists():
            log.rename(aside.with_name(aside.name + suffix))
    target.with_name(f"{target.name}-shm").unlink(missing_ok=True)
    if not target.exists():
        return None
    target.rename(aside)
    return aside


def _sqlite(reader: Reader, otherwise: str) -> Path:
    path = sqlite_path(reader.url)
    if path is None:
        raise RegistryError(f"a PostgreSQL registry is {otherwise} ('{reader.files}')")
    if not reader.exists:
        raise RegistryError(f"--registry: there is no registry at '{path}'")
    return path


def free_name(folder: Path, pattern: str) -> Path:
    """Return a path named after the current second that does not exist yet, waiting for a later one where it does."""
    while (path := folder / pattern.format(datetime.now(UTC).strftime(_STAMP))).exists():
        time.sleep(0.1)
    return path


@contextmanager
def _writes(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RegistryError(f"'{target}' cannot be written ({error.strerror}); nothing there was changed") from None


def _is_backup(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / _MARK).read_text("utf-8"))["format"] == _FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


@contextmanager
def _claimed(target: Path) -> Iterator[None]:
    """Make the folder where it is new, refuse one that is not a backup, and keep a second backup waiting."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        (target / _FILES).mkdir(parents=True)
        (target / _MARK).write_text(json.dumps({"format": _FORMAT}) + "\n", "utf-8")
    if not _is_backup(target):
        raise RegistryError(f"'{target}' holds something else than backups; name a new or an empty folder")
    try:
        with FileLock(target / ".lock", timeout=0):
            yield
    except Timeout:
        raise RegistryError(f"another backup writes to '{target}'; wait for its end") from None


def _snapshot(origin: Path, copy_path: Path) -> None:
    """Copy a database in one read transaction, which keeps no writer waiting, and check the copy."""
    with readable_errors(f"sqlite:///{origin}", "read"):
        with closing(sqlite3.connect(f"file:{quote(str(origin))}?mode=ro", uri=True, timeout=30)) as source:
            source.execute("VACUUM INTO ?", (str(copy_path),))
        with closing(sqlite3.connect(copy_path)) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise RegistryError(f"'{origin}' is damaged ({str(verdict).splitlines()[0]}); {ours.WAYS_BACK}")


def _named(database: Path) -> dict[str, str]:
    with Reader(str(database)).connection() as connection:
        return all_recorded(connection)


def _object_path(target: Path, sha256: str) -> Path:
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise RegistryError(
            f"'{sha256}' is recorded as a file's SHA-256 and is not one; `fergan runs verify` tells more"
        )
    return target / _FILES / sha256[:2] / sha256


def _store_object(file: Path, target: Path, sha256: str) -> bool | None:
    """Copy a file under its hash, unless it is there whole; tell whether it was new, None where it is not that file."""
    place = _object_path(target, sha256)
    if place.is_file() and _sha256(place) == sha256:
        return False
    return True if _copy(file, place, sha256) else None


class _Changed(Exception):
    """A file is not the one that was recorded."""


def _copy(file: Path, place: Path, sha256: str) -> bool:
    """Copy a file whole and synced, or not at all; tell whether it had the hash."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        source = file.open("rb")
    except FileNotFoundError:
        return False
    digest = hashlib.sha256()
    try:
        with source, atomic_write(place) as temporary:
            with temporary.open("wb") as sink:
                while chunk := source.read(1 << 20):
                    digest.update(chunk)
                    sink.write(chunk)
            if digest.hexdigest() != sha256:
                raise _Changed
    except _Changed:
        return False
    return True


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _prune(target: Path) -> None:
    """Remove the files that no copy of a database names any more, and what a killed backup left half written."""
    named: set[str] = set()
    for database in target.glob("*.db"):
        try:
            named |= set(_named(database).values())
        except RegistryError:
            return  # one that cannot be read may name any of them
    for file in (target / _FILES).rglob("*"):
        if file.is_file() and file.name not in named:
            file.unlink()
    for half in target.glob(".*.db.*.tmp*"):
        half.unlink()


def _newest(folder: Path) -> Path:
    return max(folder.glob("*.db"), default=folder / "none.db")


def _refuse_use(target: Path) -> None:
    """Raise RegistryError where something else than a registry is in the place, or a run is being trained in it."""
    kind = ours.kind_of(target)
    if kind in (ours.Kind.FOLDER, ours.Kind.FOREIGN):
        ours.check(target)
    if not target.parent.is_dir():
        raise RegistryError(f"--registry: there is no folder '{target.parent}'; make it first")
    if kind is not ours.Kind.OURS:
        return
    try:
        with Reader(str(target)).connection() as connection:
            alive = runs_in_training(connection)
    except RegistryError:
        return  # damaged: it is moved aside
    if alive:
        raise RegistryError(f"--registry: run {min(alive)} is being trained in '{target}'; end it first")


def _stage(database: Path, named: dict[str, str], staged: Path) -> tuple[list[str], int]:
    """Write the database and its files below the folder `staged`, each checked; return what is lost, and the size."""
    files = staged / "new.files"
    files.mkdir(parents=True)
    shutil.copyfile(database, staged / "new.db")
    sync(staged / "new.db")
    size = database.stat().st_size
    lost = []
    for path, sha256 in named.items():
        place = file_within(files, path)
        if _copy(_object_path(database.parent, sha256), place, sha256):
            size += place.stat().st_size
        else:
            lost.append(path)
    return lost, size


def _swap(staged: Path, target: Path) -> Path | None:
    aside = put_aside(target, "before-restore")
    (staged / "new.files").rename(target.with_suffix(".files"))
    (staged / "new.db").rename(target)
    sync(target.parent)
    return aside
