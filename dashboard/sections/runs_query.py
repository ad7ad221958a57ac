"""What of the runs to list: words, filters, grouping, columns, sort and page, all of which the address carries."""

from typing import Any

import streamlit as st

from dashboard import choose, data
from dashboard.sections.runs_columns import DEFAULT, FIXED, OPTIONAL, first_descending, sortable
from fergan_core.registry.run_list import GROUPS, PAGE_SIZE, RunList, RunQuery

_SORT, _OPEN = "sort of runs", "open groups of runs"
_NOT_GROUPED = "Nothing"
_NEWEST = "-created"
_KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def ask(trashed: bool) -> tuple[RunQuery, list[str]]:
    """Ask for search words, filters, grouping and columns; return the query and the keys of the columns."""
    found = data.facets(trashed=trashed)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        words = st.text_input(
            "Search",
            key="search",
            placeholder="Name, id, tag or note",
            width=230,
            on_change=turn_to_first_page,
            **_KEPT,
        )
        with st.popover("Filter", icon=":material/filter_list:", key="filter of runs"):
            chosen = {
                name: _several(title, name, options)
                for title, name, options in (
                    ("Status", "status", list(choose.STATUS_COLOURS)),
                    ("Preset", "preset", found["presets"]),
                    ("Method", "method", found["methods"]),
                    ("Data", "data", found["data"]),
                    ("Tag", "tag", found["tags"]),
                )
            }
        group = st.selectbox(
            "Group by",
            [*(name.capitalize() for name in GROUPS), _NOT_GROUPED],
            key="group",
            width=130,
            on_change=turn_to_first_page,
            **_KEPT,
        )
        with st.popover("Columns", icon=":material/view_column:", key="columns of runs"):
            columns = st.multiselect(
                "Columns beside the first",
                list(OPTIONAL),
                default=list(DEFAULT),
                key="columns",
                help="Any score, of each run's newest evaluation, and any field of the recipes.",
                **_KEPT,
            )
    sort = _sort()
    query = RunQuery(
        words=words,
        statuses=chosen["status"],
        presets=chosen["preset"],
        methods=chosen["method"],
        data=chosen["data"],
        tags=chosen["tag"],
        trashed=trashed,
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        group=None if group == _NOT_GROUPED else group.lower(),
        page=_page(),
    )
    return query, [*FIXED, *(OPTIONAL[name] for name in columns)]


def turn_to_first_page() -> None:
    """Go to the first page of the list, since another list has other pages."""
    st.session_state["page"] = 1


def turn_pages(listed: RunList) -> None:
    """Say how many runs the list has, and turn its pages where there are several."""
    st.text("1 run" if listed.runs == 1 else f"{listed.runs:,} runs")
    pages = -(-listed.total // PAGE_SIZE)
    if pages > 1:
        if st.session_state.get("page", listed.page) != listed.page:
            st.session_state["page"] = listed.page
        st.pagination(pages, key="page", bind="query-params")


def sort_by(key: str) -> None:
    """Sort by a column: the other way round where it is the one already, else with the better or newer first."""
    now = _sort()
    if now.removeprefix("-") == key:
        st.query_params["sort"] = key if now.startswith("-") else f"-{key}"
    else:
        st.query_params["sort"] = f"-{key}" if first_descending(key) else key
    turn_to_first_page()


def open_groups() -> list[str]:
    """Return the keys of the groups whose runs are shown."""
    state = st.session_state
    state[_OPEN] = st.query_params.get_all("open") or state.get(_OPEN, [])
    return list(state[_OPEN])


def toggle(key: str) -> None:
    """Show a group's runs, or hide them."""
    keys = open_groups()
    st.session_state[_OPEN] = [one for one in keys if one != key] if key in keys else [*keys, key]
    st.query_params["open"] = st.session_state[_OPEN]


def _several(title: str, key: str, options: list[str]) -> tuple[str, ...]:
    return tuple(
        st.multiselect(title, options, key=key, placeholder="Any", on_change=turn_to_first_page, width=300, **_KEPT)
    )


def _sort() -> str:
    """Return the sort, a column's key, behind a '-' where the highest come first; the address carries it."""
    state = st.session_state
    wished = st.query_params.get("sort") or state.get(_SORT, _NEWEST)
    state[_SORT] = st.query_params["sort"] = wished if sortable(wished.removeprefix("-")) else _NEWEST
    return str(state[_SORT])


def _page() -> int:
    wished = str(st.session_state.get("page") or st.query_params.get("page", "1"))
    return int(wished) if wished.isdecimal() else 1
