"""Ctrl-C and SIGTERM: a training ends after the step, saved."""

import signal
import sys
from types import FrameType
from typing import Any

from torch import Tensor

from fergan_core.training import engine


class Interrupt(engine.Hook):
    """Turns SIGINT and SIGTERM into an end after the step, or after the epoch's work where the step ends one."""

    def __init__(self, per_epoch: int) -> None:
        self._per_epoch = per_epoch
        self.signal = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        print("stopping after this step; once more stops at once", file=sys.stderr)
        signal.signal(number, self._before[number])

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        if self.signal and progress.step % self._per_epoch:
            raise engine.Interrupted

    def after_epoch(self, progress: engine.Progress) -> None:
        if self.signal:
            raise engine.Interrupted
