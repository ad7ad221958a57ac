"""Runs' scores side by side, one metric per axis: 0 is noise, 1 is real faces; a pure function of a table."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import plain
from dashboard.charts.curve_figures import CURVE
from dashboard.charts.curves import MOST_COLOURS
from dashboard.charts.palette import FAINT_INK, plotly_template
from dashboard.rows import rows_of
from fergan_core.metrics.catalogue import CATALOGUE, written

# Beyond these heights a point stands at the edge as a triangle: one value must not flatten all others.
_LOWEST, _HIGHEST = -0.25, 1.25


def heights(scores: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Return the rows of these metrics that can be scaled, in their order, with `height`: noise 0, real faces 1.

    `scores` have one row a run and metric. One whose real faces and noise are unknown or alike has no scale.
    """
    rows = scores[scores.metric.isin(metrics)].assign(reach=lambda table: table.real - table.noise)
    rows = rows[rows.reach.abs() > 1e-12].dropna(subset=["value"])
    rows = rows.assign(height=(rows.value - rows.noise) / rows.reach)
    return rows.sort_values("metric", key=lambda names: names.map(list(metrics).index), kind="stable")


def parallel_figure(
    scores: pd.DataFrame,
    metrics: Sequence[str],
    labels: Mapping[str, str],
    colours: Mapping[str, str],
    *,
    dark: bool,
    pinned: Collection[str] = (),
) -> go.Figure:
    """Draw one line per run over the metrics that can be scaled; dashed: real faces, dotted: noise.

    Of more runs than there are colours only those in `pinned` have one; the others are grey, behind them.
    """
    rows = heights(scores, metrics)
    crowded = rows.run_id.nunique() > MOST_COLOURS
    grey = [run_id for run_id in labels if crowded and run_id not in pinned]
    known = set(rows.metric)
    titles = [CATALOGUE[key].title for key in metrics if key in known]
    figure = go.Figure()
    for height, name, dash in ((1, "real faces", "dash"), (0, "noise", "dot")):
        line = {"color": FAINT_INK, "width": 1.5, "dash": dash}
        figure.add_scatter(x=titles, y=[height] * len(titles), name=name, mode="lines", line=line, hoverinfo="skip")
    for run_id in [*grey, *(one for one in labels if one not in grey)]:
        run_rows = rows[rows.run_id == run_id]
        if run_rows.empty:
            continue
        symbols = np.select(
            [run_rows.height > _HIGHEST, run_rows.height < _LOWEST], ["triangle-up", "triangle-down"], "circle"
        )
        colour = FAINT_INK if run_id in grey else colours[run_id]
        name = f"{plain(labels[run_id])}, epoch {run_rows.epoch.iloc[0]}"
        figure.add_scatter(
            x=[CATALOGUE[key].title for key in run_rows.metric],
            y=run_rows.height.clip(_LOWEST, _HIGHEST),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 1 if run_id in grey else 2},
            marker={"color": colour, "size": 5 if run_id in grey else 8, "symbol": symbols},
            opacity=0.45 if run_id in grey else 1,
            showlegend=run_id not in grey,
            meta=CURVE,
            customdata=[_true_values(row) for row in rows_of(run_rows)],
            hovertemplate=f"%{{customdata}}<extra>{name}</extra>",
        )
    if crowded:
        figure.update_layout(hovermode="closest", hoverdistance=-1)
    figure.update_layout(template=plotly_template(dark), height=420, showlegend=True)
    figure.update_xaxes(categoryorder="array", categoryarray=titles, showgrid=True)
    figure.update_yaxes(range=[_LOWEST - 0.08, _HIGHEST + 0.08], tickvals=[0, 0.5, 1], ticktext=["noise", "", "real"])
    return figure


def _true_values(row: Any) -> str:
    metric = CATALOGUE[row.metric]
    value = written(row.value, metric, row.low, row.high)
    return f"{value}; real {written(row.real, metric)}, noise {written(row.noise, metric)}"
