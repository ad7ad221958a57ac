"""A database's errors as one sentence with what to do: disk full, locked, not permitted, damaged."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from fergan_core.errors import Damaged, RegistryError
from fergan_core.registry.connect import sqlite_path
from fergan_core.registry.ours import WAYS_BACK

# Errors of the disk, of permissions or of another process: what is recorded is as it was.
_FROM_OUTSIDE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
_KINDS: tuple[tuple[type[Any], frozenset[type]], ...] = (
    (sa.Boolean, frozenset({bool})),
    (sa.Integer, frozenset({int})),
    (sa.Float, frozenset({int, float})),
    (sa.String, frozenset({str})),
    (sa.JSON, frozenset({dict, list})),
)


@contextmanager
def readable_errors(url: str, doing: str) -> Iterator[None]:
    """Turn a database's errors into RegistryError, or into Damaged where a row or page is garbled.

    `doing` says what failed: read, written, opened.
    """
    where = sqlite_path(url) or sa.engine.make_url(url).render_as_string(hide_password=True)
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        reason = (str(cause).strip().splitlines() or ["no reason given"])[0]
        code = getattr(cause, "sqlite_errorcode", None)
        if not isinstance(cause, sqlite3.Error) or (code is not None and code & 0xFF in _FROM_OUTSIDE):
            raise RegistryError(
                f"--registry: '{where}' cannot be {doing} ({reason}); check its disk, its rights and who else uses it"
            ) from error
        raise Damaged(f"--registry: '{where}' is damaged and cannot be {doing} ({reason}); {WAYS_BACK}") from error
    except (UnicodeDecodeError, ValueError, TypeError) as error:
        if doing != "read":
            raise  # of a value that was to be written, and the caller's own mistake
        raise Damaged(f"--registry: '{where}' is damaged, a row cannot be read ({error}); {WAYS_BACK}") from error


def kinds_of(column: Any) -> frozenset[type]:
    """Return the types that a column's values may have; empty for an expression, whose type is not known."""
    allowed: frozenset[type] = next((kinds for kind, kinds in _KINDS if isinstance(column.type, kind)), frozenset())
    return allowed | {type(None)} if allowed and getattr(column, "nullable", True) else allowed


def is_text(value: str) -> bool:
    """Tell whether text was UTF-8 in the database: a reading connection marks bytes that are not as surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_kinds(rows: Sequence[Sequence[Any]], columns: Sequence[Any]) -> None:
    """Raise TypeError where a value is not of its column's type: SQLite itself takes any value in any column."""
    for position, column in enumerate(columns):
        allowed = kinds_of(column)
        odd = {type(row[position]) for row in rows} - allowed
        if allowed and odd:
            raise TypeError(f"'{column.key}' holds {' and '.join(sorted(kind.__name__ for kind in odd))}")
        if str in allowed and not all(is_text(row[position]) for row in rows if row[position] is not None):
            raise TypeError(f"'{column.key}' holds bytes that are not UTF-8")
