"""What a person does to one or several runs, on every page that shows them: rename, tag, note, trash, restore.

Each function that changes something says by what it returns whether all of it was done; what was not is a sentence on
the page.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard import choose, data
from dashboard.sections import report_button
from fergan_core.errors import FerganError
from fergan_core.registry import Registry

_DONE = "what was done"


def rename(run_id: str, name: str) -> bool:
    """Give a run another name."""
    return _each([run_id], lambda registry, run: registry.rename(run, name))


def tag(run_ids: Sequence[str], add: Sequence[str], remove: Sequence[str] = ()) -> bool:
    """Give all runs some tags, and take others off them."""

    def change(registry: Registry, run_id: str) -> None:
        for word in add:
            registry.tag(run_id, word)
        for word in remove:
            registry.untag(run_id, word)

    return _each(run_ids, change)


def note(run_ids: Sequence[str], text: str) -> bool:
    """Add the same note to all runs."""
    return _each(run_ids, lambda registry, run_id: registry.note(run_id, text))


def edit_note(run_id: str, number: int, text: str) -> bool:
    """Change the text of a run's note."""
    return _each([run_id], lambda registry, run: registry.edit_note(run, number, text))


def delete_note(run_id: str, number: int) -> bool:
    """Delete a run's note."""
    return _each([run_id], lambda registry, run: registry.delete_note(run, number))


def trash(run_ids: Sequence[str]) -> bool:
    """Move runs to the trash; `show_done` then offers to restore them."""
    trashed = _each(run_ids, lambda registry, run_id: registry.trash(run_id))
    if trashed:
        st.session_state[_DONE] = (f"Moved {_number(run_ids)} to the trash.", tuple(run_ids))
    return trashed


def restore(run_ids: Sequence[str]) -> bool:
    """Bring runs back from the trash."""
    restored = _each(run_ids, lambda registry, run_id: registry.restore(run_id))
    if restored:
        st.session_state[_DONE] = (f"{_number(run_ids).capitalize()} restored.", ())
    return restored


def purge(run_ids: Sequence[str]) -> bool:
    """Delete runs in the trash for good, with their files."""
    purged = _each(run_ids, lambda registry, run_id: registry.purge(run_id))
    if purged:
        st.session_state[_DONE] = (f"{_number(run_ids).capitalize()} deleted.", ())
    return purged


def show_done() -> None:
    """Say once what was done last, with a button that undoes it; where nothing was done, show nothing.

    Of a page outside its fragments, near its top.
    """
    sentence, trashed = st.session_state.pop(_DONE, ("", ()))
    if not sentence:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.success(sentence, icon=":material/check:", width=420)
        if trashed:
            st.button("Restore", icon=":material/undo:", key="undo trash", on_click=lambda: _undo(trashed))


def offer_restore(run_id: str) -> None:
    """A button that takes a run, which an address names, out of the trash; nothing where it is not in it."""
    if run_id and run_id in data.trashed():
        name = choose.plain(data.run(run_id)["name"])
        st.button(f"Restore {name}", icon=":material/undo:", key="restore", on_click=lambda: _undo([run_id]))


def _undo(trashed: Sequence[str]) -> None:
    if restore(trashed):
        choose.choose_runs(trashed)


def show_buttons(run_ids: Sequence[str]) -> None:
    """The actions on the chosen runs as a row of buttons, each of which opens its form; one run alone can be renamed.

    The literature's runs take none of them. What else changes on the page shows only after a rerun of all of it, which
    a change asks for by itself.
    """
    with st.container(horizontal=True):
        if len(run_ids) == 1:
            popover("Rename", ":material/edit:", "rename", lambda: _rename_form(run_ids[0]))
        popover("Tags", ":material/sell:", "tags", lambda: _tag_form(run_ids))
        popover("Add note", ":material/note_add:", "add note", lambda: _note_form(run_ids))
        report_button.show(run_ids)
        if st.button("Move to trash", icon=":material/delete:", key="trash") and trash(run_ids):
            st.rerun()


def popover(label: str, icon: str, key: str, form: Callable[[], bool]) -> None:
    """A button that opens a form, which is made only then; it closes, and the page reruns, once the form says so."""
    if st.session_state.pop(f"close {key}", False):
        st.session_state[key] = False
    popover = st.popover(label, icon=icon, key=key, on_change="rerun")
    if popover.open:
        with popover:
            if form():
                st.session_state[f"close {key}"] = True
                st.rerun()


def _rename_form(run_id: str) -> bool:
    with st.form("rename form", border=False):
        # With a key it is the same box after a renaming: what is typed into a form opened again at once, before the
        # server has made it anew, is not lost.
        name = st.text_input("Name", data.run(run_id)["name"], key=f"new name of {run_id}", width=320)
        return st.form_submit_button("Save name", type="primary") and rename(run_id, name)


def _tag_form(run_ids: Sequence[str]) -> bool:
    """Ask for tags: those that all the runs have are chosen, and are taken off all of them when they are not."""
    runs = data.runs()
    of_each = [set(tags) for tags in runs.tags[runs.id.isin(run_ids)]]
    common = sorted(set.intersection(*of_each)) if of_each else []
    with st.form("tag form", border=False):
        chosen = st.multiselect(
            f"Tags of {_number(run_ids)}",
            sorted(set(runs.tags.explode().dropna())),
            common,
            accept_new_options=True,
            placeholder="Choose tags, or type a new one",
            width=320,
        )
        if some := sorted(set().union(*of_each) - set(common)):
            st.caption(choose.plain(f"Some of them also have, and keep: {', '.join(some)}."))
        removed = [word for word in common if word not in chosen]
        return st.form_submit_button("Save tags", type="primary") and tag(run_ids, chosen, removed)


def _note_form(run_ids: Sequence[str]) -> bool:
    with st.form("note form", border=False):
        text = st.text_area(f"Note on {_number(run_ids)}", height=120, width=320)
        return st.form_submit_button("Save note", type="primary") and note(run_ids, text)


def _each(run_ids: Sequence[str], change: Callable[[Registry, str], None]) -> bool:
    """Change the runs one by one; a run that cannot be changed is a sentence, and does not keep the others from it."""
    sentences: dict[str, None] = {}
    try:
        registry = data.registry()
        for run_id in run_ids:
            try:
                change(registry, run_id)
            except FerganError as error:
                sentences[str(error)] = None
    except FerganError as error:
        sentences[str(error)] = None
    for sentence in sentences:
        st.error(choose.sentence(sentence))
    return not sentences


def _number(run_ids: Sequence[str]) -> str:
    return "the run" if len(run_ids) == 1 else f"{len(run_ids)} runs"
