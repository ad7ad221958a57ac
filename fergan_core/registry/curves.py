"""Curves of any length as few numbers: points in stretches of steps, with each stretch's mean and extremes."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa

from fergan_core.registry.schema import MetricRow, PointRow, RunRow

COLUMNS = ["run_id", "metric", "step", "low", "high", "mean", "count", "nans"]

# What one query groups at the most: SQLite sorts it, beyond some megabytes on the disk; and several run at once.
_MOST_STEPS = 250_000


class Stretches(NamedTuple):
    """How a run's steps are divided: in stretches of `width` steps from step `first` on; `last` is its last step."""

    run_key: int
    first: int
    width: int
    last: int


def extents(
    run_ids: Sequence[str], metrics: Sequence[str], step_from: int | None, step_to: int | None
) -> sa.Select[*tuple[Any, ...]]:
    """Select the first and the last step of each of the metrics in each of the runs; NULL where there is no point."""

    def edge(function: Any) -> Any:
        # A look at one end of the table's key, where a group's least and largest would read all of its points.
        own = (PointRow.run_key == RunRow.key, PointRow.metric_key == MetricRow.key, *_within(step_from, step_to))
        return sa.select(function(PointRow.step)).where(*own).scalar_subquery()

    return (
        sa.select(
            RunRow.key.label("run_key"),
            RunRow.id.label("run_id"),
            MetricRow.key.label("metric_key"),
            MetricRow.name.label("metric"),
            edge(sa.func.min).label("first"),
            edge(sa.func.max).label("last"),
        )
        .select_from(sa.join(RunRow, MetricRow, sa.true()))
        .where(RunRow.id.in_(run_ids), MetricRow.name.in_(metrics))
    )


def divided(edges: pd.DataFrame, buckets: int, width: int | None) -> list[Stretches]:
    """Divide each run's steps, between the `extents` of all its metrics, into `buckets` or fewer stretches.

    With `width` into stretches of so many steps, counted from step 1.
    """
    stretches = []
    for run_key, of_run in edges.groupby("run_key"):
        first, last = int(of_run["first"].min()), int(of_run["last"].max())
        if width is None:
            stretches.append(Stretches(int(str(run_key)), first, max(1, math.ceil((last - first + 1) / buckets)), last))
        else:
            stretches.append(Stretches(int(str(run_key)), 1, width, last))
    return stretches


def queries(
    stretches: Sequence[Stretches], metric_keys: Sequence[int], step_from: int | None, step_to: int | None
) -> Iterator[sa.Select[*tuple[Any, ...]]]:
    """Yield the queries for the points of runs in their stretches: few, and none of more points than fit in memory."""
    batch: list[Stretches] = []
    steps = 0
    for one in stretches:
        size = (one.last - one.first + 1) * len(metric_keys)
        if batch and steps + size > _MOST_STEPS:
            yield _grouped(batch, metric_keys, step_from, step_to)
            batch, steps = [], 0
        batch.append(one)
        steps += size
    if batch:
        yield _grouped(batch, metric_keys, step_from, step_to)


def _grouped(
    stretches: Sequence[Stretches], metric_keys: Sequence[int], step_from: int | None, step_to: int | None
) -> sa.Select[*tuple[Any, ...]]:
    columns = [sa.column(name, sa.Integer) for name in ("run_key", "first", "width")]
    wanted = sa.values(*columns, name="stretches").data([one[:3] for one in stretches]).cte("stretches")
    place = sa.cast(PointRow.step - wanted.c.first, sa.Integer).op("/")(wanted.c.width)  # whole numbers stay whole
    return (
        sa.select(
            PointRow.run_key,
            PointRow.metric_key,
            sa.func.max(PointRow.step).label("step"),
            sa.func.min(sa.func.coalesce(PointRow.low, PointRow.value)).label("low"),
            sa.func.max(sa.func.coalesce(PointRow.high, PointRow.value)).label("high"),
            sa.func.avg(PointRow.value).label("mean"),
            sa.func.count().label("count"),
            (sa.func.count() - sa.func.count(PointRow.value)).label("nans"),
        )
        .join(wanted, wanted.c.run_key == PointRow.run_key)
        .where(PointRow.metric_key.in_(metric_keys), *_within(step_from, step_to))
        .group_by(PointRow.run_key, PointRow.metric_key, place)
    )


def as_table(frames: Sequence[pd.DataFrame], edges: pd.DataFrame, run_ids: Sequence[str]) -> pd.DataFrame:
    """Return the answers to `queries` as one table: by run in the order of `run_ids`, by metric's name, by step."""
    table = pd.concat(frames, ignore_index=True)
    of_run = edges.drop_duplicates("run_key").set_index("run_key")["run_id"]
    of_metric = edges.drop_duplicates("metric_key").set_index("metric_key")["metric"]
    places = {run_id: place for place, run_id in enumerate(dict.fromkeys(run_ids))}
    ranks = {key: rank for rank, key in enumerate(of_metric.sort_values().index)}
    table = table.assign(
        place=table["run_key"].map(of_run.map(places)),
        rank=table["metric_key"].map(ranks),
        run_id=table["run_key"].map(of_run),
        metric=table["metric_key"].map(of_metric),
    )
    table = table.sort_values(["place", "rank", "step"], ignore_index=True)[COLUMNS]
    return table.astype({"low": float, "high": float, "mean": float})


def thinned(run_ids: Sequence[str], metrics: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
    """Select, of each metric of those runs that were thinned, from which step to which its points go and how many."""
    steps = sa.func.max(PointRow.step) - sa.func.min(PointRow.step)
    return (
        sa.select(steps.label("steps"), sa.func.max(PointRow.step).label("last"), sa.func.count().label("count"))
        .join(RunRow, RunRow.key == PointRow.run_key)
        .join(MetricRow, MetricRow.key == PointRow.metric_key)
        .where(RunRow.id.in_(run_ids), RunRow.thinned, MetricRow.name.in_(metrics))
        .group_by(PointRow.run_key, PointRow.metric_key)
        .having(sa.func.count(PointRow.low) > 0)
    )


def _within(step_from: int | None, step_to: int | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if step_from is not None:
        conditions.append(PointRow.step >= step_from)
    if step_to is not None:
        conditions.append(PointRow.step <= step_to)
    return conditions
