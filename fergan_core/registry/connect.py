"""Connections: where the registry is, how SQLite is opened for writing and for reading alone, and the write lock."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.pool import NullPool

from fergan_core.errors import RegistryError

_BUSY_SECONDS = 30


def default_url() -> str:
    """Return FERGAN_REGISTRY, or runs.db at the project's top level (here, where this is installed elsewhere)."""
    named = os.environ.get("FERGAN_REGISTRY")
    if named:
        return full_url(named)
    top = Path(__file__).resolve().parents[2]
    return full_url(str((top if (top / "pyproject.toml").exists() else Path.cwd()) / "runs.db"))


def full_url(url: str | None) -> str:
    """Turn a path or a database URL into a database URL; SQLite paths become absolute."""
    if url is None:
        return default_url()
    if "://" not in url:
        return f"sqlite:///{Path(url).expanduser().absolute()}"
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        raise RegistryError(f"--registry: '{url}' is not a database URL; give a path such as runs.db") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database and not parsed.database.startswith(":"):
        return f"sqlite:///{Path(parsed.database).absolute()}"
    return url


def sqlite_path(url: str) -> Path | None:
    """Return the file of an SQLite URL, None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def files_folder(url: str) -> Path:
    """Return where a registry's files lie: beside the SQLite file, or FERGAN_FILES for another database."""
    path = sqlite_path(url)
    if path is not None:
        return path.with_suffix(".files")
    return Path(os.environ.get("FERGAN_FILES", "runs.files")).absolute()


def file_within(files: Path, path: str) -> Path:
    """Return where a recorded file lies; RegistryError where its name, or a link, leads out of the folder `files`."""
    parts = PurePosixPath(path)
    target = files / parts
    inside = parts.parts and not parts.is_absolute() and ".." not in parts.parts
    if not inside or not target.resolve().is_relative_to(files.resolve()):
        raise RegistryError(f"the recorded path '{path}' leads out of the registry's folder; do not trust it")
    return target


def wal_reset_bug(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Tell whether this SQLite can lose commits when two connections checkpoint the WAL at once.

    Versions 3.7.0 to 3.51.2 but for 3.50.7 and up and 3.44.6 and up (sqlite.org/wal.html#walresetbug).
    """
    if version >= (3, 51, 3) or version < (3, 7, 0):
        return False
    return not ((3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0))


def writing_engine(url: str) -> Engine:
    """Open a database for writing. A connection lives for one transaction: closing, too, is under the write lock."""
    path = sqlite_path(url)
    if path is None:
        return sa.create_engine(url, pool_pre_ping=True)
    if not path.parent.is_dir():
        raise RegistryError(f"--registry: there is no folder '{path.parent}'; make it first")
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not when the driver thinks fit
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        checked = connection.get_execution_options().get("foreign_keys", True)
        connection.exec_driver_sql(f"PRAGMA foreign_keys={'ON' if checked else 'OFF'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reading_engine(url: str) -> Engine:
    """Open a database for reading alone: SQLite itself refuses every write."""
    path = sqlite_path(url)
    if path is None:
        return sa.create_engine(url, pool_pre_ping=True, execution_options={"postgresql_readonly": True})
    return _reading_engine(path)


@lru_cache(maxsize=16)
def _reading_engine(path: Path) -> Engine:
    """Return an engine on an SQLite file, made once: it keeps no connection, and to make one takes milliseconds."""
    address = f"file:{quote(str(path))}?mode=ro"

    def _connect() -> sqlite3.Connection:
        connection = _open(address)
        try:
            connection.execute("PRAGMA schema_version")
        except sqlite3.OperationalError as error:
            connection.close()
            codes = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
            log = path.with_name(f"{path.name}-wal")
            if error.sqlite_errorcode & 0xFF not in codes or (log.exists() and log.stat().st_size):
                raise
            # A database in WAL mode wants its -shm file even for reading. Where the folder, or a full disk, takes none
            # and there is nothing in its WAL, nobody is writing: the file can be read as it is.
            connection = _open(f"{address}&immutable=1")
        return connection

    return sa.create_engine("sqlite://", creator=_connect, poolclass=NullPool, json_deserializer=_json)


def _json(text: str) -> Any:
    """Read a JSON column; text that is not JSON stays text, so that only its own row counts as damaged."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _open(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
    # Bytes that are not UTF-8 are a row's fault and must not hide the others.
    connection.text_factory = lambda content: content.decode("utf-8", "surrogateescape")
    return connection


class WriteLock:
    """One writer at a time among all processes, where this SQLite needs it."""

    def __init__(self, url: str) -> None:
        self._path = sqlite_path(url)

    @contextmanager
    def held(self, *, opening: bool = False) -> Iterator[None]:
        """Hold the lock; RegistryError where another process keeps it for a minute, or it cannot be made.

        `opening` takes it with every SQLite: the change to WAL mode does not wait for another process's.
        """
        if self._path is None or not (opening or wal_reset_bug()):
            yield
            return
        lock = FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=60)
        try:
            lock.acquire()
        except TimeoutError:
            raise RegistryError(f"'{self._path}' is held by another process for a minute; end that one first") from None
        except OSError as error:
            raise RegistryError(
                f"'{self._path}' cannot be written ({error.strerror}); copy it to a folder of yours"
            ) from None
        try:
            yield
        finally:
            lock.release()


def inserted_key(result: sa.CursorResult[Any]) -> int:
    """Return the key that the database gave to an inserted row."""
    keys = result.inserted_primary_key
    assert keys is not None  # every table here has a primary key
    return int(keys[0])
