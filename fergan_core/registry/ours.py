"""What lies at a registry's path: a registry, something else, or nothing. Looking changes no byte of it.

A registry has our number in its header (SQLite's application_id, at byte 68); an older one without it is known by its
version table.
"""

import shutil
import sqlite3
import tempfile
from enum import Enum
from pathlib import Path
from urllib.parse import quote

from fergan_core.errors import Damaged, RegistryError
from fergan_core.registry.schema import VERSION_TABLE

APPLICATION_ID = int.from_bytes(b"FerG", "big")
WAYS_BACK = "`fergan runs verify --repair` saves what can be read, `fergan restore` brings a backup back"
_MAGIC = b"SQLite format 3\0"


class Kind(Enum):
    """What lies at a registry's path."""

    ABSENT = "absent"
    FOLDER = "a folder"
    EMPTY = "an empty file"
    FILE = "a file that is not a database"
    FOREIGN = "another program's database"
    UNREADABLE = "a database whose list of tables cannot be read"
    OURS = "a registry"


def kind_of(path: Path) -> Kind:
    """Tell what lies at `path`; RegistryError where it may not be read."""
    if not path.exists():
        return Kind.ABSENT
    if path.is_dir():
        return Kind.FOLDER
    try:
        with path.open("rb") as handle:
            header = handle.read(100)
    except OSError as error:
        raise RegistryError(f"--registry: '{path}' cannot be opened ({error.strerror}); check its rights") from None
    if not header:
        return Kind.EMPTY
    if not header.startswith(_MAGIC):
        return Kind.FILE
    if header[68:72] == APPLICATION_ID.to_bytes(4, "big"):
        return Kind.OURS
    try:
        tables = _tables(path)
    except sqlite3.DatabaseError:
        return Kind.UNREADABLE
    return Kind.OURS if VERSION_TABLE in tables else Kind.FOREIGN


def check(path: Path) -> bool:
    """Tell whether a registry lies at `path`; RegistryError where something else does, Damaged where it is garbled."""
    kind = kind_of(path)
    if kind in (Kind.ABSENT, Kind.OURS):
        return kind is Kind.OURS
    if kind is Kind.UNREADABLE:
        raise Damaged(f"--registry: '{path}' cannot be opened, its list of tables is damaged; {WAYS_BACK}")
    if kind is Kind.FILE:
        raise Damaged(
            f"--registry: '{path}' cannot be opened, it is not a database; name another file, or, if it was a "
            f"registry: {WAYS_BACK}"
        )
    advice = {
        Kind.FOLDER: "name a file in it, such as runs.db",
        Kind.EMPTY: "delete it to begin a registry there, or bring a backup back by `fergan restore`",
        Kind.FOREIGN: "it is left as it is; name another file",
    }
    raise RegistryError(f"--registry: '{path}' cannot be a registry, it is {kind.value}; {advice[kind]}")


def _tables(path: Path) -> set[str]:
    """Return the names of a database's tables. Nothing is written beside it, not even what SQLite itself would."""
    names = _names(path)
    log = path.with_name(f"{path.name}-wal")
    if names or not log.exists():
        return names
    # All its tables are still in its log, which only a connection that may write can read: it gets a copy.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name("copy.db-wal"))
        return _names(copy, "rw")


def _names(path: Path, mode: str = "ro&immutable=1") -> set[str]:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True)
    try:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()
