"""What can be done with the runs that are picked in the list: open, compare, rename, tag, annotate, trash, export."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.sections import runs_export
from fergan_core.errors import FerganError
from fergan_core.registry import Registry

_TRASHED, _FAULT = "runs just moved to the trash", "what could not be done with runs"
_HINT = (
    "A click on a run's name opens it. A click elsewhere in its row picks it: one run to rename, tag or annotate it, "
    "two or more to compare them. With Shift, all rows up to it."
)


def show(runs: pd.DataFrame) -> None:
    """Show what can be done with some picked runs, rows of `run_list.run_rows`; a hint where none is picked."""
    _show_what_was_done()
    if runs.empty:
        st.caption(_HINT)
        return
    ids = list(runs.id)
    _keep_in_sight()
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
            st.button(
                "Move to the trash", icon=":material/delete:", on_click=_trash, args=(ids,), disabled=not own, help=why
            )
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
    _show_what_was_done()
    if runs.empty:
        return
    ids = list(runs.id)
    _keep_in_sight()
    with st.container(key="runs-actions", border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.text(runs.name.iloc[0] if len(runs) == 1 else f"{len(runs)} runs picked")
        st.button("Restore", type="primary", icon=":material/restore_from_trash:", on_click=restore, args=(ids,))
        with st.popover("Delete for good", icon=":material/delete_forever:", key="delete runs"):
            st.write("This deletes them with all that they recorded and their files. Nothing brings them back.")
            st.button("Delete for good", type="primary", on_click=_purge, args=(ids,), key="delete for good")
        st.button("Unpick", icon=":material/close:", on_click=unpick)


def _keep_in_sight() -> None:
    """Let the bar of actions stand at the window's lower edge, however long the table above it is."""
    ground = st.config.get_option(f"theme.{'dark' if choose.dark() else 'light'}.backgroundColor")
    st.html(
        f"""<style>
        [data-testid="stLayoutWrapper"]:has(> .st-key-runs-actions) {{ position: sticky; bottom: 0.5rem; z-index: 5; }}
        .st-key-runs-actions {{ background: {ground}; max-height: 45vh; overflow-y: auto; }}
        </style>"""
    )


def restore(run_ids: Sequence[str]) -> None:
    """Take runs out of the trash."""
    _change(run_ids, lambda registry, run_id: registry.restore(run_id))
    st.session_state.pop(_TRASHED, None)


def _show_what_was_done() -> None:
    """Say what could not be done, or offer to take back that runs were moved to the trash."""
    if fault := st.session_state.pop(_FAULT, None):
        st.error(choose.sentence(fault))
    if trashed := st.session_state.get(_TRASHED):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            count = len(trashed)
            st.text("1 run is in the trash now." if count == 1 else f"{count} runs are in the trash now.")
            st.button("Undo", icon=":material/undo:", on_click=restore, args=(trashed,))


def _ask_name(run_id: str, name: str) -> None:
    # Keys name what is shown: another run, or a new name, makes another field; a rerun leaves what is being typed.
    key = f"name of {run_id}: {name}"
    st.text_input("Name", name, key=key, width=230, on_change=lambda: _rename(run_id, st.session_state[key]))


def _ask_tags(run_ids: Sequence[str], tags: Sequence[Sequence[str]]) -> None:
    """Ask for the tags that the runs have in common."""
    common = [tag for tag in tags[0] if all(tag in others for others in tags[1:])]
    key = f"tags of {','.join(run_ids)}: {common}"
    st.multiselect(
        "Tags" if len(run_ids) == 1 else "Tags of all of them",
        sorted({*common, *data.facets()["tags"]}),
        default=common,
        key=key,
        accept_new_options=True,
        placeholder="Type a tag",
        width=260,
        on_change=lambda: _tag(run_ids, set(common), set(st.session_state[key])),
    )


def _ask_note(run_id: str) -> None:
    with (
        st.form(f"note of {run_id}", clear_on_submit=True, border=False, width=270),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input("Note", key=f"note of {run_id}: text", width=190)
        st.form_submit_button("Add", on_click=_note, args=(run_id,))


def _rename(run_id: str, name: str) -> None:
    _change([run_id], lambda registry, one: registry.rename(one, name))


def _tag(run_ids: Sequence[str], before: set[str], after: set[str]) -> None:
    def change(registry: Registry, run_id: str) -> None:
        for tag in sorted(after - before):
            registry.tag(run_id, tag)
        for tag in sorted(before - after):
            registry.untag(run_id, tag)

    _change(run_ids, change)


def _note(run_id: str) -> None:
    text = str(st.session_state[f"note of {run_id}: text"])
    if text.strip():
        _change([run_id], lambda registry, one: registry.note(one, text))
        st.toast("The note is saved; the run's page shows all of them.")


def _trash(run_ids: Sequence[str]) -> None:
    if _change(run_ids, lambda registry, run_id: registry.trash(run_id)):
        st.session_state[_TRASHED] = list(run_ids)
        choose.choose_runs([])


def _purge(run_ids: Sequence[str]) -> None:
    _change(run_ids, lambda registry, run_id: registry.purge(run_id))
    st.session_state.pop(_TRASHED, None)


def _change(run_ids: Sequence[str], change: Callable[[Registry, str], Any]) -> bool:
    """Write something to each of the runs; remember, to be shown, why that was not possible."""
    try:
        registry = data.registry()
        for run_id in run_ids:
            change(registry, run_id)
    except FerganError as error:
        st.session_state[_FAULT] = str(error)
        return False
    return True
