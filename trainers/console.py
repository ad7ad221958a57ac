"""Printing on stdout: tables that are never cut off, and times with their zone."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# In a pipe or a file lines are not wrapped.
_UNBOUND = 100_000


def console() -> "Console":
    """Return the console for stdout: a terminal's own width and colours; elsewhere full width and plain text."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console()
    return Console(width=_UNBOUND, force_terminal=False, color_system=None)


def print_table(table: "Table", to: "Console | None" = None) -> None:
    """Print a table; in a narrow terminal cells wrap onto further lines instead of being cut off."""
    for column in table.columns:
        column.overflow = "fold"
    (to or console()).print(table)


def when(seconds: float) -> str:
    """Format a time of the registry, in seconds since 1970, as local time with its zone: 2026-11-28 02:14+01:00."""
    try:
        local = datetime.fromtimestamp(seconds).astimezone()
    except (OverflowError, OSError, ValueError):
        return "unknown"
    if not local.utcoffset():
        return f"{local:%Y-%m-%d %H:%M} UTC"
    return local.isoformat(" ", "minutes")
