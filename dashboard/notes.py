"""A run's notes and tags: what people have to say about it, shown on its page and written down there."""

from typing import Any

import streamlit as st

from dashboard import choose, data
from fergan_core.errors import FerganError


def show(run: dict[str, Any]) -> None:
    """Notes and tags, with what a person needs to add to them; the literature's run takes none."""
    st.subheader("Notes and tags", anchor=False)
    for note in run["notes"]:
        with st.container(border=True):
            st.text(note["text"])
            st.caption(choose.when(note["created"]))
    if run["literature"]:
        return
    key = f"tags of {run['id']}"
    st.session_state[key] = run["tags"]
    st.multiselect(
        "Tags",
        run["tags"],
        key=key,
        accept_new_options=True,
        placeholder="Type a tag",
        on_change=_save_tags,
        args=(run["id"], key),
    )
    with st.form("note", clear_on_submit=True, border=False):
        st.text_area("Note", key="note", height=90)
        st.form_submit_button("Add note", on_click=_save_note, args=(run["id"],))


def _save_tags(run_id: str, key: str) -> None:
    """Make the run's tags those that were chosen."""
    before, after = set(data.run(run_id)["tags"]), set(st.session_state[key])
    try:
        for tag in sorted(after - before):
            data.registry().tag(run_id, tag)
        for tag in sorted(before - after):
            data.registry().untag(run_id, tag)
    except FerganError as error:
        st.error(choose.sentence(str(error)))


def _save_note(run_id: str) -> None:
    """Add what was written as a note."""
    try:
        if st.session_state["note"].strip():
            data.registry().note(run_id, st.session_state["note"])
    except FerganError as error:
        st.error(choose.sentence(str(error)))
