"""Runs side by side: their recipes' differences, their newest scores, one metric's curves; pure functions of tables."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band, plain
from dashboard.charts.lines import curve, mark_lost
from dashboard.charts.palette import plotly_template
from fergan_core.protocols import numbers, once, words
from fergan_core.recipe import differences
from fergan_core.scalars import label_of

# A column of the score table: the metric and which of its numbers.
_SCORE_COLUMNS = {
    "IS": ("is", "value"),
    "IS low": ("is", "low"),
    "IS high": ("is", "high"),
    "IS of real faces": ("is", "real"),
    "KL nats": ("kl_nats", "value"),
    "KL / ln K": ("kl_ratio", "value"),
    "recognised as requested": ("accuracy", "value"),
}


def recipe_differences(recipes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """List the fields in which recipes differ: one row per field, one column per run, a dash for a missing field."""
    rows = {
        name: [field_text(values[label]) if label in values else "–" for label in recipes]
        for name, values in differences(recipes).items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(recipes)).rename_axis("field").reset_index()


def field_text(value: Any) -> str:
    """Write a recipe's field as --set takes it: a list's members separated by commas, text without quotes."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def score_table(scores: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """List each run's newest evaluation under every judge and protocol, the runs in the labels' order: IS with its
    interval, real faces' IS, KL, accuracy."""
    order = {run_id: place for place, run_id in enumerate(labels)}
    overall = scores[scores.emotion.isna() & scores.metric.isin([metric for metric, _ in _SCORE_COLUMNS.values()])]
    overall = once(overall).sort_values("run_id", key=lambda ids: ids.map(order), kind="stable")
    rows = []
    for (run_id, _), group in overall.groupby(["run_id", numbers(overall)], sort=False):
        group = group[group.step == group.step.max()]
        by_metric, first = group.set_index("metric"), group.iloc[0]
        row = {"run": labels[str(run_id)], "epoch": first.epoch}
        row |= {title: _value(by_metric, *column) for title, column in _SCORE_COLUMNS.items()}
        rows.append(row | {"judge and protocol": words(first)})
    return pd.DataFrame(rows)


def metric_curves(
    points: pd.DataFrame, metric: str, labels: Mapping[str, str], colours: Mapping[str, str], *, dark: bool
) -> go.Figure:
    """Draw one metric of several runs over the steps: a bucket's mean as the line, from lowest to highest the band.

    At the step where a run's metric is first not a number, a dotted line stands in its colour, and the legend says so.
    """
    figure = go.Figure()
    for run_id, label in labels.items():
        line = points[(points.run_id == run_id) & (points.metric == metric)].sort_values("step")
        if line.empty:
            continue
        band = line[np.isfinite(line[["low", "high"]].astype(float)).all(axis=1)]
        add_band(figure, list(band.step), list(band.low), list(band.high), colours[run_id])
        figure.add_scatter(
            x=line.step,
            **curve(line["mean"], colours[run_id]),
            name=mark_lost(figure, line, plain(label), colours[run_id]),
            line={"color": colours[run_id], "width": 1.6},
            hovertemplate="%{y:.4g}",
        )
    figure.update_layout(template=plotly_template(dark), height=380, showlegend=True)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title=plain(label_of(metric)))
    return figure


def _value(by_metric: pd.DataFrame, metric: str, column: str) -> float | None:
    value: float | None = by_metric[column].get(metric)
    return value
