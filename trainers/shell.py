"""What all commands share: one-line errors with their exit codes, and Ctrl-C without a traceback."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fergan_core.errors import FerganError


def guarded(command: Callable[[], int | None]) -> int:
    """Run a command; a FerganError becomes one line on stderr. Exit: 0 done, 1 failed, 2 wrong use or bad input.

    Ctrl-C and SIGTERM end it with 130 and a line: the KeyboardInterrupt's own text, or 'stopped'.
    """
    try:
        with _ended_as_by_ctrl_c():
            return command() or 0
    except FerganError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, less) has closed it: not a failure, but nothing more can be written.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt as stop:
        print(str(stop) or "stopped", file=sys.stderr)
        return 130


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, so that it too cleans up what is half written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
