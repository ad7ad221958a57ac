"""Runs side by side: their recipes' differences, their newest scores, one metric's curves; pure functions of tables."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.bands import add_band, plain
from dashboard.charts.palette import plotly_template

HEADLINE = {"is": "IS", "kl_nats": "KL nats", "kl_ratio": "KL / ln K", "accuracy": "read as asked"}


def recipe_differences(recipes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """List the fields in which recipes differ: a row a field (nested ones dotted), a column a run, absent as a dash."""
    flat = {label: dict(_fields(recipe)) for label, recipe in recipes.items()}
    names = sorted({name for fields in flat.values() for name in fields})
    rows = {name: [flat[label].get(name, "–") for label in flat] for name in names}
    differing = {name: values for name, values in rows.items() if len(set(values)) > 1}
    return pd.DataFrame.from_dict(differing, orient="index", columns=list(flat)).rename_axis("field").reset_index()


def score_table(scores: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """List each run's newest evaluation by judge and protocol: IS with interval, real images' IS, ratio, accuracy."""
    overall = scores[scores.emotion.isna() & scores.metric.isin(HEADLINE)]
    protocol = ["run_id", "judge", "judge_sha256", "count", "prior", "seed"]
    newest = overall[overall.epoch == overall.groupby(protocol, dropna=False).epoch.transform("max")]
    rows = []
    for (run_id, judge, _, count, prior, _), group in newest.groupby(protocol, sort=False, dropna=False):
        by_metric = group.drop_duplicates("metric", keep="last").set_index("metric")
        row = {"run": labels[run_id], "epoch": group.epoch.iloc[0]}
        row |= {words: _value(by_metric, metric, "value") for metric, words in HEADLINE.items()}
        row |= {"IS low": _value(by_metric, "is", "low"), "IS high": _value(by_metric, "is", "high")}
        row |= {"IS of real faces": _value(by_metric, "is", "real"), "judge": judge, "faces": count, "prior": prior}
        rows.append(row)
    return pd.DataFrame(rows)


def metric_curves(
    points: pd.DataFrame, metric: str, labels: Mapping[str, str], colours: Mapping[str, str], *, dark: bool
) -> go.Figure:
    """Draw one metric of several runs over the steps: a bucket's mean as the line, from lowest to highest the band."""
    figure = go.Figure()
    for run_id, label in labels.items():
        line = points[(points.run_id == run_id) & (points.metric == metric)].sort_values("step")
        if line.empty:
            continue
        band = line.dropna(subset=["low", "high"])
        add_band(figure, list(band.step), list(band.low), list(band.high), colours[run_id])
        figure.add_scatter(
            x=line.step,
            y=line["mean"],
            name=plain(label),
            mode="lines",
            line={"color": colours[run_id], "width": 1.6},
            hovertemplate="%{y:.4g}",
        )
    figure.update_layout(template=plotly_template(dark), height=380, hovermode="x unified")
    figure.update_layout(legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0})
    figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})
    figure.update_xaxes(title="step", automargin=True)
    figure.update_yaxes(title=metric, automargin=True)
    return figure


def _fields(recipe: Mapping[str, Any], prefix: str = "") -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in recipe.items():
        if isinstance(value, Mapping):
            found.extend(_fields(value, f"{prefix}{name}."))
        else:
            found.append((prefix + name, value if isinstance(value, str) else json.dumps(value)))
    return found


def _value(by_metric: pd.DataFrame, metric: str, column: str) -> float | None:
    return by_metric.loc[metric, column] if metric in by_metric.index else None
