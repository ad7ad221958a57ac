"""Two groups of runs, score by score: table of differences, a strip of the runs' values; pure functions of tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import plain
from dashboard.charts.curves import Line, Spread, group_line
from dashboard.charts.palette import FAINT_INK, plotly_template, run_colour
from dashboard.charts.score_table import of_emotion
from dashboard.rows import rows_of
from fergan_core.analysis.scales import PLAIN, Scale, faces_of
from fergan_core.analysis.studies.groups import Difference, compare, family
from fergan_core.metrics.catalogue import ARROWS, CATALOGUE, Metric, written

GROUPS = ("A", "B")
COLOURS = dict(zip(GROUPS, map(run_colour, (0, 3)), strict=True))
_WIDTH = 0.28  # how far from its group's middle a run is drawn at most


def in_groups(scores: pd.DataFrame, groups: Mapping[str, Sequence[str]], emotion: str | None = None) -> pd.DataFrame:
    """Return an emotion's scores (None: all together) of the groups' runs: one row per run and metric, with its group.

    `scores` are one evaluation a run (`analysis.budgets.at_budget`). Columns: group, run_id, epoch, spent, count,
    metric, value, real; a score that is not a number has no row.
    """
    group_of = {run_id: name for name, run_ids in groups.items() for run_id in run_ids}
    rows = of_emotion(scores, emotion).dropna(subset=["value"])
    rows = rows.assign(group=rows.run_id.map(group_of)).dropna(subset=["group"])
    return rows[["group", "run_id", "epoch", "spent", "count", "metric", "value", "real"]].reset_index(drop=True)


def differences(values: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Compare the groups metric by metric, as a table in words, corrected for the number of metrics compared.

    `values` is what `in_groups` returns. Columns: metric, a, b (means), difference (of B less A, of a skewed metric B
    by A, of a share in points, with its interval), effect (Hedges' g), verdict, needed (runs a group, for four shown of
    five), runs (how many of each group have the score). A metric that fewer than two runs of a group have gets no
    difference.
    """
    rows = []
    comparisons = _family(values, metrics)
    for key in metrics:
        metric, metric_rows = CATALOGUE[key], values[values.metric == key]
        first, second = (metric_rows[metric_rows.group == name] for name in GROUPS)
        row: dict[str, Any] = {
            "metric": f"{metric.title} {ARROWS[metric.better]}",
            "runs": f"{len(first)} and {len(second)}",
        }
        for name, group in zip(("a", "b"), (first, second), strict=True):
            row[name] = written(group.value.mean(), metric) if len(group) else "–"
        if min(len(first), len(second)) < 2:
            row |= {"difference": "–", "effect": np.nan, "verdict": "too few runs", "needed": ""}
        else:
            comparison = comparisons[key]
            row |= {name: written(mean, metric) for name, mean in (("a", comparison.first), ("b", comparison.second))}
            row |= {"difference": _difference(comparison, metric), "effect": comparison.effect}
            row |= {"verdict": _sentence(comparison, better(first, second, metric)), "needed": _needed(comparison)}
        rows.append(row)
    return pd.DataFrame(rows, columns=["metric", "a", "b", "difference", "effect", "verdict", "needed", "runs"])


def better(first: pd.DataFrame, second: pd.DataFrame, metric: Metric) -> str:
    """Name the group that is better by a metric's direction, '' where the runs do not tell.

    Where nearest to real faces is best, the runs' distances from real faces' value are compared and not the values.
    """
    a, b = first.value, second.value
    if metric.better == "real":
        a, b = ((group.value - group.real).abs().dropna() for group in (first, second))
    if min(len(a), len(b)) < 2:
        return ""
    scale = PLAIN if metric.better == "real" else Scale(metric.compared_by, faces_of(pd.concat([first, second])))
    difference = compare(a.to_list(), b.to_list(), scale)
    if difference.verdict == "cannot tell":
        return ""
    rises = difference.second > difference.first
    second_is_better = rises if metric.better == "higher" else not rises
    return GROUPS[second_is_better]


def strip_figure(values: pd.DataFrame, metric: str, labels: Mapping[str, str], *, dark: bool) -> go.Figure:
    """Draw a metric's value of every run, the groups beside each other, with each group's mean; dashed: real faces.

    `values` is what `in_groups` returns, `labels` the runs' names.
    """
    metric_rows = values[values.metric == metric]
    figure = go.Figure()
    for place, name in enumerate(GROUPS):
        group = metric_rows[metric_rows.group == name].sort_values("value", kind="stable")
        if group.empty:
            continue
        # Spread sideways, so that runs with the same value do not hide each other.
        aside = [((rank % 5) - 2) / 2 * _WIDTH for rank in range(len(group))]
        figure.add_scatter(
            x=[place + one for one in aside],
            y=group.value,
            name=f"group {name}",
            mode="markers",
            marker={"color": COLOURS[name], "size": 10, "opacity": 0.85},
            customdata=[f"{plain(labels[row.run_id])}, epoch {row.epoch}" for row in rows_of(group)],
            hovertemplate="%{customdata}: %{y:.4g}<extra></extra>",
        )
        figure.add_scatter(
            x=[place - 1.3 * _WIDTH, place + 1.3 * _WIDTH],
            y=[Scale(CATALOGUE[metric].compared_by, faces_of(metric_rows)).mean(group.value.to_list())] * 2,
            name=f"mean of {name}",
            mode="lines",
            line={"color": COLOURS[name], "width": 3},
            hovertemplate="mean: %{y:.4g}<extra></extra>",
            showlegend=False,
        )
    real = metric_rows.real.dropna().round(6).unique()
    if len(real) == 1:
        line = {"color": FAINT_INK, "width": 1.5, "dash": "dash"}
        figure.add_scatter(x=[-0.5, 1.5], y=[real[0]] * 2, name="real faces", mode="lines", line=line, hoverinfo="skip")
    figure.update_layout(template=plotly_template(dark), height=360, hovermode="closest", showlegend=True)
    figure.update_xaxes(tickvals=[0, 1], ticktext=[f"group {name}" for name in GROUPS], range=[-0.5, 1.5])
    figure.update_yaxes(title=CATALOGUE[metric].title)
    return figure


def group_lines(
    scores: pd.DataFrame,
    groups: Mapping[str, Sequence[str]],
    metric: str,
    unit: str,
    spread: Spread,
    emotion: str | None = None,
) -> list[Line]:
    """Return the groups' means of a metric over the runs' evaluations, each with its band; none of one evaluation each.

    `scores` are of one protocol, with a column `unit`, such as epoch or images; the band is as in `group_line`.
    """
    rows = of_emotion(scores, emotion)
    rows = rows[rows.metric == metric].dropna(subset=["value", unit]).drop_duplicates(["run_id", unit], keep="last")
    table = rows.sort_values(unit).assign(x=lambda rows: rows[unit].astype(float), mean=lambda rows: rows["value"])
    table = table.assign(low=np.nan, high=np.nan, runs=1)[["run_id", "x", "value", "mean", "low", "high", "runs"]]
    of_run = {str(run_id): Line(str(run_id), "", points) for run_id, points in table.groupby("run_id")}
    lines = []
    for name in GROUPS:
        members = [of_run[run_id] for run_id in groups[name] if run_id in of_run]
        if any(len(member.points) > 1 for member in members):
            lines.append(group_line(f"group {name}", COLOURS[name], members, spread))
    return lines


def add_real(figure: go.Figure, values: pd.DataFrame, metric: str) -> None:
    """Draw real faces' value of a metric as a dashed line, where it is one value."""
    real = values.real[values.metric == metric].dropna().round(6).unique()
    if len(real) == 1:
        line = {"color": FAINT_INK, "width": 1.5, "dash": "dash"}
        figure.add_hline(y=real[0], line=line, annotation_text="real faces", annotation_font_color=FAINT_INK)


def compared(values: pd.DataFrame, metrics: Sequence[str]) -> int:
    """Return for how many metrics the verdicts of `differences` are corrected."""
    return len(_family(values, metrics))


def _family(values: pd.DataFrame, metrics: Sequence[str]) -> dict[str, Difference]:
    """Compare all metrics that two runs of each group have, as one family of verdicts."""
    groups = {
        key: [values.value[(values.metric == key) & (values.group == name)].to_list() for name in GROUPS]
        for key in metrics
    }
    enough = {key: pair for key, pair in groups.items() if min(map(len, pair)) >= 2}
    faces = faces_of(values)
    comparisons = family(
        [(first, second, Scale(CATALOGUE[key].compared_by, faces)) for key, (first, second) in enough.items()]
    )
    return dict(zip(enough, comparisons, strict=True))


def _difference(difference: Difference, metric: Metric) -> str:
    if difference.kind == "ratio":
        return f"{difference.difference:.3g} times A [{difference.low:.3g}, {difference.high:.3g}]"
    # A share's difference is in points: 10 % less than 40 % would be 36 %.
    return written(difference.difference, metric, difference.low, difference.high).replace("%", " points")


def _sentence(difference: Difference, which: str) -> str:
    if difference.verdict == "cannot tell":
        return difference.verdict
    return f"{difference.verdict}: {which} is better" if which else f"{difference.verdict} a difference"


def _needed(difference: Difference) -> str:
    if difference.verdict == "shows":
        return ""
    return "no number" if difference.needed is None else f"{difference.needed} per group"
