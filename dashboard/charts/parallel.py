"""Runs' scores side by side, one metric per axis: 0 is noise, 1 is real faces; a pure function of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import plain
from dashboard.charts.palette import FAINT_INK, plotly_template
from dashboard.charts.score_table import written
from dashboard.rows import rows_of
from fergan_core.metrics.catalogue import CATALOGUE

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
    scores: pd.DataFrame, metrics: Sequence[str], labels: Mapping[str, str], colours: Mapping[str, str], *, dark: bool
) -> go.Figure:
    """Draw one line per run over the metrics that can be scaled; dashed: real faces, dotted: noise."""
    rows = heights(scores, metrics)
    known = set(rows.metric)
    titles = [CATALOGUE[key].title for key in metrics if key in known]
    figure = go.Figure()
    for height, name, dash in ((1, "real faces", "dash"), (0, "noise", "dot")):
        line = {"color": FAINT_INK, "width": 1.5, "dash": dash}
        figure.add_scatter(x=titles, y=[height] * len(titles), name=name, mode="lines", line=line, hoverinfo="skip")
    for run_id, label in labels.items():
        run_rows = rows[rows.run_id == run_id]
        if run_rows.empty:
            continue
        symbols = np.select(
            [run_rows.height > _HIGHEST, run_rows.height < _LOWEST], ["triangle-up", "triangle-down"], "circle"
        )
        figure.add_scatter(
            x=[CATALOGUE[key].title for key in run_rows.metric],
            y=run_rows.height.clip(_LOWEST, _HIGHEST),
            name=f"{plain(label)}, epoch {run_rows.epoch.iloc[0]}",
            mode="lines+markers",
            line={"color": colours[run_id], "width": 2},
            marker={"color": colours[run_id], "size": 8, "symbol": symbols},
            customdata=[_true_values(row) for row in rows_of(run_rows)],
            hovertemplate="%{customdata}",
        )
    figure.update_layout(template=plotly_template(dark), height=420, showlegend=True)
    figure.update_xaxes(categoryorder="array", categoryarray=titles, showgrid=True)
    figure.update_yaxes(range=[_LOWEST - 0.08, _HIGHEST + 0.08], tickvals=[0, 0.5, 1], ticktext=["noise", "", "real"])
    return figure


def _true_values(row: Any) -> str:
    metric = CATALOGUE[row.metric]
    value = written(row.value, metric, row.low, row.high)
    return f"{value}; real {written(row.real, metric)}, noise {written(row.noise, metric)}"
