"""Curves of runs on any x axis: smoothed, grouped, with bands, as a chart and as a table; pure functions of tables."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from dashboard.charts.bands import add_band, faint, plain
from dashboard.charts.lines import at_least, curve, first_lost, log_axis, log_foot
from dashboard.charts.palette import FAINT_INK, RUN_COLOURS, ink, plotly_template
from fergan_core.analysis.pace import Floats, Pace, Unit

Spread = Literal["extremes", "interval"]

TITLES: dict[Unit, str] = {
    "step": "step",
    "epoch": "epoch",
    "images": "images seen",
    "seconds": "seconds of training",
}
MOST_COLOURS = len(RUN_COLOURS)
MOST_SMALL = 48  # small charts
_SMALL_IN_A_ROW = 3
_CURVE = "curve"  # the traces that are highlighted when the mouse is over them
_GRID = 500  # x values of a group whose runs share none


@dataclass(frozen=True)
class Line:
    """One curve: its name in the legend, its colour, and its points in order of x.

    `points` has x, value (as drawn), mean (before smoothing), low and high (the band's edges, NaN for none) and runs
    (how many are averaged). `lost` is where its values are first not a number, and the legend's words for it.
    """

    name: str
    colour: str
    points: pd.DataFrame
    lost: tuple[float, str] | None = None


@dataclass(frozen=True)
class Axes:
    """What the axes say and show: `x_range` is the span shown, None for all of it."""

    x: str
    y: str = ""
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float | None, float | None] = (None, None)


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
    table = points.sort_values("step")
    lost = first_lost(table)
    columns = {
        "x": pace.at(unit, table["step"]),
        "value": smoothed(table["step"], table["mean"], half_life),
        "mean": table["mean"].to_numpy(dtype=float),
        "low": table["low"].to_numpy(dtype=float),
        "high": table["high"].to_numpy(dtype=float),
        "runs": 1,
    }
    words = None if lost is None else (float(pace.at(unit, [lost])[0]), f"not a number at step {lost:,}")
    return Line(name, colour, pd.DataFrame(columns).dropna(subset=["x"]), words)


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
    return Line(f"{name} ({len(lines)} {'run' if len(lines) == 1 else 'runs'})", colour, points[runs > 0], words)


def curves_figure(
    lines: Sequence[Line], axes: Axes, *, dark: bool, height: int = 380, pinned: Collection[str] = ()
) -> go.Figure:
    """Draw curves: value as the line, low to high as the band, and under a smoothed line the unsmoothed one, faint.

    Of more lines than there are colours only the `pinned` ones, by name, have one, a band and a legend; the others are
    grey and named under the mouse. Where values are not numbers a dotted line stands, and the legend says so; on a
    logarithmic axis what is 0 or below stands at its foot.
    """
    figure = go.Figure()
    lines = _showable(lines, axes)
    foot = log_foot(*_values(lines)) if axes.log_y else None
    crowded = len(lines) > MOST_COLOURS
    # The grey ones first, so that they lie under the others.
    for line in sorted(lines, key=lambda line: line.name in pinned) if crowded else lines:
        if crowded and line.name not in pinned:
            _add_faint(figure, line, foot)
        else:
            _add_line(figure, line, foot)
    figure.update_layout(template=plotly_template(dark), height=height, showlegend=not crowded or bool(pinned))
    if crowded:
        figure.update_layout(hovermode="closest")
    figure.update_xaxes(title=axes.x + (" (logarithmic)" if axes.log_x else ""), **_x_axis(lines, axes))
    # A drag over the chart chooses a span of x; y then fits what is there.
    figure.update_yaxes(title=plain(axes.y) or None, fixedrange=True)
    if axes.log_y:
        figure.update_yaxes(**log_axis(*_values(lines)))
    return figure


def small_multiples(lines: Sequence[Line], axes: Axes, *, dark: bool) -> go.Figure:
    """Draw each curve in a small chart of its own, all on the same axes; at most MOST_SMALL of them."""
    lines = _showable(lines, axes)[:MOST_SMALL]
    if not lines:
        return curves_figure(lines, axes, dark=dark)
    columns = min(len(lines), _SMALL_IN_A_ROW)
    rows = math.ceil(len(lines) / columns)
    cells: list[dict[str, Any] | None] = [{}] * len(lines) + [None] * (rows * columns - len(lines))
    figure = make_subplots(
        rows=rows, cols=columns, specs=[cells[first : first + columns] for first in range(0, len(cells), columns)],
        shared_xaxes="all", shared_yaxes="all", horizontal_spacing=0.02, vertical_spacing=min(0.12, 30 / (130 * rows)),
        subplot_titles=[plain(_cut(line.name)) for line in lines],
    )  # fmt: skip
    figure.update_annotations(font_size=12)
    foot = log_foot(*_values(lines)) if axes.log_y else None
    for place, line in enumerate(lines):
        row, column = divmod(place, columns)
        where = {"row": row + 1, "col": column + 1}
        _add_line(figure, Line(line.name, ink(dark), line.points, line.lost), foot, showlegend=False, **where)
        if place + columns >= len(lines):
            figure.update_xaxes(title=axes.x, showticklabels=True, **where)
    figure.update_layout(template=plotly_template(dark), height=60 + 130 * rows, margin={"t": 28}, hovermode="closest")
    figure.update_xaxes(**_x_axis(lines, axes))
    figure.update_yaxes(fixedrange=True)
    if axes.log_y:
        figure.update_yaxes(**log_axis(*_values(lines), decades=True))
    return figure


def drawn(lines: Sequence[Line], axes: Axes) -> pd.DataFrame:
    """Return what a chart draws as one table: line, x (named after the axis), value, its band, and what it stands for.

    `unsmoothed` is there where it is not the value, `runs` where a line is the mean of several.
    """
    tables = [line.points.assign(line=line.name) for line in _showable(lines, axes)]
    columns = ["line", axes.x, "value", "unsmoothed", "low", "high", "runs"]
    if not tables:
        return pd.DataFrame(columns=columns)
    table = pd.concat(tables, ignore_index=True).rename(columns={"x": axes.x, "mean": "unsmoothed"})
    same = np.allclose(table["value"], table["unsmoothed"], equal_nan=True)
    left_out = {name for name, idle in (("unsmoothed", same), ("runs", (table["runs"] == 1).all())) if idle}
    return table[[name for name in columns if name not in left_out]]


def _showable(lines: Sequence[Line], axes: Axes) -> list[Line]:
    """Return the lines with what lies within the span shown and, on a logarithmic axis, above 0."""
    low, high = axes.x_range
    shown = []
    for line in lines:
        x = line.points["x"]
        inside = (x >= (-math.inf if low is None else low)) & (x <= (math.inf if high is None else high))
        points = line.points[inside & (x > 0) if axes.log_x else inside]
        if len(points):
            shown.append(Line(line.name, line.colour, points, line.lost))
    return shown


def _values(lines: Sequence[Line]) -> list[ArrayLike]:
    return [line.points[column].to_numpy() for line in lines for column in ("value", "mean", "low", "high")]


def _x_axis(lines: Sequence[Line], axes: Axes) -> dict[str, Any]:
    if axes.log_x:
        return log_axis(*[line.points["x"] for line in lines])
    low, high = axes.x_range
    form = {"epoch": ",.2~f", TITLES["seconds"]: ",.1~f"}.get(axes.x, ",.0f")
    if low is None and high is None:
        return {"hoverformat": form}
    return {"range": [low, high], "autorange": "min" if low is None else "max" if high is None else False} | {
        "hoverformat": form
    }


def _add_line(figure: go.Figure, line: Line, foot: float | None, *, showlegend: bool = True, **place: Any) -> None:
    points, colour = line.points, line.colour
    together = {"legendgroup": line.name, **place}
    band = points[np.isfinite(points[["low", "high"]]).all(axis=1)]
    if (band["high"] > band["low"]).any():
        add_band(
            figure, list(band.x), at_least(list(band.low), foot), at_least(list(band.high), foot), colour, **together
        )
    name = plain(line.name)
    if line.lost is not None:
        name += f", {line.lost[1]}"
        # The panel may have no trace yet, and Plotly would leave the mark out of an empty one.
        figure.add_vline(x=line.lost[0], line={"color": colour, "dash": "dot"}, exclude_empty_subplots=False, **place)
    if not np.allclose(points["value"], points["mean"], equal_nan=True):
        figure.add_scatter(
            x=points.x,
            y=np.where(points["mean"] > 0, points["mean"], foot) if foot is not None else points["mean"],
            mode="lines",
            line={"color": faint(colour, 0.4), "width": 1},
            hoverinfo="skip",
            showlegend=False,
            **together,
        )
    figure.add_scatter(
        x=points.x,
        **curve(points["value"], colour, foot),
        name=name,
        meta=_CURVE,
        line={"color": colour, "width": 1.6},
        customdata=_hover(points),
        hovertemplate=_template(points, name),
        showlegend=showlegend,
        **together,
    )


def _add_faint(figure: go.Figure, line: Line, foot: float | None) -> None:
    name = plain(line.name) + ("" if line.lost is None else f", {line.lost[1]}")
    figure.add_scatter(
        x=line.points.x,
        **curve(line.points["value"], FAINT_INK, foot),
        name=name,
        meta=_CURVE,
        line={"color": FAINT_INK, "width": 1},
        opacity=0.45,
        customdata=_hover(line.points),
        hovertemplate=_template(line.points, name),
        showlegend=False,
    )


def _hover(points: pd.DataFrame) -> pd.DataFrame:
    return points[["value", "low", "high", "runs"]]


def _template(points: pd.DataFrame, name: str) -> str:
    """Return what the mouse shows of a point: the value, which on a logarithmic axis may stand at its foot, its band,
    and of how many runs it is the mean."""
    text = "%{customdata[0]:.4g}"
    if (points["high"] > points["low"]).any():
        text += " [%{customdata[1]:.4g}, %{customdata[2]:.4g}]"
    if points["runs"].max() > 1:
        text += ", %{customdata[3]} runs"
    return f"{text}<extra>{name}</extra>"


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


def _cut(name: str, most: int = 34) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
