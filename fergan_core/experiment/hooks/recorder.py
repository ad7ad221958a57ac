"""The recorder: every step's scalars go to the registry as points, without making the step wait."""

import math
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from fergan_core.errors import TrainingError
from fergan_core.registry import PointWriter
from fergan_core.training.engine import Hook, Progress

_FLUSH_STEPS = 100
_FLUSH_SECONDS = 1.0

Listener = Callable[[Progress, Mapping[str, float]], None]


class Diverged(TrainingError):
    """A loss or a weight is NaN or infinite; the training stops, and its last good checkpoint is kept."""


class Recorder(Hook):
    """Keeps the scalars of up to 100 steps on the device and reads them together, at least once a second.

    Raises Diverged, naming loss and step, once a loss that is NaN or infinite has been read and recorded. `listener`
    gets the newest values after each reading.
    """

    def __init__(self, writer: PointWriter, *, batch_size: int, listener: Listener | None = None) -> None:
        self._writer = writer
        self._batch_size = batch_size
        self._listener = listener
        self._names: list[tuple[str, ...]] = []
        self._values: list[Tensor] = []
        self._seconds: list[float] = []
        self._last_step = self._last_flush = time.perf_counter()
        self._on_gpu = False

    def after_step(self, progress: Progress, scalars: dict[str, Tensor]) -> None:
        """Keep a step's scalars; read all that are kept where it is due."""
        self._names.append(tuple(scalars))
        self._values.append(torch.stack(list(scalars.values())))
        self._on_gpu = self._values[-1].is_cuda
        now = time.perf_counter()
        self._seconds.append(now - self._last_step)
        self._last_step = now
        if len(self._values) >= _FLUSH_STEPS or now - self._last_flush >= _FLUSH_SECONDS:
            self.flush(progress)

    def after_epoch(self, progress: Progress) -> None:
        """Read what is kept, so that no checkpoint is saved after a loss that is not finite."""
        self.flush(progress)

    def restart_clock(self) -> None:
        """Leave the time since the last step out of the speed: that of sheets, checkpoints, evaluations."""
        self._last_step = time.perf_counter()

    def flush(self, progress: Progress) -> None:
        """Read all scalars that are kept and pass them to the writer; Diverged where a loss is not finite."""
        if not self._values:
            return
        flat = iter(torch.cat(self._values).tolist())
        rows = [{name: next(flat) for name in names} for names in self._names]
        if self._on_gpu:
            # A step on a GPU returns before it is done: only all steps together, read above, have a true duration.
            now = time.perf_counter()
            total_seconds = sum(self._seconds) + now - self._last_step
            self._last_step = now
            self._seconds = [total_seconds / len(rows)] * len(rows)
        first = progress.step - len(rows) + 1
        points = [(name, first + i, value) for i, row in enumerate(rows) for name, value in row.items()]
        points += [
            ("images_per_second", first + i, self._batch_size / seconds) for i, seconds in enumerate(self._seconds)
        ]
        self._writer.put(points)
        self._names, self._values, self._seconds = [], [], []
        self._last_flush = time.perf_counter()
        for name, step, value in points:
            if name.startswith("loss") and not math.isfinite(value):
                raise Diverged(f"{name} became {value} at step {step}; the last good checkpoint is kept")
        if self._listener is not None:
            self._listener(progress, {name: value for row in rows for name, value in row.items()})
