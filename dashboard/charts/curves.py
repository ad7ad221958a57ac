"""Curves of runs on any x axis: smoothed, grouped, with bands, as one table; pure functions of tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from dashboard.charts.lines import first_lost
from dashboard.charts.palette import RUN_COLOURS
from fergan_core.analysis.pace import Floats, Pace, Unit

Spread = Literal["extremes", "interval"]

TITLES: dict[Unit, str] = {
    "step": "step",
    "epoch": "epoch",
    "images": "images seen",
    "seconds": "seconds of training",
}
MOST_COLOURS = len(RUN_COLOURS)
_GRID = 500  # x values of a group whose runs share none


@dataclass(frozen=True, eq=False)
class Line:
    """One curve: its name in the legend, its colour, and its points in order of x.

    `points` has x, value (as drawn), mean (before smoothing), low and high (the band's edges, NaN for none) and runs
    (how many are averaged). `lost` is where its values are first not a number, and the legend's words for it. A
    reference is one value for the whole width of the chart, drawn with `dash`; `points` are drawn without a line.
    """

    name: str
    colour: str
    points: pd.DataFrame
    lost: tuple[float, str] | None = None
    kind: Literal["curve", "points", "reference"] = "curve"
    dash: str = "solid"


@dataclass(frozen=True)
class Axes:
    """What the axes say and show: `x_range` is the span shown, None for all of it; `share` is for values from 0 to 1
    that are written as per cent."""

    x: str
    y: str = ""
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float | None, float | None] = (None, None)
    share: bool = False


def common_width(first: int, last: int, widest: int, buckets: int) -> int:
    """Return the steps of a stretch for all runs of a chart of steps `first` to `last`, at most `buckets` of them.

    A multiple of `widest`, the widest stretch that a thinned run's points stand for: narrower ones would have a band
    of more steps in the thinned run than in the others.
    """
    return widest * max(1, math.ceil((last - first + 1) / (buckets * widest)))


def smoothed(steps: ArrayLike, values: ArrayLike, half_life: float) -> Floats:
    """Return the exponential moving average of values: a point's weight halves every `half_life` steps.

    Each average is divided by the sum of its weights (bias correction), so the first ones are not drawn towards zero.
    What is not a number stays so, and enters no average.
    """
    numbers = np.asarray(values, dtype=float)
    if not half_life:
        return numbers
    averaged = numbers.copy()
    total = weight = 0.0
    before = None
    for place, (step, number) in enumerate(zip(np.asarray(steps, dtype=float).tolist(), numbers.tolist(), strict=True)):
        if math.isfinite(number):
            kept = 0.0 if before is None else 0.5 ** ((step - before) / half_life)
            total, weight, before = total * kept + number, weight * kept + 1, step
            averaged[place] = total / weight
    return averaged


def run_line(points: pd.DataFrame, name: str, colour: str, pace: Pace, unit: Unit, half_life: float = 0) -> Line:
    """Return one scalar of one run as a curve; the band is that of the stretches' extremes, which smoothing leaves.

    `points` are the registry's stretches: step, low, high, mean, nans.
    """
    table = points if points["step"].is_monotonic_increasing else points.sort_values("step")
    lost = first_lost(table)
    # As arrays: a page has hundreds of curves, on each of which pandas would spend milliseconds.
    steps, mean, low, high = (table[name].to_numpy(dtype=float) for name in ("step", "mean", "low", "high"))
    x = pace.at(unit, steps)
    columns = {"x": x, "value": smoothed(steps, mean, half_life), "mean": mean, "low": low, "high": high}
    if np.isnan(x).any():
        columns = {column: values[~np.isnan(x)] for column, values in columns.items()}
    words = None if lost is None else (float(pace.at(unit, [lost])[0]), f"not a number at step {lost:,}")
    return Line(name, colour, pd.DataFrame(columns | {"runs": np.ones(len(columns["x"]), dtype=int)}), words)


def group_line(name: str, colour: str, lines: Sequence[Line], spread: Spread) -> Line:
    """Return the mean of several runs' curves, with a band from the lowest run to the highest or Student's 95 %
    interval of the mean.

    Where the runs do not share their x values, each is interpolated between its own. At an x that only some of the runs
    reached it is their mean, and the band needs two of them.
    """
    grid = _common_grid([line.points.x.to_numpy() for line in lines])
    values = np.array([_on_grid(line.points, "value", grid) for line in lines])
    means = np.array([_on_grid(line.points, "mean", grid) for line in lines])
    runs = np.isfinite(values).sum(axis=0)
    total = np.where(np.isfinite(values), values, 0.0).sum(axis=0)
    value = np.divide(total, runs, out=np.full(len(grid), np.nan), where=runs > 0)
    low, high = _lowest_to_highest(means) if spread == "extremes" else _interval(values, value, runs)
    points = pd.DataFrame({"x": grid, "value": value, "mean": value, "low": low, "high": high, "runs": runs})
    lost = [line.lost for line in lines if line.lost is not None]
    words = (min(place for place, _ in lost), f"not a number in {len(lost)} of {len(lines)} runs") if lost else None
    return Line(name, colour, points[runs > 0], words)


def drawn(lines: Sequence[Line], axes: Axes) -> pd.DataFrame:
    """Return what a chart draws as one table: line, x (named after the axis), value, its band, and what it stands for.

    `unsmoothed` is there where it is not the value, `runs` where a line is the mean of several.
    """
    tables = [line.points.assign(line=line.name) for line in showable(lines, axes)]
    columns = ["line", axes.x, "value", "unsmoothed", "low", "high", "runs"]
    if not tables:
        return pd.DataFrame(columns=columns)
    table = pd.concat(tables, ignore_index=True).rename(columns={"x": axes.x, "mean": "unsmoothed"})
    same = np.allclose(table["value"], table["unsmoothed"], equal_nan=True)
    left_out = {name for name, idle in (("unsmoothed", same), ("runs", (table["runs"] == 1).all())) if idle}
    return table[[name for name in columns if name not in left_out]]


def reference(name: str, colour: str, value: float, dash: str) -> Line:
    """Return a value that is the same at every x, such as that of real faces."""
    row = {"x": np.nan, "value": value, "mean": value, "low": np.nan, "high": np.nan, "runs": 1}
    return Line(name, colour, pd.DataFrame([row]), kind="reference", dash=dash)


def showable(lines: Sequence[Line], axes: Axes) -> list[Line]:
    """Return the lines with what lies within the span shown and, on a logarithmic axis, above 0."""
    low, high = axes.x_range
    shown = []
    for line in lines:
        x = line.points["x"].to_numpy(float)
        inside = (x >= (-math.inf if low is None else low)) & (x <= (math.inf if high is None else high))
        shown_rows = np.isnan(x) | (inside & (x > 0) if axes.log_x else inside)
        if shown_rows.any():
            shown.append(line if shown_rows.all() else replace(line, points=line.points[shown_rows]))
    return shown if any(line.kind != "reference" for line in shown) else []


def _common_grid(xs: Sequence[Floats]) -> Floats:
    every = np.unique(np.concatenate(xs))
    if len(every) <= 2 * max(map(len, xs)):
        return every
    return np.linspace(every[0], every[-1], _GRID)


def _on_grid(points: pd.DataFrame, column: str, grid: Floats) -> Floats:
    """Interpolate a column; NaN outside the run's own span and beside what is not a number."""
    x, values = points["x"].to_numpy(), points[column].to_numpy()
    finite = np.isfinite(values)
    if not finite.any():
        return np.full(len(grid), np.nan)
    there = np.interp(grid, x, finite.astype(float), left=0.0, right=0.0)
    return np.where(there == 1, np.interp(grid, x[finite], values[finite]), np.nan)


def _lowest_to_highest(means: Floats) -> tuple[Floats, Floats]:
    finite = np.isfinite(means)
    several = finite.sum(axis=0) > 1
    low = np.where(finite, means, math.inf).min(axis=0)
    high = np.where(finite, means, -math.inf).max(axis=0)
    return np.where(several, low, np.nan), np.where(several, high, np.nan)


def _interval(values: Floats, mean: Floats, runs: Floats) -> tuple[Floats, Floats]:
    from scipy import stats

    squares = np.where(np.isfinite(values), (values - mean) ** 2, 0.0).sum(axis=0)
    free = np.maximum(runs - 1, 1)
    half = np.where(runs > 1, stats.t.ppf(0.975, free) * np.sqrt(squares / free / np.maximum(runs, 1)), np.nan)
    return mean - half, mean + half
