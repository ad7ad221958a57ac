"""Opening a registry for writing: made where there is none, or brought up to date; other databases are refused."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from fergan_core.errors import RegistryError
from fergan_core.files import LOGS, atomic_write
from fergan_core.registry import literature, migrate, ours
from fergan_core.registry.connect import WriteLock, reading_engine, sqlite_path, writing_engine
from fergan_core.registry.faults import readable_errors
from fergan_core.registry.schema import ChangeRow


def open_for_writing(url: str) -> Engine:
    """Return an engine on a registry of the newest schema.

    Raises NewerSchema where a newer FerGAN wrote it, Damaged or RegistryError where it cannot be opened or another
    program's tables are there; that database is then left as it was, to the byte.
    """
    path = sqlite_path(url)
    engine = writing_engine(url)
    with readable_errors(url, "opened"):
        if path is not None and ours.check(path):
            # A writing connection changes the file's mode before anything else: what must not be written is read first.
            with reading_engine(url).connect() as connection:
                migrate.check(connection)
        with WriteLock(url).held(opening=True):
            if path is not None and not ours.check(path):
                make(path)
            with engine.begin() as connection:
                _bring_up(connection)
    return engine


def make(path: Path) -> None:
    """Make an empty registry under a temporary name and rename it: a reader sees all of it or nothing."""
    with atomic_write(path) as temporary:
        engine = writing_engine(f"sqlite:///{temporary}")
        with engine.begin() as connection:
            _bring_up(connection)
        engine.dispose()
        # SQLite takes a log that lies beside a database for its own, whichever it was of.
        for suffix in LOGS:
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _bring_up(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        others = migrate.tables(connection)
        if others and migrate.current(connection) is None:
            raise RegistryError(
                f"--registry: the database has tables of another program, such as '{min(others)}', and none of ours; "
                "make a database or a schema of its own for the registry"
            )
    if migrate.upgrade(connection):
        connection.execute(sa.insert(ChangeRow).values(key=1, writes=1))
        literature.insert(connection)
    if connection.dialect.name == "sqlite":
        mark = connection.exec_driver_sql("PRAGMA application_id").scalar()
        if mark != ours.APPLICATION_ID:
            connection.exec_driver_sql(f"PRAGMA application_id = {ours.APPLICATION_ID}")
