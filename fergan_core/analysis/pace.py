"""How a run's steps turn into epochs, images seen and seconds of training, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Unit = Literal["step", "epoch", "images", "seconds"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pace:
    """A run's steps an epoch, images a step (NaN where unknown), and the seconds that it had trained by some steps.

    Seconds are of training steps alone, without evaluations. They are interpolated between the known steps and go on
    at the mean speed past the last one; where none is known they are NaN.
    """

    steps_per_epoch: float
    images_per_step: float
    steps: Floats
    seconds: Floats

    def at(self, unit: Unit, steps: ArrayLike) -> Floats:
        """Return what had been reached at these steps, in a unit."""
        steps = np.asarray(steps, dtype=float)
        if unit == "seconds":
            known_steps, known_seconds = self._clock()
            return np.asarray(np.interp(steps, known_steps, known_seconds))
        return np.asarray(steps * self._of_a_step(unit))

    def step(self, unit: Unit, reached: float) -> float:
        """Return the step at which so much of a unit had been reached; NaN where that is unknown."""
        if unit == "seconds":
            known_steps, known_seconds = self._clock()
            return float(np.interp(reached, known_seconds, known_steps)) if len(self.steps) else np.nan
        return reached / self._of_a_step(unit)

    def _of_a_step(self, unit: Unit) -> float:
        return {"step": 1.0, "epoch": 1 / self.steps_per_epoch}.get(unit, self.images_per_step)

    def _clock(self) -> tuple[Floats, Floats]:
        """Return steps and seconds from 0 to far past the last step."""
        if not len(self.steps):
            return np.array([0.0]), np.array([np.nan])
        far = 1e6
        return (
            np.concatenate([[0.0], self.steps, self.steps[-1:] * far]),
            np.concatenate([[0.0], self.seconds, self.seconds[-1:] * far]),
        )


def seconds_by_step(speeds: pd.DataFrame, batch_size: float) -> Floats:
    """Return the seconds that a run had trained by each of its speeds' steps.

    `speeds` are one run's points of images per second in order: step (a stretch's last) and mean. A fork's first speed
    stands in for its parent's.
    """
    spans = np.diff(speeds["step"].to_numpy(dtype=float), prepend=0.0)
    return np.asarray(np.cumsum(spans * batch_size / speeds["mean"].to_numpy(dtype=float)))


def paces(
    runs: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]], speeds: pd.DataFrame | None = None
) -> dict[str, Pace]:
    """Return each run's pace by id.

    `runs` has columns id, steps and epochs, the planned ones; `speeds` are the runs' points of images per second, by
    which alone seconds are known.
    """
    by_run = dict(iter(speeds.dropna(subset=["mean"]).groupby("run_id"))) if speeds is not None else {}
    found = {}
    for run_id, steps, epochs in runs[["id", "steps", "epochs"]].itertuples(index=False):
        batch_size = float(recipes.get(run_id, {}).get("batch_size", np.nan))
        of_run = by_run.get(run_id)
        clock = (np.empty(0), np.empty(0))
        if of_run is not None:
            clock = (of_run["step"].to_numpy(dtype=float), seconds_by_step(of_run, batch_size))
        found[str(run_id)] = Pace(max(1.0, steps / max(1, epochs)), batch_size, *clock)
    return found


def duration(seconds: float) -> str:
    """Write a duration in its largest unit, or two: '40 s', '12 min', '3 h 20 min', '2 d 4 h'."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
