"""Ctrl-C and SIGTERM: a training is saved and ends after the current step, a scoring at once."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from torch import Tensor

from fergan_core.training import engine


class Interrupt(engine.Hook):
    """On SIGINT or SIGTERM ends the training after the step, or, at an epoch's last step, after its checkpoint; within
    `at_once` it raises Interrupted where the training is."""

    def __init__(self, steps_per_epoch: int) -> None:
        self._steps_per_epoch = steps_per_epoch
        self.signal = 0
        self._at_once = False
        self._earlier_handlers: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._earlier_handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier_handlers.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal end the block where it is; one that came before it raises Interrupted at its beginning."""
        if self.signal:
            raise engine.Interrupted
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        signal.signal(number, self._earlier_handlers[number])
        if self._at_once:
            print("stopping; --resume makes up for the scores", file=sys.stderr)
            raise engine.Interrupted
        print("stopping after this step; interrupt again to stop at once", file=sys.stderr)

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        if self.signal and progress.step % self._steps_per_epoch:
            raise engine.Interrupted

    def after_epoch(self, progress: engine.Progress) -> None:
        if self.signal:
            raise engine.Interrupted
