"""A run's history, as detectors read it, and the findings that they make of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Severity = Literal["info", "warning", "alarm"]


@dataclass(frozen=True)
class Finding:
    """An event in a training: the step at which it began, its severity, a sentence, and the numbers behind it."""

    kind: str
    step: int
    severity: Severity
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


class RunHistory:
    """A run's scalars as series over its steps, and its scores.

    `points` has columns metric, step, low, high, mean, nans, one row per stretch of steps, as the registry's reader
    returns them; `scores` has columns metric, emotion, step, epoch, value, low, high, real. A step takes `batch_size`
    images.
    """

    def __init__(self, points: pd.DataFrame, scores: pd.DataFrame, *, batch_size: int, steps_per_epoch: int) -> None:
        self.scores, self.batch_size, self.steps_per_epoch = scores, batch_size, steps_per_epoch
        self._of_metric = {str(name): group.sort_values("step") for name, group in points.groupby("metric")}

    @property
    def metrics(self) -> list[str]:
        """The names of the recorded scalars."""
        return list(self._of_metric)

    def epoch(self, step: int) -> int:
        """Return the epoch in which a step lies, counted from 1."""
        return (step - 1) // self.steps_per_epoch + 1

    def images(self, step: int) -> int:
        """Return the number of images seen by the end of a step."""
        return step * self.batch_size

    def steps(self, images: int) -> int:
        """Return the number of steps that so many images take, at least 1."""
        return max(1, round(images / self.batch_size))

    def series(self, metric: str) -> pd.Series:
        """Return a scalar's means by step, without NaN; empty where it was not recorded."""
        if metric not in self._of_metric:
            return pd.Series(dtype=float)
        rows = self._of_metric[metric]
        return pd.Series(rows["mean"].to_numpy(float), index=rows["step"].to_numpy(np.int64)).dropna()

    def rows(self, metric: str) -> pd.DataFrame:
        """Return a scalar's stretches (step, low, high, mean, nans); empty where it was not recorded."""
        columns = ["step", "low", "high", "mean", "nans"]
        return self._of_metric[metric][columns] if metric in self._of_metric else pd.DataFrame(columns=columns)

    @lru_cache(maxsize=64)  # noqa: B019 - a history is short-lived
    def smooth(self, metric: str, images: int) -> pd.Series:
        """Return a scalar's running mean over so many images, from the step at which so many have been seen."""
        values = self.series(metric)
        if values.empty:
            return values
        window = self.steps(images)
        first = values.index[0]
        spacing = (values.index[-1] - first) / max(1, len(values) - 1) or 1
        return values.rolling(max(1, round(window / spacing)), min_periods=1).mean()[
            lambda s: s.index >= first + window
        ]

    def of_emotions(self, prefix: str) -> dict[str, pd.Series]:
        """Return the series `prefix/<emotion>` by emotion."""
        start = f"{prefix}/"
        return {name.removeprefix(start): self.series(name) for name in self.metrics if name.startswith(start)}


def spans(condition: pd.Series, shortest: int) -> list[tuple[int, int]]:
    """Return the first and last index of every run of at least `shortest` consecutive True values."""
    flags: NDArray[np.bool_] = condition.to_numpy(bool)
    if not flags.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    pairs = edges.reshape(-1, 2)
    index = condition.index.to_numpy()
    return [(int(index[start]), int(index[stop - 1])) for start, stop in pairs if stop - start >= shortest]
