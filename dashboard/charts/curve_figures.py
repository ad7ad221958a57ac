"""Curves -> figures: one chart, or a small one for each curve; pure functions."""

import math
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from dashboard.charts.bands import band, faint, plain
from dashboard.charts.curves import MOST_COLOURS, TITLES, Axes, Line, showable
from dashboard.charts.lines import at_least, curve, log_axis, log_foot
from dashboard.charts.palette import FAINT_INK, ink, plotly_template
from fergan_core.analysis.pace import Floats

MOST_SMALL = 48  # small charts
_TITLE_LETTERS = 17  # of a small chart's title, a line
_LONG = 100  # points
CURVE = "curve"  # the traces that are highlighted when the mouse is over them


def curves_figure(
    lines: Sequence[Line], axes: Axes, *, dark: bool, height: int = 380, pinned: Collection[str] = (), markers: int = 0
) -> go.Figure:
    """Draw curves: value as the line, low to high as the band, and under a smoothed line the unsmoothed one, faint.

    Of more lines than there are colours only the `pinned` ones, by name, have one, a band and a legend; the others are
    grey and named under the mouse. Where values are not numbers a dotted line stands, and the legend says so; on a
    logarithmic axis what is 0 or below stands at its foot. `markers` is the size of each point's marker.
    """
    lines = showable(lines, axes)
    foot = log_foot(*_values(lines)) if axes.log_y else None
    crowded = sum(line.kind != "reference" for line in lines) > MOST_COLOURS
    grey = [line for line in lines if crowded and line.kind != "reference" and line.name not in pinned]
    # Those in colour lie over the grey ones.
    traces = [_faint(line, foot) for line in grey]
    for line in lines:
        if line.kind == "reference":
            traces.append(_reference(line, _ends(lines, axes)))
        elif line not in grey:
            traces += _traces(line, foot, markers)
    figure = go.Figure(traces)
    _mark_lost(figure, [line for line in lines if line not in grey])
    figure.update_layout(template=plotly_template(dark), height=height, showlegend=len(traces) > len(grey))
    figure.update_layout(legend={"tracegroupgap": 0}, hovermode="closest" if crowded else "x unified")
    if crowded:
        # The nearest point's curve, however far: between the points of a short curve there would else be none.
        figure.update_layout(hoverdistance=-1)
    figure.update_xaxes(title=axes.x + (" (logarithmic)" if axes.log_x else ""), **_x_axis(lines, axes))
    # A drag over the chart chooses a span of x; y then fits what is there.
    figure.update_yaxes(title=plain(axes.y) or None, fixedrange=True)
    if axes.log_y:
        figure.update_yaxes(**log_axis(*_values(lines)))
    return figure


def small_multiples(lines: Sequence[Line], axes: Axes, *, dark: bool, in_a_row: int = 3, markers: int = 0) -> go.Figure:
    """Draw each curve in a small chart of its own, at most MOST_SMALL of them, with all references in each."""
    constant = [line for line in lines if line.kind == "reference"]
    curves = [line for line in lines if line.kind != "reference"][:MOST_SMALL]
    charts = {line.name: [*constant, replace(line, colour=ink(dark))] for line in curves}
    return small_charts(charts, axes, dark=dark, in_a_row=in_a_row, markers=markers)


def small_charts(
    charts: Mapping[str, Sequence[Line]], axes: Axes, *, dark: bool, in_a_row: int = 3, markers: int = 0
) -> go.Figure:
    """Draw small charts of curves, by their titles, all on the same axes and without a legend."""
    shown = {title: found for title, lines in charts.items() if (found := showable(lines, axes))}
    if not shown:
        return curves_figure([], axes, dark=dark)
    every = [line for lines in shown.values() for line in lines]
    columns = min(len(shown), in_a_row)
    rows = math.ceil(len(shown) / columns)
    cells: list[dict[str, Any] | None] = [{}] * len(shown) + [None] * (rows * columns - len(shown))
    figure = make_subplots(
        rows=rows, cols=columns, specs=[cells[first : first + columns] for first in range(0, len(cells), columns)],
        shared_xaxes="all", shared_yaxes="all", horizontal_spacing=0.02, vertical_spacing=min(0.14, 42 / (140 * rows)),
        subplot_titles=[_wrapped(title) for title in shown],
    )  # fmt: skip
    figure.update_annotations(font_size=12)
    foot = log_foot(*_values(every)) if axes.log_y else None
    ends = _ends(every, axes)
    traces: list[dict[str, Any]] = []
    places: list[tuple[int, int]] = []
    for place, lines in enumerate(shown.values()):
        row, column = place // columns + 1, place % columns + 1
        for line in lines:
            of_line = [_reference(line, ends)] if line.kind == "reference" else _traces(line, foot, markers)
            traces += [trace | {"showlegend": False} for trace in of_line]
            places += [(row, column)] * len(of_line)
        _mark_lost(figure, lines, row=row, col=column)
        if place + columns >= len(shown):
            figure.update_xaxes(title=axes.x, showticklabels=True, row=row, col=column)
    figure.add_traces(traces, rows=[row for row, _ in places], cols=[column for _, column in places])
    figure.update_layout(template=plotly_template(dark), height=70 + 140 * rows, margin={"t": 40}, hovermode="closest")
    figure.update_xaxes(**_x_axis(every, axes))
    figure.update_yaxes(fixedrange=True, **({"range": [0, 1], "tickformat": ".0%"} if axes.share else {}))
    if axes.log_y:
        figure.update_yaxes(**log_axis(*_values(every), decades=True))
    return figure


def _values(lines: Sequence[Line]) -> list[ArrayLike]:
    return [line.points[column].to_numpy() for line in lines for column in ("value", "mean", "low", "high")]


def _x_axis(lines: Sequence[Line], axes: Axes) -> dict[str, Any]:
    if axes.log_x:
        return log_axis(*[line.points["x"].dropna() for line in lines])
    low, high = axes.x_range
    options = {"hoverformat": {"epoch": ",.2~f", TITLES["seconds"]: ",.1~f"}.get(axes.x, ",.0f")}
    if low is None and high is None:
        return options
    return options | {"range": [low, high], "autorange": "min" if low is None else "max" if high is None else False}


def _ends(lines: Sequence[Line], axes: Axes) -> list[float]:
    """Return where a line across the whole chart begins and ends."""
    x = pd.concat([line.points["x"] for line in lines]).dropna()
    low, high = axes.x_range
    first = float(x.min()) if axes.log_x else 0.0
    return [first if low is None else low, float(x.max()) if high is None else high]


def _reference(line: Line, ends: list[float]) -> dict[str, Any]:
    # A trace and not a shape: the axis must make room for it, and the legend must name it.
    return {
        "type": "scatter",
        "x": ends,
        "y": [float(line.points["value"].iloc[0])] * 2,
        "name": plain(line.name),
        "mode": "lines",
        "line": {"color": line.colour, "width": 1.5, "dash": line.dash},
        "hoverinfo": "skip",
    }


def _traces(line: Line, foot: float | None, markers: int) -> list[dict[str, Any]]:
    """Return a curve's traces: its band, its unsmoothed values, and the curve itself."""
    points, colour = line.points, line.colour
    traces = []
    # As arrays: a page has hundreds of short curves, on each of which pandas would spend milliseconds.
    x, value, mean, low, high = (points[name].to_numpy(float) for name in ("x", "value", "mean", "low", "high"))
    banded = np.isfinite(low) & np.isfinite(high)
    if (high[banded] > low[banded]).any():
        lower, upper = (_compact(at_least(list(edge[banded]), foot)) for edge in (low, high))
        traces.append(band(_compact(x[banded]), lower, upper, colour))
    if not np.allclose(value, mean, equal_nan=True):
        unsmoothed = mean if foot is None else np.where(mean <= 0, foot, mean)
        traces.append(
            {
                "type": "scatter",
                "x": _compact(x),
                "y": _compact(unsmoothed),
                "mode": "lines",
                "line": {"color": faint(colour, 0.4), "width": 1},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    drawn = curve(points["value"], colour, foot, markers=markers)
    if line.kind == "points":
        drawn |= {
            "mode": "markers",
            "marker": {"color": colour, "size": 11, "symbol": "diamond-open", "line": {"width": 2}},
        }
    traces.append(_curve(line, drawn) | {"line": {"color": colour, "width": 1.6}})
    return [trace | {"legendgroup": line.name} for trace in traces]


def _faint(line: Line, foot: float | None) -> dict[str, Any]:
    trace = _curve(line, curve(line.points["value"], FAINT_INK, foot))
    return trace | {"line": {"color": FAINT_INK, "width": 1}, "opacity": 0.45, "showlegend": False}


def _curve(line: Line, drawn: Mapping[str, Any]) -> dict[str, Any]:
    x, value, low, high, runs = (line.points[name].to_numpy(float) for name in ("x", "value", "low", "high", "runs"))
    name = plain(line.name) + ("" if line.lost is None else f", {line.lost[1]}")
    return {
        **drawn,
        "type": "scatter",
        "x": _compact(x),
        "y": _compact(drawn["y"]),
        "name": name,
        "meta": CURVE,
        "customdata": _compact(np.column_stack((value, low, high, runs))),
        "hovertemplate": _template(low, high, runs, name),
    }


def _mark_lost(figure: go.Figure, lines: Sequence[Line], **place: Any) -> None:
    """Draw a dotted line where a curve is first not a number."""
    for line in lines:
        if line.lost is not None:
            mark = {"color": line.colour, "dash": "dot"}
            # The panel may have no trace yet, and Plotly would leave the mark out of an empty one.
            figure.add_vline(x=line.lost[0], line=mark, exclude_empty_subplots=False, **place)


def _compact(values: ArrayLike) -> np.ndarray[Any, np.dtype[Any]]:
    """Return numbers of a long curve in half the bytes that go to the page, where that keeps whole numbers whole."""
    numbers = np.asarray(values, dtype=float)
    if len(numbers) < _LONG or np.nanmax(np.abs(numbers), initial=0) > 2**24:
        return numbers
    return numbers.astype(np.float32)


def _template(low: Floats, high: Floats, runs: Floats, name: str) -> str:
    """Return what the mouse shows of a point: the value, which on a logarithmic axis may stand at its foot, its band,
    and of how many runs it is the mean."""
    text = "%{customdata[0]:.4g}"
    if (high > low).any():
        text += " [%{customdata[1]:.4g}, %{customdata[2]:.4g}]"
    if (runs > 1).any():
        text += ", %{customdata[3]} runs"
    return f"{text}<extra>{name}</extra>"


def _wrapped(name: str) -> str:
    """Return a name on two lines at most, for a narrow chart's title."""
    lines = textwrap.wrap(name, _TITLE_LETTERS)
    return "<br>".join(
        plain(line) for line in [*lines[:1], " ".join(lines[1:2]) + ("…" if len(lines) > 2 else "")] if line
    )
