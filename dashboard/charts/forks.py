"""A run and its forks: one scalar's curves branching off each other; pure functions of tables."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import plain
from dashboard.charts.instruments import SEVERITY_COLOURS
from dashboard.charts.lines import curve, mark_lost
from dashboard.charts.palette import plotly_template, run_colour
from dashboard.rows import rows_of
from fergan_core.scalars import label_of

_MARKED = ("alarm", "warning")


def forks_figure(
    points: pd.DataFrame,
    tree: pd.DataFrame,
    findings: pd.DataFrame,
    metric: str,
    labels: Mapping[str, str],
    *,
    dark: bool,
) -> go.Figure:
    """Draw a scalar over the steps: each run of the tree in a colour of its own, joined to its parent's curve.

    `tree` are the rows to draw of what `fergan_core.analysis.studies.forks.family` returns, `labels` their names. A
    ring: where a fork branches off; a diamond: a finding, red an alarm, orange a warning.
    """
    figure = go.Figure()
    stretches = {str(run_id): line for run_id, line in points[points.metric == metric].groupby("run_id")}
    lines = {run_id: line.sort_values("step").set_index("step")["mean"] for run_id, line in stretches.items()}
    lines = {run_id: line.where(np.isfinite(line)) for run_id, line in lines.items()}
    forks = 0
    for row in rows_of(tree):
        if row.id not in lines:
            continue
        line, colour = lines[row.id], plotly_template(dark).layout.font.color
        if pd.notna(row.parent):
            colour, forks = run_colour(forks), forks + 1
            start = _at(lines[row.parent], row.parent_step) if row.parent in lines else line.iloc[0]
            line = pd.concat([pd.Series({int(row.parent_step): start}), line[line.index > row.parent_step]])
        figure.add_scatter(
            x=line.index,
            **curve(line, colour),
            name=mark_lost(figure, stretches[row.id], plain(labels[row.id]), colour),
            line={"color": colour, "width": 1.8},
            hovertemplate="step %{x:,}: %{y:.4g}",
            legendgroup=row.id,
        )
        if pd.notna(row.parent):
            _add_ring(figure, line, colour, f"{plain(labels[row.id])} branches off", row.id)
        _add_findings(figure, line, findings[findings.run_id == row.id], row.id)
    figure.update_layout(template=plotly_template(dark), height=400, hovermode="closest", showlegend=True)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title=plain(label_of(metric)))
    return figure


def _at(line: pd.Series, step: float) -> float:
    """Return a curve's last value up to a step, or its first one."""
    before = line[line.index <= step]
    return float(before.iloc[-1] if len(before) else line.iloc[0])


def _add_ring(figure: go.Figure, line: pd.Series, colour: str, words: str, group: str) -> None:
    figure.add_scatter(
        x=[line.index[0]],
        y=[line.iloc[0]],
        mode="markers",
        marker={"symbol": "circle-open", "size": 12, "color": colour, "line": {"width": 2}},
        hovertemplate=f"{words} at step %{{x:,}}<extra></extra>",
        showlegend=False,
        legendgroup=group,
    )


def _add_findings(figure: go.Figure, line: pd.Series, findings: pd.DataFrame, group: str) -> None:
    findings = findings[findings.severity.isin(_MARKED)]
    if findings.empty:
        return
    figure.add_scatter(
        x=findings.step,
        y=[_at(line, step) for step in findings.step],
        customdata=[plain(sentence) for sentence in findings.sentence],
        mode="markers",
        marker={"symbol": "diamond", "size": 11, "color": [SEVERITY_COLOURS[one] for one in findings.severity]},
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
        legendgroup=group,
    )
