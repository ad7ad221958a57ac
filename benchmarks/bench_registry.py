"""The registry: points written per second, reading a long curve, listing many runs."""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.common import peak_memory, row
from fergan_core.registry import PointWriter, Registry
from fergan_core.registry.schema import RunRow

_SCALARS = 9
_STEPS = 100_000
_BUCKETS = 500
_RUNS = 1000
_REPEATS = 5

# The same buckets by SQL window functions.
_BY_WINDOWS = """
SELECT bucket, max(step), min(value), max(value), avg(value) FROM (
  SELECT p.step, p.value, ntile(:buckets) OVER (PARTITION BY p.metric_key ORDER BY p.step) AS bucket
  FROM points p JOIN metrics m ON m.key = p.metric_key JOIN runs r ON r.key = p.run_key
  WHERE r.id = :run AND m.name = :metric
) GROUP BY bucket
"""


def _milliseconds(action: Callable[[], Any]) -> float:
    """Return the median time of an action in milliseconds."""
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def _new_run(registry: Registry) -> str:
    return registry.create_run(
        name=None,
        method="gan",
        preset="quick",
        recipe={},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": 0},
        seed=0,
        provenance={},
        tags=("bench",),
        epochs=1,
        steps=_STEPS,
    )


def _one_by_one(folder: Path) -> float:
    """Return points per second if every point is written in its own transaction, as a naive logger does."""
    registry = Registry(str(folder / "naive.db"))
    run_id, count = _new_run(registry), 200
    connection = sqlite3.connect(folder / "naive.db", isolation_level=None)
    connection.execute("PRAGMA synchronous=NORMAL")
    key = connection.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()[0]
    connection.execute("INSERT INTO metrics (key, name) VALUES (1, 'loss_g')")
    started = time.perf_counter()
    for step in range(count):
        connection.execute("INSERT INTO points (run_key, metric_key, step, value) VALUES (?, 1, ?, 0.5)", (key, step))
    speed = count / (time.perf_counter() - started)
    connection.close()
    return speed


def _by_driver(folder: Path) -> float:
    """Return points per second if all are passed to sqlite3's executemany at once, in one transaction."""
    registry = Registry(str(folder / "driver.db"))
    run_id = _new_run(registry)
    connection = sqlite3.connect(folder / "driver.db", isolation_level=None)
    connection.execute("PRAGMA synchronous=NORMAL")
    key = connection.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()[0]
    connection.executemany(
        "INSERT INTO metrics (key, name) VALUES (?, ?)", [(i, f"scalar{i}") for i in range(_SCALARS)]
    )
    rows = [(key, i, step, float(step % 97)) for i in range(_SCALARS) for step in range(_STEPS)]
    started = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO points (run_key, metric_key, step, value) VALUES (?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    speed = len(rows) / (time.perf_counter() - started)
    connection.close()
    return speed


# Logs as many points as the argument says, without a pause.
_WITHOUT_PAUSE = """
import sys, tempfile
from benchmarks.bench_registry import _SCALARS, _new_run
from fergan_core.registry import PointWriter, Registry
with tempfile.TemporaryDirectory() as folder:
    registry = Registry(f"{folder}/runs.db")
    with PointWriter(registry, _new_run(registry)) as writer:
        for step in range(int(sys.argv[1]) // _SCALARS):
            writer.put([(f"scalar{i}", step, float(step % 97)) for i in range(_SCALARS)])
"""


def _writing(registry: Registry, run_id: str) -> tuple[float, float]:
    """Return points written per second, and the 99th percentile of a step's `put` in microseconds."""
    calls = []
    started = time.perf_counter()
    with PointWriter(registry, run_id) as writer:
        for step in range(_STEPS):
            rows = [(f"scalar{i}", step, float(step % 97)) for i in range(_SCALARS)]
            before = time.perf_counter()
            writer.put(rows)
            calls.append(time.perf_counter() - before)
    speed = _STEPS * _SCALARS / (time.perf_counter() - started)
    return speed, 1e6 * statistics.quantiles(calls, n=100)[-1]


def run() -> list[dict[str, Any]]:
    """Measure writing, reading a long curve against window functions, and listing 1,000 runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        registry = Registry(str(folder / "runs.db"))
        run_id = _new_run(registry)
        speed, put = _writing(registry, run_id)
        naive, driver = _one_by_one(folder), _by_driver(folder)
        peak_of_1_million, peak_of_5_million = (
            peak_memory(_WITHOUT_PAUSE, str(points)) for points in (1_000_000, 5_000_000)
        )
        reader = registry.reader
        curve = _milliseconds(lambda: reader.points([run_id], ["scalar3"], buckets=_BUCKETS))
        raw = sqlite3.connect(folder / "runs.db")
        values = {"buckets": _BUCKETS, "run": run_id, "metric": "scalar3"}
        windows = _milliseconds(lambda: raw.execute(_BY_WINDOWS, values).fetchall())
        raw.close()
        with registry.write() as connection:
            template = dict(connection.execute(sa.select(RunRow.__table__).where(RunRow.id == run_id)).one()._mapping)
            del template["key"]
            connection.execute(sa.insert(RunRow), [{**template, "id": f"bench{i:04d}"} for i in range(_RUNS)])
        listing = _milliseconds(reader.runs)
    return [
        row(
            "points written",
            speed,
            "points/s",
            f"{_SCALARS} scalars per step; one by one",
            reference=naive,
            ratio=speed / naive,
        ),
        row(
            "points written",
            speed,
            "points/s",
            "by sqlite3's executemany at once",
            reference=driver,
            ratio=speed / driver,
        ),
        row(
            "peak memory, 5 million points without a pause",
            peak_of_5_million,
            "MiB",
            "1 million",
            reference=peak_of_1_million,
            ratio=peak_of_1_million / peak_of_5_million,
        ),
        row("99 % of put calls take at most", put, "us", "a step's scalars handed over"),
        row(
            "a curve of 100,000 points in 500 buckets",
            curve,
            "ms",
            "window functions",
            reference=windows,
            ratio=windows / curve,
        ),
        row("list of 1,000 runs", listing, "ms"),
    ]
