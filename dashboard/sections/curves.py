"""Curves, the same on every page that has some: a chart or several, and the choices of what they show.

Three functions are for pages: `show`, chosen scalars of several runs, one chart a scalar; `panels`, the panels of one
run; and `chart`, any curves under the same downloads. `show` and `panels` ask for the x axis, smoothing, groups, scales
and the span shown, and keep all of it in the address: a page passes runs and nothing else, once, within its live
fragment if it has one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import choose, data
from dashboard.charts import curve_figures, curves
from dashboard.charts.curve_figures import curves_figure, small_multiples
from dashboard.charts.curves import Axes, Line, Spread
from dashboard.charts.palette import run_colour
from dashboard.components import chart_tools, window_follower
from dashboard.components.plotly_chart import plotly_chart
from dashboard.sections import curve_choices
from dashboard.sections.curve_choices import Choices
from fergan_core.analysis.budgets import SPEED, STRETCHES
from fergan_core.analysis.pace import Pace, Unit, paces
from fergan_core.scalars import MAIN_PANELS, SCALARS, label_of, panels_of, scalar

FIRST_METRICS = ("loss_g", "loss")
UNITS: tuple[Unit, ...] = ("step", "epoch", "images", "seconds")
_STRETCHES_OF_A_CHART = 500
_STRETCHES_OF_A_SMALL_CHART = 300
# Of each curve where there are so many that a browser takes seconds to draw them; two or three pixels each.
_MANY_CURVES, _STRETCHES_OF_MANY = 50, 180


def show(labels: Mapping[str, str]) -> None:
    """Show chosen scalars of several runs, one chart a scalar; `labels` are the runs' names in the legend by id.

    Opens at the generator's loss and, where runs of other methods are among them, at theirs. The runs' colours are
    those of `choose.colours`.
    """
    metrics = _in_order(data.metrics(tuple(labels)))
    if not metrics:
        st.info("These runs have no points.")
        return
    run_ids = tuple(labels)
    runs = data.runs().set_index("id", drop=False).loc[list(run_ids)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = _ask_scalars(metrics)
        groups = curve_choices.ask_groups(runs, data.recipes(run_ids))
        choices = curve_choices.ask(UNITS, "step")
        spread = curve_choices.ask_spread(groups)
        small, pinned = curve_choices.ask_layout(list(groups) or list(labels.values()))
    if not chosen:
        st.info("Choose one or more scalars.")
        return
    colours = choose.colours(sorted(labels, key=lambda run_id: labels[run_id] not in pinned))
    pace = run_paces(runs, choices.unit)
    points, width, widest = _points(runs, chosen, pace, choices, _stretches(len(chosen), len(runs)))
    of_both = dict(iter(points.groupby(["metric", "run_id"], sort=False)))
    for place, column in _places(len(chosen)):
        metric = chosen[place]
        by_run = {
            run_id: curves.run_line(
                of_both[metric, run_id], label, colours[run_id], pace[run_id], choices.unit, choices.half_life
            )
            for run_id, label in labels.items()
            if (metric, run_id) in of_both
        }
        lines = grouped(by_run, groups, spread, pinned) if groups else list(by_run.values())
        entry = scalar(metric)
        axes = choices.axes(curves.TITLES[choices.unit], label_of(metric), entry.scale if entry else "linear")
        with column:
            chart(lines, axes, key=f"curve {metric}", file=metric, small=small, pinned=pinned)
            if lines and (without := [label for run_id, label in labels.items() if run_id not in by_run]):
                st.caption(choose.plain(f"Without this scalar: {', '.join(without)}."))
    st.caption(_how_to_read(width, widest, choices, grouped=spread if groups else None))
    say_what_is_missing(_without_x(labels, pace, choices.unit), choices.unit)


def panels(run_id: str, limit_to: Collection[str] | None = MAIN_PANELS) -> None:
    """Show one run's panels, two in a row: those titled in `limit_to` (None: all) and those of unlisted scalars.

    Where the run has no points yet, or ended before its first, a sentence says so instead.
    """
    shown = panels_of(data.metrics((run_id,)), limit_to)
    runs = data.runs()
    runs = runs[runs.id == run_id]
    if not shown:
        training = data.run(run_id)["status"] == "running"
        yet = "No points yet: they appear a second after the first step."
        st.info(yet if training else "This run ended before its first point was recorded.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choices = curve_choices.ask(UNITS, "step")
    pace = run_paces(runs, choices.unit)
    metrics = [name for panel in shown for name in panel.labels]
    points, width, widest = _points(runs, metrics, pace, choices, _STRETCHES_OF_A_SMALL_CHART)
    for place, column in _places(len(shown)):
        panel = shown[place]
        lines = [
            curves.run_line(of_metric, label, run_colour(number), pace[run_id], choices.unit, choices.half_life)
            for number, (metric, label) in enumerate(panel.labels.items())
            if len(of_metric := points[points.metric == metric])
        ]
        axes = choices.axes(curves.TITLES[choices.unit], panel.unit, panel.scale)
        with column:
            st.subheader(choose.plain(panel.title), anchor=False)
            chart(lines, axes, key=f"panel {panel.title}", file=panel.title, height=270)
    st.caption(_how_to_read(width, widest, choices))
    say_what_is_missing(_without_x({run_id: str(runs.name.iloc[0])}, pace, choices.unit), choices.unit)


def chart(
    lines: Sequence[Line],
    axes: Axes,
    *,
    key: str,
    file: str,
    height: int = 380,
    small: bool = False,
    pinned: Collection[str] = (),
    markers: int = 0,
    finish: Callable[[go.Figure], None] = lambda figure: None,
) -> None:
    """Show curves with their downloads; a drag over the chart chooses the span shown, a double click all of it.

    `finish` adds whatever is not a curve, such as the line of real faces.
    """
    one = partial(curves_figure, height=height, pinned=pinned)
    draw = partial(small_multiples, in_a_row=_in_a_row(3)) if small else one
    figure = draw(lines, axes, dark=choose.dark(), markers=markers)
    finish(figure)
    _show(figure, lines, axes, key, file)


def small_charts(
    charts: Mapping[str, Sequence[Line]], axes: Axes, *, key: str, file: str, in_a_row: int, markers: int = 0
) -> None:
    """Show small charts of curves, by their titles, with their downloads, as `chart` does one."""
    figure = curve_figures.small_charts(charts, axes, dark=choose.dark(), in_a_row=_in_a_row(in_a_row), markers=markers)
    named = [replace(line, name=f"{title}: {line.name}") for title, lines in charts.items() for line in lines]
    _show(figure, named, axes, key, file)


def _in_a_row(many: int) -> int:
    return min(many, 2) if window_follower.narrow() else many


def _show(figure: go.Figure, lines: Sequence[Line], axes: Axes, key: str, file: str) -> None:
    with chart_tools.around(key):
        plotly_chart(figure, key, _alt(lines, axes))
        chart_tools.show(
            key,
            file,
            lambda: curves.drawn(lines, axes).to_csv(index=False),
            log_x=axes.log_x,
            on_span=curve_choices.show_span,
            on_all=curve_choices.all_of_it,
        )


def _alt(lines: Sequence[Line], axes: Axes) -> str:
    names = ", ".join(line.name for line in lines[:8]) + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")
    return f"{axes.y or 'Curves'} by {axes.x}: {names or 'nothing'}"


def _ask_scalars(metrics: Sequence[str]) -> list[str]:
    # Older links, from when a chart had one scalar, name it as ?metric=.
    asked = [name for name in st.query_params.get_all("metric") if name in metrics]
    # Runs of different methods have different losses: each run has a curve in one of the charts.
    first = asked or [name for name in FIRST_METRICS if name in metrics] or [metrics[0]]
    return st.multiselect(
        "Scalars", metrics, first, format_func=label_of, key="scalar", bind="query-params", width=250,
        placeholder="Loss, gradient norm, ...",
    )  # fmt: skip


def _in_order(metrics: Sequence[str]) -> list[str]:
    order = {name: place for place, name in enumerate(SCALARS)}
    return sorted(metrics, key=lambda name: order.get(name, order.get(name.partition("/")[0] + "/", len(order))))


def _places(count: int) -> list[tuple[int, st.delta_generator.DeltaGenerator]]:
    """Return each chart's place: the only one takes the width of the page, of several there are two in a row."""
    if count == 1:
        return [(0, st.container())]
    rows = [st.columns(2, gap="medium") for _ in range(0, count, 2)]
    return list(enumerate([column for row in rows for column in row][:count]))


def grouped(
    lines: Mapping[str, Line], groups: Mapping[str, Sequence[str]], spread: Spread, pinned: Collection[str] = ()
) -> list[Line]:
    """Return a curve for each group of runs that has any, in the colour of its first run; `lines` are by run id."""
    members = {name: [lines[run_id] for run_id in run_ids if run_id in lines] for name, run_ids in groups.items()}
    members = {name: of_group for name, of_group in members.items() if of_group}
    colours = choose.colours([groups[name][0] for name in sorted(members, key=lambda name: name not in pinned)])
    return [curves.group_line(name, colours[groups[name][0]], of_group, spread) for name, of_group in members.items()]


def run_paces(runs: pd.DataFrame, unit: Unit) -> dict[str, Pace]:
    """Return the runs' paces by id; seconds are read only where they are asked for."""
    run_ids = tuple(runs.id)
    speeds = data.points(run_ids, (SPEED,), STRETCHES) if unit == "seconds" else None
    return paces(runs, data.recipes(run_ids), speeds)


def _stretches(charts: int, lines: int) -> int:
    """Return into how many stretches of steps the curves of some charts are divided at most."""
    if charts * lines > _MANY_CURVES:
        return _STRETCHES_OF_MANY
    return _STRETCHES_OF_A_SMALL_CHART if charts > 1 else _STRETCHES_OF_A_CHART


def _points(
    runs: pd.DataFrame, metrics: Sequence[str], pace: Mapping[str, Pace], choices: Choices, stretches: int
) -> tuple[pd.DataFrame, int, int]:
    """Return the points of the span shown in at most so many stretches, of one width for all runs; that width, and the
    widest that a thinned run's points stand for."""
    low, high = (
        None if end is None else [step for one in pace.values() if (step := one.step(choices.unit, end)) == step]
        for end in choices.span
    )
    # What is before the span counts for its smoothed beginning.
    first = max(1, int(min(low) - 7 * choices.half_life)) if low else None
    last = int(max(high)) + 1 if high else None
    widest = data.widest_stretch(tuple(runs.id), tuple(metrics))
    longest = max(1, int(runs.step.max()))
    width = curves.common_width(first or 1, min(last or longest, longest), widest, stretches)
    return data.points_at(tuple(runs.id), tuple(metrics), width, first, last), width, widest


def _how_to_read(width: int, widest: int, choices: Choices, grouped: Spread | None = None) -> str:
    """Say what line and band are."""
    each = f"the mean of {width:,} steps" if width > 1 else "each step's value"
    if widest > 1:
        each += f" (the points of a run that was thinned stand for {widest:,}, so those of all lines do at least)"
    if grouped is None:
        words = f"Line: {each}" + ("; band: their lowest and highest value." if width > 1 else ".")
    else:
        words = f"Line: the mean of a group's runs, {each}; band: {curve_choices.SPREAD_WORDS[grouped]}."
    if choices.half_life:
        words += f" Smoothed with a half-life of {choices.half_life:,} steps" + (
            "." if grouped else "; faint: unsmoothed."
        )
    return f"{words} Drag over a chart to see a span of it in full detail; double-click for all of it."


def say_what_is_missing(names: Sequence[str], unit: Unit) -> None:
    """Name the runs that have no place on the x axis."""
    if names:
        what = curves.TITLES[unit]
        st.caption(choose.plain(f"Not drawn, since their {what} were not recorded: {', '.join(names)}."))


def _without_x(labels: Mapping[str, str], pace: Mapping[str, Pace], unit: Unit) -> list[str]:
    return [label for run_id, label in labels.items() if pd.isna(pace[run_id].at(unit, [1.0])[0])]
