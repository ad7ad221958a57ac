"""Runs side by side: their recipes' differences, their newest scores; pure functions of tables."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fergan_core.protocols import numbers, once, words
from fergan_core.recipe import differences

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


def _value(by_metric: pd.DataFrame, metric: str, column: str) -> float | None:
    value: float | None = by_metric[column].get(metric)
    return value
