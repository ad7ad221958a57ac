"""All runs: a live table to search, filter, group and sort, in which runs are opened and picked; and the trash."""

from collections.abc import Sequence

import streamlit as st

from dashboard import choose, data
from dashboard.sections import run_actions, runs_actions, runs_export, runs_query, runs_table

_OPENED, _IN_TRASH = "runs picked as the list opened", "runs picked in the trash"


def show_runs() -> None:
    """The list, read anew every few seconds: a run that begins appears by itself."""
    trashed = choose.part("Runs", "Trash") == "Trash"
    query, columns = runs_query.ask(trashed)
    picked = list(st.session_state.get(_IN_TRASH, [])) if trashed else chosen_runs()
    listed = runs_table.show(query, columns, picked, pick_in_trash if trashed else choose.choose_runs)
    if listed.total:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            runs_query.turn_pages(listed)
            runs_export.table_button(query, columns)
    elif trashed:
        st.info("Nothing in the trash matches." if data.trashed() else "The trash is empty.")
    if not trashed and listed.runs < 2 and choose.any_trained(data.runs()) and not listed.total:
        st.info("No run matches these filters.")
    runs = data.run_rows(picked)
    runs = runs[runs.trashed.notna() == trashed]
    if trashed:
        runs_actions.show_trash(runs, lambda: pick_in_trash([]))
    elif listed.total or not runs.empty:
        runs_actions.show(runs)


def chosen_runs() -> list[str]:
    """Return the runs that are chosen on all pages; the address names them, and one that was followed chooses them."""
    state, address = st.session_state, st.query_params
    asked = address.get("runs")
    if asked is not None and asked != state.get(_OPENED):
        choose.choose_runs([run_id for run_id in asked.split(",") if run_id])
    chosen = choose.chosen_runs()
    state[_OPENED] = ",".join(chosen)
    if chosen:
        address["runs"] = state[_OPENED]
    else:
        address.pop("runs", None)
    return chosen


def pick_in_trash(run_ids: Sequence[str]) -> None:
    """Pick runs in the trash, which other pages do not show."""
    st.session_state[_IN_TRASH] = list(run_ids)


choose.heading("Runs", "Which runs are there, how far are they, and how good is each?")
run_actions.show_done()
runs_actions.keep_in_sight()
choose.fragment(show_runs, run_every=choose.LIVE_SECONDS)()
