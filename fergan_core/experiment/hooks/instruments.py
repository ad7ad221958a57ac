"""Instruments: every `watch_every` steps the learner is measured, and memory and GPU use with it."""

import math
import resource
import sys

import pynvml
import torch
from torch import Tensor

from fergan_core.methods.protocols import Instrumented
from fergan_core.training.engine import Hook, Progress, to_float

FACES = 128  # of each part that the learner is measured on


class InstrumentHook(Hook):
    """Adds a learner's measurements to the scalars of every `every_steps`-th step; must come before the recorder.

    `train` and `held_out` are images uint8 [N,48,48] with codes int64 [N] on the training device; the first FACES of
    each are used. Memory is the process's peak so far, in MiB; on a GPU also the peak of its tensors, and the GPU's
    utilisation over the last second or less (NaN where the driver does not report it).
    """

    def __init__(
        self, learner: Instrumented, train: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor], every_steps: int
    ) -> None:
        self._learner, self._every_steps = learner, every_steps
        self._train, self._held_out = ((to_float(faces[:FACES]), codes[:FACES]) for faces, codes in (train, held_out))

    def after_step(self, progress: Progress, scalars: dict[str, Tensor]) -> None:
        """Measure where it is due."""
        if progress.step % self._every_steps:
            return
        device = self._train[0].device
        scalars |= self._learner.measure(self._train, self._held_out)
        scalars["memory_mib"] = torch.tensor(_peak_mib(), device=device)
        if device.type == "cuda":
            scalars["gpu_memory_mib"] = torch.tensor(torch.cuda.max_memory_allocated() / 2**20, device=device)
            scalars["gpu_use"] = torch.tensor(gpu_use(), device=device)


def gpu_use() -> float:
    """Return the GPU's recent utilisation, 0 to 1; NaN where no driver reports it."""
    try:
        return torch.cuda.utilization() / 100
    except (RuntimeError, pynvml.NVMLError):  # no driver, or a MIG slice, which has no figure of its own
        return math.nan


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
