"""A writer of points: they are handed over at once, and a thread of its own writes them to the registry."""

import threading
from collections.abc import Iterable
from itertools import islice
from types import TracebackType

from fergan_core.registry import points
from fergan_core.registry.registry import Registry

WRITE_SECONDS = 1.0
BEAT_SECONDS = 10.0
# Points that wait to be written, at most: some 40 MB, and about a second's writing. Fewer make more transactions,
# each of which costs as much as writing thousands of points.
MOST_WAITING = 250_000


class PointWriter:
    """Writes a run's points in one transaction a second, and records every ten seconds that the run is alive.

    Points that come faster than that are written sooner; where MOST_WAITING of them wait, `put` blocks until there is
    room. An error of the writing thread is raised by the next `put`, `flush` or `close`, and by a `put` that blocks; a
    closed writer takes no more.
    """

    def __init__(self, registry: Registry, run_id: str) -> None:
        self._registry, self._run_id = registry, run_id
        # By column, as they are written: kept as rows they take more memory and the garbage collector visits each.
        self._columns = points.columns()
        self._waiting = 0
        self._changed = threading.Condition()
        self._writing = False
        self._closing = False
        self._hurry = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="points", daemon=True)
        self._thread.start()

    def __enter__(self) -> "PointWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, rows: Iterable[tuple[str, int, float]]) -> None:
        """Hand points (metric, step, value) over; returns at once, unless as many wait already as may."""
        source = iter(rows)
        with self._changed:
            while True:
                room = self._room()
                some = list(islice(source, room))
                points.add(self._columns, some)
                self._waiting += len(some)
                if self._due():
                    self._changed.notify_all()
                if len(some) < room:
                    return

    def _room(self) -> int:
        """Wait until another point may wait and return how many may; raise the thread's error, or that it is closed."""
        while self._waiting >= MOST_WAITING and not (self._error or self._closing):
            self._changed.wait()
        self._raise()
        if self._closing:
            raise ValueError("this PointWriter is closed; open another one for more points")
        return MOST_WAITING - self._waiting

    def flush(self) -> None:
        """Wait until all points handed over are in the registry."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._error is not None or not (self._waiting or self._writing))
            self._hurry = False
            self._raise()

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        with self._changed:
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _due(self) -> bool:
        """Tell whether to write before the second is over."""
        return self._closing or (self._hurry and self._waiting > 0) or self._waiting >= MOST_WAITING // 2

    def _work(self) -> None:
        idle = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(self._due, WRITE_SECONDS)
                columns, self._columns, self._waiting = self._columns, points.columns(), 0
                closing = self._closing
                self._writing = bool(columns)
                self._changed.notify_all()  # whoever waits for room has it now
            idle = 0.0 if columns else idle + WRITE_SECONDS
            try:
                if columns:
                    self._registry.add_columns(self._run_id, columns)
                elif idle >= BEAT_SECONDS and not closing:
                    idle = 0.0
                    self._registry.heartbeat(self._run_id)
            except Exception as error:
                # Whatever went wrong belongs to the thread that trains: it hears of it at its next call.
                with self._changed:
                    self._error = error
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                if closing:
                    return
