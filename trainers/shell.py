"""What every command shares: one-line errors with their exit codes, and Ctrl-C without a traceback."""

import sys
from collections.abc import Callable

from fergan_core.errors import FerganError


def guarded(command: Callable[[], int | None]) -> int:
    """Run a command; a FerganError becomes one line on stderr. Exit: 0 done, 1 failed, 2 wrong use or bad input."""
    try:
        return command() or 0
    except FerganError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, less) has seen enough: not our failure, and nothing more can be written.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
