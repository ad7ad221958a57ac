"""What can be done with the runs that are picked in the list: open, compare, rename, tag, annotate, trash, export."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.sections import run_actions, runs_export

_CHANGES = "changes of picked runs"
_HINT = (
    "A click on a run's name opens it. A click elsewhere in its row picks it: one run to rename, tag or annotate it, "
    "two or more to compare them. With Shift, all rows up to it."
)


def show(runs: pd.DataFrame) -> None:
    """Show what can be done with some picked runs, rows of `run_list.run_rows`; a hint where none is picked."""
    if runs.empty:
        st.caption(_HINT)
        return
    ids = list(runs.id)
    with st.container(key="runs-actions", border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(runs.name.iloc[0] if len(runs) == 1 else f"{len(runs)} runs picked")
            if len(runs) == 1:
                if st.button("Open", type="primary", icon=":material/monitoring:"):
                    choose.open_page("run", ids)
            elif st.button("Compare", type="primary", icon=":material/compare:"):
                choose.open_page("compare", ids)
            runs_export.archive_button(runs)
            own = not runs.literature.any()
            why = None if own else "The literature's run cannot be changed."
            trashed = st.button("Move to the trash", icon=":material/delete:", disabled=not own, help=why)
            if trashed and run_actions.trash(ids):
                choose.choose_runs([])
                st.rerun()
            st.button("Unpick", icon=":material/close:", on_click=choose.choose_runs, args=([],))
        if own:
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                if len(runs) == 1:
                    _ask_name(ids[0], runs.name.iloc[0])
                _ask_tags(ids, list(runs.tags))
                if len(runs) == 1:
                    _ask_note(ids[0])


def show_trash(runs: pd.DataFrame, unpick: Callable[[], None]) -> None:
    """Show what can be done with runs picked in the trash."""
    if runs.empty:
        return
    ids = list(runs.id)
    with st.container(key="runs-actions", border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.text(runs.name.iloc[0] if len(runs) == 1 else f"{len(runs)} runs picked")
        if st.button("Restore", type="primary", icon=":material/restore_from_trash:") and run_actions.restore(ids):
            st.rerun()
        with st.popover("Delete for good", icon=":material/delete_forever:", key="delete runs"):
            st.write("This deletes them with all that they recorded and their files. Nothing brings them back.")
            if st.button("Delete for good", type="primary", key="delete for good") and run_actions.purge(ids):
                st.rerun()
        st.button("Unpick", icon=":material/close:", on_click=unpick)


def keep_in_sight() -> None:
    """Let the bar of actions stand at the window's lower edge, however long the table above it is.

    Called outside of fragments, whose reruns would drop the style.
    """
    ground = st.config.get_option(f"theme.{'dark' if choose.dark() else 'light'}.backgroundColor")
    st.html(
        f"""<style>
        [data-testid="stLayoutWrapper"]:has(> .st-key-runs-actions) {{ position: sticky; bottom: 0.5rem; z-index: 5; }}
        .st-key-runs-actions {{ background: {ground}; max-height: 45vh; overflow-y: auto; }}
        </style>"""
    )


def _ask_name(run_id: str, name: str) -> None:
    wished = st.text_input("Name", name, key=_key("name", run_id, name), width=230)
    if wished != name:
        _act_once(lambda: run_actions.rename(run_id, wished))


def _ask_tags(run_ids: Sequence[str], tags: Sequence[Sequence[str]]) -> None:
    """Ask for the tags that the runs have in common."""
    common = [tag for tag in tags[0] if all(tag in others for others in tags[1:])]
    wished = st.multiselect(
        "Tags" if len(run_ids) == 1 else "Tags of all of them",
        sorted({*common, *data.facets()["tags"]}),
        default=common,
        key=_key("tags", *run_ids, *common),
        accept_new_options=True,
        placeholder="Type a tag",
        width=260,
    )
    added, removed = [tag for tag in wished if tag not in common], [tag for tag in common if tag not in wished]
    if added or removed:
        _act_once(lambda: run_actions.tag(run_ids, added, removed))


def _ask_note(run_id: str) -> None:
    with (
        st.form(f"note of {run_id}", clear_on_submit=True, border=False, width=270),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input("Note", key=f"note of {run_id}: text", width=190)
        st.form_submit_button("Add", on_click=_note, args=(run_id,))


def _key(*shown: str) -> str:
    """Return a field's key: another one for whatever else it shows, and after each change, so that a rerun leaves what
    is being typed and no old entry is taken for a new one."""
    return " ".join(("of picked runs", *shown, str(st.session_state.get(_CHANGES, 0))))


def _act_once(change: Callable[[], bool]) -> None:
    """Make a change that was entered in a field, and show the list as it is then; what cannot be done stays said."""
    st.session_state[_CHANGES] = st.session_state.get(_CHANGES, 0) + 1
    if change():
        st.rerun()


def _note(run_id: str) -> None:
    if run_actions.note([run_id], str(st.session_state[f"note of {run_id}: text"])):
        st.toast("The note is saved; the run's page shows all of them.")
