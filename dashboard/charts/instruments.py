"""All instruments of a training on one axis, the losses against each other, spectra; pure functions of tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts.bands import add_band, plain
from dashboard.charts.lines import at_least, curve, first_lost, log_axis, log_foot, mark_lost
from dashboard.charts.palette import FAINT_INK, plotly_template, run_colour
from dashboard.rows import rows_of
from fergan_core.analysis.findings.timeline import Statement
from fergan_core.scalars import Panel

SEVERITY_COLOURS = {"info": FAINT_INK, "warning": "#e69f00", "alarm": "#d0392f"}


def title_of(one: Statement) -> str:
    """Return a statement's title with the emotion that it is of."""
    if one.emotion is None:
        return one.title[0].upper() + one.title[1:]
    return f'"{one.emotion}" {one.title}' if one.kind == "collapse" else f'"{one.emotion}": {one.title}'


_PANEL, _LINE, _MARKS = 130, 17, 26  # px: a panel, a line of writing above it, the row of marks
_WIDEST = 46  # characters in a line of writing, which fit on a telephone
_DECADES = 100  # how many times the smallest value the largest is, at least, where powers of ten suffice as ticks


def events_of(statements: Sequence[Statement]) -> pd.DataFrame:
    """Return a row a step at which something was found: step, epoch, severity (the gravest), title, places in
    `statements`.

    The title is that of the first statement, and says how many more there are.
    """
    grave = list(SEVERITY_COLOURS)
    rows = []
    for step in sorted({one.step for one in statements}):
        places = [place for place, one in enumerate(statements) if one.step == step]
        first, more = statements[places[0]], len(places) - 1
        title = title_of(first)
        severity = max((statements[place].severity for place in places), key=grave.index)
        rows.append((step, first.epoch, severity, title + (f", and {more} more" if more else ""), places))
    return pd.DataFrame(rows, columns=["step", "epoch", "severity", "title", "places"])


def timeline_figure(
    points: pd.DataFrame,
    panels: Sequence[Panel],
    events: pd.DataFrame,
    *,
    dark: bool,
    along: str = "step",
    steps_per_unit: float = 1.0,
) -> go.Figure:
    """Draw panels one above the other on one axis, what was found as marks above all and lines through all.

    A scalar is its mean over stretches of steps, with a band from lowest to highest; where it is first not a number a
    dotted line stands in its panel, and its name says so. `points` are the registry's stretches, `events` as
    `events_of` returns them: a mark can be clicked, its customdata is the event's step. The axis is in units of
    `steps_per_unit` steps.
    """
    titles = [_title(points, panel) for panel in panels]
    gap = _LINE * max([title.count("<br>") + 1 for title in titles], default=1) + 14
    height = _MARKS + (_PANEL + gap) * len(panels) + 40
    figure = make_subplots(
        rows=len(panels) + 1, cols=1, shared_xaxes=True, vertical_spacing=gap / height,
        row_heights=[_MARKS, *[_PANEL] * len(panels)], subplot_titles=["", *titles],
    )  # fmt: skip
    # Over its panel's corner: beside it, turned, a long title runs into the next one's.
    figure.update_annotations(x=0, xanchor="left", align="left", font_size=13)
    figure.add_scatter(
        x=events.step / steps_per_unit,
        y=[0] * len(events),
        customdata=list(events.step),
        text=[f"epoch {row.epoch}: {plain(row.title)}" for row in rows_of(events)],
        mode="markers",
        marker={
            "size": [13 + min(6, len(places) - 1) for places in events.places],
            "symbol": "diamond",
            "color": [SEVERITY_COLOURS[one] for one in events.severity],
            "opacity": 1,
            "line": {"width": 0},
        },
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
        row=1,
        col=1,
    )
    for row, panel in enumerate(panels, 2):
        _add_panel(figure, points, panel, row, steps_per_unit)
    # One shape each through the whole height: `add_vline` takes a second for every one of a figure of many panels.
    lines = [
        {
            "type": "line", "xref": "x", "yref": "paper", "x0": event.step / steps_per_unit,
            "x1": event.step / steps_per_unit, "y0": 0, "y1": 1,
            "line": {"color": SEVERITY_COLOURS[event.severity], "width": 1, "dash": "dot"},
        }
        for event in rows_of(events)
    ]  # fmt: skip
    figure.update_layout(
        template=plotly_template(dark), height=height, hovermode="closest", showlegend=False,
        shapes=[*figure.layout.shapes, *lines],
    )  # fmt: skip
    figure.update_xaxes(title=along, row=len(panels) + 1, col=1)
    figure.update_yaxes(visible=False, fixedrange=True, range=[-1, 1], row=1, col=1)
    return figure


def _title(points: pd.DataFrame, panel: Panel) -> str:
    """Return a panel's title with its scalars' names below, each behind a dash in its colour, in lines that fit.

    A legend of Plotly's would wrap on a telephone, over the panel above.
    """
    lines, used = [""], 0
    for place, (metric, label) in enumerate(panel.labels.items()):
        name = plain(_name(points[points.metric == metric], label))
        if used and used + len(name) > _WIDEST:
            lines, used = [*lines, ""], 0
        lines[-1] += f'<span style="color:{run_colour(place)}">━</span> {name}   '
        used += len(name) + 4
    return "<br>".join([f"<b>{plain(panel.title)}</b>", *lines])


def _name(line: pd.DataFrame, label: str) -> str:
    """Return a scalar's label, with the step at which it is first not a number, if it ever is."""
    lost = first_lost(line)
    return label if lost is None else f"{label}, not a number at step {lost:,}"


def _add_panel(figure: go.Figure, points: pd.DataFrame, panel: Panel, row: int, steps_per_unit: float) -> None:
    panel_points = points[points.metric.isin(panel.labels)]
    values = panel_points[["low", "high", "mean"]]
    foot = log_foot(values) if panel.scale == "log" else None
    at = {"row": row, "col": 1}
    for place, (metric, label) in enumerate(panel.labels.items()):
        line = panel_points[panel_points.metric == metric].sort_values("step")
        if line.empty:
            continue
        colour, name = run_colour(place), plain(_name(line, label))
        finite = line[np.isfinite(line[["low", "high"]].to_numpy(dtype=float)).all(axis=1)]
        x = list(finite.step / steps_per_unit)
        add_band(figure, x, at_least(list(finite.low), foot), at_least(list(finite.high), foot), colour, **at)
        lost = first_lost(line)
        if lost is not None:
            # The panel may have no trace yet, and Plotly would leave the mark out of an empty one.
            dotted = {"color": colour, "dash": "dot"}
            figure.add_vline(x=lost / steps_per_unit, line=dotted, exclude_empty_subplots=False, **at)
        figure.add_scatter(
            x=line.step / steps_per_unit,
            **curve(line["mean"], colour, foot),
            name=name,
            line={"color": colour, "width": 1.4},
            customdata=line["mean"],
            hovertemplate=f"{plain(label)}: %{{customdata:.4g}}<extra></extra>",
            **at,
        )
    axis = log_axis(values, decades=_spans_decades(values)) if panel.scale == "log" else {"type": "linear"}
    figure.update_yaxes(**axis, **at)


def _spans_decades(values: pd.DataFrame) -> bool:
    """Tell whether ticks at powers of ten alone are enough."""
    numbers = values.to_numpy(dtype=float)
    positive = numbers[np.isfinite(numbers) & (numbers > 0)]
    return len(positive) > 0 and float(positive.max()) > _DECADES * float(positive.min())


def phase_figure(points: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Draw D's loss against G's, from the first step to the last; a training that settles stays in one place."""
    pair = points[points.metric.isin(["loss_d", "loss_g"])].pivot_table(index="step", columns="metric", values="mean")
    figure = go.Figure()
    if {"loss_d", "loss_g"} <= set(pair.columns):
        pair = pair.dropna()
        figure.add_scatter(
            x=pair["loss_d"],
            y=pair["loss_g"],
            mode="lines+markers",
            line={"color": FAINT_INK, "width": 0.5},
            marker={
                "size": 5,
                "color": list(pair.index),
                "colorscale": "Cividis",
                "colorbar": {"title": "step", "thickness": 10},
            },
            customdata=list(pair.index),
            hovertemplate="step %{customdata:,}: D %{x:.3g}, G %{y:.3g}<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(template=plotly_template(dark), height=360, hovermode="closest")
    figure.update_xaxes(title="loss of D")
    figure.update_yaxes(title="loss of G")
    return figure


def spectra_figure(points: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Draw the largest singular value of every layer over the steps: G's in one colour, D's in the other."""
    figure = go.Figure()
    spectra = points[points.metric.str.startswith("spectral_")]
    foot = log_foot(spectra["mean"])
    for key, of_network in spectra.groupby(spectra.metric.str.removeprefix("spectral_").str.partition("/")[0]):
        network = str(key).upper()
        colour = run_colour(1 if network == "G" else 0)
        name = mark_lost(figure, of_network, network, colour)
        for place, (metric, line) in enumerate(of_network.groupby("metric")):
            line = line.sort_values("step")
            figure.add_scatter(
                x=line.step,
                **curve(line["mean"], colour, foot),
                name=name,
                legendgroup=network,
                showlegend=place == 0,
                line={"color": colour, "width": 1.2},
                customdata=line["mean"],
                hovertemplate=f"{network} {str(metric).partition('/')[2]}, step %{{x:,}}: %{{customdata:.3g}}"
                "<extra></extra>",
            )
    figure.update_layout(template=plotly_template(dark), height=360, hovermode="closest", showlegend=True)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="largest singular value", **log_axis(spectra["mean"]))
    return figure
