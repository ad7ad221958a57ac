"""A run's notes and tags: what people have to say about it, shown on its page and changed there."""

from functools import partial
from typing import Any

import streamlit as st

from dashboard import choose
from dashboard.sections import run_actions


def show_tags(run: dict[str, Any]) -> None:
    """The run's tags, as badges in one row; nothing where it has none."""
    if run["tags"]:
        with st.container(horizontal=True, gap="small"):
            for tag in run["tags"]:
                st.badge(choose.plain(tag), color="gray", icon=":material/sell:")


def show_notes(run: dict[str, Any]) -> None:
    """The run's notes in the order in which they were written, each with what changes it; none for the literature's."""
    for note in run["notes"]:
        with st.container(border=True):
            st.text(note["text"])
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(choose.when(note["created"]))
                if not run["literature"]:
                    run_actions.popover(
                        "Edit",
                        ":material/edit:",
                        f"edit note {note['number']}",
                        partial(_edit_form, run["id"], note["number"], note["text"]),
                    )


def _edit_form(run_id: str, number: int, text: str) -> bool:
    with st.form("edit note form", border=False):
        new = st.text_area("Note", text, height=120, width=320)
        with st.container(horizontal=True):
            saved = st.form_submit_button("Save note", type="primary")
            deleted = st.form_submit_button("Delete note", icon=":material/delete:")
        return (saved and run_actions.edit_note(run_id, number, new)) or (
            deleted and run_actions.delete_note(run_id, number)
        )
