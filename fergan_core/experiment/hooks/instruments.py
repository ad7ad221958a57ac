"""Instruments in training: every so many steps a learner is measured, and the machine with it."""

import math
import resource
import sys

import pynvml
import torch
from torch import Tensor

from fergan_core.methods.protocols import Instrumented
from fergan_core.training.engine import Hook, Progress, to_float

FACES = 128  # of either part that the learner is measured on


class InstrumentHook(Hook):
    """Adds a learner's measurements to the scalars of every `every`-th step; to stand before the recorder.

    `train` and `held_out` are images uint8 [N,48,48] with codes int64 [N] on the training device; the first FACES of
    each are looked at. Memory is the process's highest so far, in MiB; on a GPU the highest that tensors took too, and
    the share of the last second or less in which the GPU was at work (NaN where its driver does not tell).
    """

    def __init__(
        self, learner: Instrumented, train: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor], every: int
    ) -> None:
        self._learner, self._every = learner, every
        self._train, self._held_out = ((to_float(faces[:FACES]), codes[:FACES]) for faces, codes in (train, held_out))

    def after_step(self, progress: Progress, scalars: dict[str, Tensor]) -> None:
        """Measure, where it is time."""
        if progress.step % self._every:
            return
        device = self._train[0].device
        scalars |= self._learner.measure(self._train, self._held_out)
        scalars["memory_mib"] = torch.tensor(_peak_mib(), device=device)
        if device.type == "cuda":
            scalars["gpu_memory_mib"] = torch.tensor(torch.cuda.max_memory_allocated() / 2**20, device=device)
            scalars["gpu_use"] = torch.tensor(gpu_use(), device=device)


def gpu_use() -> float:
    """Return the share of time, 0 to 1, that the GPU was at work of late; NaN where no driver tells."""
    try:
        return torch.cuda.utilization() / 100
    except (RuntimeError, pynvml.NVMLError):  # no driver; or a part of a GPU, of which none is kept
        return math.nan


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
