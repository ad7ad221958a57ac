"""Runs as a table of HTML, in which rows are picked, runs opened and columns sorted by mouse and by keyboard.

Streamlit's own table picks a row by a box at its edge alone, sorts what is in the browser and not in the registry,
opens links in other tabs, and answers Enter with an overlay of the cell.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from dashboard.components import component

_table = component("run_table", "runs")


@dataclass(frozen=True)
class Column:
    """A column: the key of its cells and of its sort, its title, and what its '?' says."""

    key: str
    title: str
    help: str = ""
    sortable: bool = True
    number: bool = False


@dataclass(frozen=True)
class Row:
    """A row: a run or a group of runs.

    `ids` are the runs that it stands for, `href` is the address of its page (none of a group, nor where a click chooses
    the run on this page), `open` whether a group shows its runs (None of a run). A cell holds any of text, small (a
    second line), help (its tooltip), picture (a data address), badges (text and colour), button (its text), line (epoch
    and value; `low` and `high` of the axis).
    """

    id: str
    ids: list[str]
    cells: Mapping[str, Mapping[str, Any]]
    href: str = ""
    level: int = 0
    open: bool | None = None


def show(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    label: str,
    sort: str,
    descending: bool,
    picked: Sequence[str],
    key: str,
    on_sort: Callable[[str], None],
    on_pick: Callable[[list[str]], None] | None = None,
    on_open: Callable[[str], None] | None = None,
    on_toggle: Callable[[str], None] | None = None,
    on_button: Callable[[str], object] | None = None,
) -> str | None:
    """Show the table; return the id of the run whose name was clicked, None if none was.

    With `on_pick` rows have tick boxes, and it gets the ids of all runs that are picked, on this page of the list or on
    others. Without it a click anywhere on a row is one on its name, and the `picked` rows are marked. `on_open` gets
    the id that is returned, before the page is run again; `on_sort` a column's key, `on_toggle` a group's, `on_button`
    the id of the run in whose row a button was clicked.
    """
    state = st.session_state.get(key) or {}

    def tell(what: str, hear: Callable[[str], object] | None) -> Callable[[], None]:
        def hear_it() -> None:
            if hear is not None:
                hear(str(st.session_state[key][what]))

        return hear_it

    def pick() -> None:
        if on_pick is not None:
            on_pick(list(st.session_state[key]["picked"]["ids"]))

    result = _table(
        data={
            "label": label,
            "columns": [asdict(column) for column in columns],
            "rows": [asdict(row) for row in rows],
            "sort": sort,
            "descending": descending,
            "ticks": on_pick is not None,
            "picked": list(picked),
            # The number of the click that this answers: a newer one is on its way and holds.
            "answer": (state.get("picked") or {"number": 0})["number"],
        },
        key=key,
        on_picked_change=pick,
        on_open_change=tell("open", on_open),
        on_sort_change=tell("sort", on_sort),
        on_toggle_change=tell("toggle", on_toggle),
        on_button_change=tell("button", on_button),
    )
    opened: str | None = result.open
    return opened
