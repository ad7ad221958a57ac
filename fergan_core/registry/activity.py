"""What a training does while it does not step: a small file beside the run's others, there only as long as it does so.

Not in the database: it concerns this moment alone, and a training that writes it must not wait for other writers.
"""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fergan_core.files import write_atomically

FILE_NAME = "activity.json"


@dataclass(frozen=True)
class Activity:
    """What a training does instead of stepping, such as 'scoring', and since when (seconds since 1970)."""

    doing: str
    since: float


@contextlib.contextmanager
def announce(folder: Path, doing: str) -> Iterator[None]:
    """Say in a run's folder what is being done until the end of the block.

    A disk that cannot be written is no reason to stop a training: then it is not said.
    """
    path = folder / FILE_NAME
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"doing": doing, "since": time.time()}).encode())
    try:
        yield
    finally:
        end_activity(folder)


def end_activity(folder: Path) -> None:
    """Remove what a run's folder says of an activity, also of a training that was killed in it."""
    with contextlib.suppress(OSError):
        (folder / FILE_NAME).unlink(missing_ok=True)


def read_activity(folder: Path) -> Activity | None:
    """Return what a run's folder says of an activity; None where it says nothing, or nothing that can be read."""
    try:
        plain = json.loads((folder / FILE_NAME).read_bytes())
        return Activity(str(plain["doing"]), float(plain["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
