"""The registry: points a second to the disk, a long curve as min/max buckets, a list of a thousand runs."""

import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from fergan_core.registry import PointWriter, Reader, Registry
from fergan_core.registry.connect import reading_engine

_METRICS = [f"scalar_{number}" for number in range(9)]
_STEPS = 20_000
_LONG = 100_000
_RUNS = 1_000
_BUCKETS = 500

# What plain SQL would say without GROUP BY: the same buckets by window functions, read with their extremes.
_WINDOWS = """
SELECT DISTINCT bucket, min(value) OVER (PARTITION BY bucket), max(value) OVER (PARTITION BY bucket),
       first_value(value) OVER (PARTITION BY bucket ORDER BY step), max(step) OVER (PARTITION BY bucket)
FROM (SELECT step, value, ntile(:buckets) OVER (ORDER BY step) AS bucket FROM points
      JOIN runs ON runs.key = points.run_key JOIN metrics ON metrics.key = points.metric_key
      WHERE runs.id = :run AND metrics.name = :metric)
ORDER BY bucket
"""


def run() -> list[dict[str, Any]]:
    """Measure on a new registry in a temporary folder; rows of name, value, unit, reference, ratio, note."""
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(str(Path(folder) / "runs.db"))
        return [*_writing(registry), _long_curve(registry), _listing(registry)]


def _new_run(registry: Registry, number: int = 0) -> str:
    return registry.create_run(
        name=f"bench {number}",
        method="gan",
        preset="quick",
        recipe={"preset": "quick", "batch_size": 64},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": 1},
        seed=number,
        provenance={"device": "cpu"},
        tags=["bench", f"tag {number % 10}"],
        epochs=1,
        steps=_LONG,
    )


def _milliseconds(work: Callable[[], object], times: int = 5) -> float:
    """Median of a few repeats, in milliseconds."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1e3


def _writing(registry: Registry) -> list[dict[str, Any]]:
    run_id = _new_run(registry)
    calls = []
    begin = time.perf_counter()
    with PointWriter(registry, run_id) as writer:
        for step in range(_STEPS):
            rows = [(name, step, math.sin(step)) for name in _METRICS]
            called = time.perf_counter()
            writer.put(rows)
            calls.append(time.perf_counter() - called)
    rate = _STEPS * len(_METRICS) / (time.perf_counter() - begin)
    slow = statistics.quantiles(calls, n=100)[98] * 1e6
    begin = time.perf_counter()
    for step in range(50):
        registry.add_points(run_id, [(name, _STEPS + step, 0.0) for name in _METRICS])
    each = 50 * len(_METRICS) / (time.perf_counter() - begin)
    return [
        {
            "name": "points to the disk",
            "value": rate,
            "unit": "points/s",
            "reference": each,
            "ratio": rate / each,
            "note": f"{_STEPS:,} steps of {len(_METRICS)} scalars through PointWriter; reference: a commit each step",
        },
        {
            "name": "p99 of handing a step's points over",
            "value": slow,
            "unit": "us",
            "reference": None,
            "ratio": None,
            "note": "the training's thread waits no longer",
        },
    ]


def _long_curve(registry: Registry) -> dict[str, Any]:
    run_id = _new_run(registry)
    registry.add_points(run_id, [("loss", step, math.sin(step / 100)) for step in range(_LONG)])
    reader = Reader(registry.url)
    buckets = _milliseconds(lambda: reader.points([run_id], ["loss"], buckets=_BUCKETS))
    engine = reading_engine(registry.url)

    def windows() -> pd.DataFrame:
        with engine.connect() as connection:
            wanted = {"buckets": _BUCKETS, "run": run_id, "metric": "loss"}
            return pd.DataFrame(connection.execute(sa.text(_WINDOWS), wanted).fetchall())

    reference = _milliseconds(windows, times=3)
    return {
        "name": f"{_LONG:,} points to {_BUCKETS} min/max buckets",
        "value": buckets,
        "unit": "ms",
        "reference": reference,
        "ratio": reference / buckets,
        "note": "reference: SQL window functions",
    }


def _listing(registry: Registry) -> dict[str, Any]:
    for number in range(_RUNS):
        _new_run(registry, number)
    reader = Reader(registry.url)
    return {
        "name": f"list of {_RUNS:,} runs",
        "value": _milliseconds(reader.runs),
        "unit": "ms",
        "reference": None,
        "ratio": None,
        "note": "with tags and newest sheets",
    }
