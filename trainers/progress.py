"""Progress on stderr, of training and of drawing faces: a live bar in a terminal, a line every 30 s in a log."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from fergan_core.training.engine import Progress as Position

_LOG_SECONDS = 30.0


class TrainingBar:
    """Shows steps, epoch, speed and losses; called with the newest values about once a second."""

    def __init__(self, steps: int, epochs: int, batch_size: int) -> None:
        self._steps, self._epochs, self._batch_size = steps, epochs, batch_size
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=steps, epoch=f"1/{epochs}", values="")
        self._last = (time.monotonic(), -1)
        self._logged = 0.0

    def __enter__(self) -> "TrainingBar":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, position: Position, values: Mapping[str, float]) -> None:
        """Update the bar to a position with the newest losses."""
        now = time.monotonic()
        before, step = self._last
        speed = (position.step - step) * self._batch_size / max(now - before, 1e-9) if step >= 0 else float("nan")
        self._last = (now, position.step)
        epoch = f"{min(position.epoch + 1, self._epochs)}/{self._epochs}"
        text = f"{speed:,.0f} images/s  " if speed == speed else ""
        text += "  ".join(f"{name} {value:.3f}" for name, value in values.items() if name.startswith("loss"))
        self._bar.update(self._task, completed=position.step, epoch=epoch, values=text)
        if not self._console.is_terminal and now - self._logged >= _LOG_SECONDS:
            self._logged = now
            print(f"epoch {epoch}  step {position.step}/{self._steps}  {text}", file=sys.stderr, flush=True)


class DrawingBar:
    """Shows how many faces are drawn, or how much of something else is done; in a terminal only while it goes on."""

    def __init__(self, what: str = "drawing faces") -> None:
        self._what, self._console = what, Console(stderr=True)
        self._bar = Progress(
            TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn(),
            console=self._console, disable=not self._console.is_terminal, transient=True,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._logged = time.monotonic()

    def __enter__(self) -> "DrawingBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, done: int, of: int) -> None:
        """Update: `done` of `of` faces are drawn."""
        now = time.monotonic()
        if not self._console.is_terminal:
            if now - self._logged >= _LOG_SECONDS:
                self._logged = now
                print(f"{self._what}: {done:,} of {of:,}", file=sys.stderr, flush=True)
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("", total=of)
        self._bar.update(self._task, completed=done, total=of)
        if done == of:
            self._bar.stop()
            self._bar.remove_task(self._task)
            self._task = None
