"""A run's points on their way into their table: the last value of each key, many rows a statement."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, islice, repeat

from sqlalchemy.engine import Connection

_POINTS_A_STATEMENT = 1000

Columns = defaultdict[str, dict[int, float]]
"""Each metric's values by step: what is put at a step twice takes the last value."""


def columns() -> Columns:
    """Return columns without a point."""
    return defaultdict(dict)


def add(columns: Columns, rows: Iterable[tuple[str, int, float]]) -> None:
    """Put points (metric, step, value) into columns."""
    for metric, step, value in rows:
        columns[metric][step] = value


def insert(connection: Connection, run_key: int, by_key: Mapping[int, Mapping[int, float]]) -> None:
    """Write points, the values by step of each metric's key, to SQLite; one that is there already takes the new value.

    Many rows a statement take a third of the time of one by one, and leave the interpreter to other threads meanwhile.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    most = driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // 3  # 333 with an SQLite from before 2020
    # In the order of the table's own key, so that the database goes through its pages once. NaN needs no care: SQLite
    # itself takes it for NULL.
    flat = chain.from_iterable(
        chain.from_iterable(zip(repeat(metric), steps, map(float, map(column.__getitem__, steps)), strict=False))
        for metric, column in sorted(by_key.items())
        for steps in (sorted(column),)
    )
    while values := tuple(islice(flat, 3 * min(most, _POINTS_A_STATEMENT))):
        places = ", ".join([f"({run_key}, ?, ?, ?)"] * (len(values) // 3))
        connection.exec_driver_sql(
            f"INSERT INTO points (run_key, metric_key, step, value) VALUES {places} "
            "ON CONFLICT (run_key, metric_key, step) DO UPDATE SET value = excluded.value",
            values,
        )


def as_rows(run_key: int, by_key: Mapping[int, Mapping[int, float]]) -> list[dict[str, float | None]]:
    """Return the same points as rows of their table, in its key's order; NaN as the NULL that stands for it."""
    return [
        {
            "run_key": run_key,
            "metric_key": metric,
            "step": step,
            "value": float(value) if (value := column[step]) == value else None,
        }
        for metric, column in sorted(by_key.items())
        for step in sorted(column)
    ]
