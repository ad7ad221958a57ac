"""A page's own list of some runs: a click on a row opens its run, one on a column's title sorts; for this session."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose
from dashboard.components import run_table
from dashboard.components.run_table import Column, Row
from dashboard.sections.runs_columns import first_descending

BY_KEYBOARD = "by keyboard, Enter on its name, and the arrows move between rows"


def show(
    table: pd.DataFrame,
    columns: Sequence[Column],
    *,
    key: str,
    label: str,
    chosen: Sequence[str] = (),
    on_choose: Callable[[str], None] | None = None,
) -> None:
    """List runs: `table` has a row a run, its run_id, and by each column's key a number, a text or a list of badges.

    A click on a row opens its run's page; with `on_choose` this gets the run's id instead, and the rows of the `chosen`
    runs are marked. Rows stand in the table's order until they are sorted.
    """
    sort, descending = st.session_state.get(_sort_of(key), ("", False))
    ordered = table if sort not in table else in_order(table, sort, descending=descending)
    rows = [
        Row(
            run_id,
            [run_id],
            {column.key: cell(column.key, value) for column, value in zip(columns, values, strict=True)},
            "" if on_choose else f"run?run={run_id}",
        )
        for run_id, *values in ordered[["run_id", *(column.key for column in columns)]].to_numpy(object)
    ]
    opened = run_table.show(
        columns, rows, label=label, sort=sort, descending=descending, picked=chosen, key=key,
        on_sort=lambda by: sort_by(key, by), on_open=on_choose,
    )  # fmt: skip
    if on_choose is None:
        st.caption(f"A click on a row opens its run; {BY_KEYBOARD}.")
        if opened:
            choose.open_page("run", [opened], run=opened)


def in_order(table: pd.DataFrame, by: str, *, descending: bool) -> pd.DataFrame:
    """Sort rows by a column, numbers by size and all else by its words; those without a value come last."""
    values = table[by].map(lambda value: None if _is_missing(value) else value)
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.count() < values.count():
        numbers = values.map(lambda value: _words(value).casefold(), na_action="ignore")
    return table.loc[numbers.sort_values(ascending=not descending, kind="stable", na_position="last").index]


def sort_by(key: str, by: str) -> None:
    """Sort by a column: at first as it is mostly wanted, then the other way round, then again in the table's order."""
    first = first_descending(by)
    now = st.session_state.get(_sort_of(key), ("", False))
    following = {(by, first): (by, not first), (by, not first): ("", False)}
    st.session_state[_sort_of(key)] = following.get(now, (by, first))


def cell(key: str, value: Any) -> dict[str, Any]:
    """Return the cell of a value in the column `key`: a score of four digits, anything else in full."""
    if isinstance(value, list):
        return {"badges": value}
    if _is_missing(value):
        return {"text": "–"}
    return {"text": f"{value:.4g}" if key.startswith("score:") else _words(value)}


def _is_missing(value: Any) -> bool:
    return not isinstance(value, list) and (pd.isna(value) or value == "")


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(badge["text"] for badge in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _sort_of(key: str) -> str:
    return f"sort of {key}"
