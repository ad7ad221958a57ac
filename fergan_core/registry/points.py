"""Points on their way into their table: by metric and step, of which the last value counts; many rows a statement."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, islice, repeat

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from fergan_core.registry.connect import inserted_key
from fergan_core.registry.schema import MetricRow, PointRow

_POINTS_A_STATEMENT = 1000

Columns = defaultdict[str, dict[int, float]]
"""Each metric's values by step; a step that is put twice keeps the last value."""


def columns() -> Columns:
    """Return empty columns."""
    return defaultdict(dict)


def add(columns: Columns, rows: Iterable[tuple[str, int, float]]) -> None:
    """Put points (metric, step, value) into columns."""
    for metric, step, value in rows:
        columns[metric][step] = value


def insert(connection: Connection, run_key: int, columns: Mapping[str, Mapping[int, float]]) -> None:
    """Write a run's points; one that is there already takes the new value."""
    keys = metric_keys(connection, columns)
    by_key = {keys[name]: column for name, column in columns.items()}
    if connection.dialect.name == "sqlite":
        _insert_by_driver(connection, run_key, by_key)
        return
    statement = postgresql.insert(PointRow)
    replacing = statement.on_conflict_do_update(
        index_elements=[column.name for column in PointRow.__table__.primary_key],
        set_={"value": statement.excluded["value"]},
    )
    connection.execute(replacing, _as_rows(run_key, by_key))


def metric_keys(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return all metrics' keys by name, with new ones for those of `names` that had none."""
    keys = {name: key for key, name in connection.execute(sa.select(MetricRow.key, MetricRow.name))}
    for name in sorted(set(names) - set(keys)):
        keys[name] = inserted_key(connection.execute(sa.insert(MetricRow).values(name=name)))
    return keys


def _insert_by_driver(connection: Connection, run_key: int, by_key: Mapping[int, Mapping[int, float]]) -> None:
    """Write points, the values by step of each metric's key, to SQLite.

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


def _as_rows(run_key: int, by_key: Mapping[int, Mapping[int, float]]) -> list[dict[str, float | None]]:
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
