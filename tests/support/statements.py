"""The SQL statements that a query or a page sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the SQL statements that are sent meanwhile, but for those of threads that another test left running."""
    sent: list[str] = []
    others = set(threading.enumerate()) - {threading.current_thread()}

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if threading.current_thread() not in others:
            sent.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
