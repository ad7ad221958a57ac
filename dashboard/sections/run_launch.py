"""What the page Run can do with a training, where starting them from the browser is allowed: stop, resume, fork."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import choose, data, dataset_places, launches
from dashboard.open_datasets import Place
from dashboard.sections import dataset_path, run_actions, train_command, train_fields, train_started
from fergan_core.analysis.settings import field_text
from fergan_core.errors import UsageError
from fergan_core.recipe import KEPT_BY_FORKS, OWN_SCRIPT, changed, flat, form_fields, from_dict

_FORM_PIXELS = 420
_FIELD_HELP = "The one field in which the fork differs from this run from that epoch on."


def show(run_id: str) -> None:
    """The buttons for a run of FerGAN's own methods; nothing where trainings cannot be started from this browser."""
    run = data.run(run_id)
    if launches.refusal() is not None or run["method"] == OWN_SCRIPT:
        return
    if run["status"] == "running":
        choose.fragment(_show_running, run_every=choose.LIVE_SECONDS)(run_id)
        return
    saved = data.checkpoints(run_id)
    epochs = list(saved.epoch[saved.state_path.notna()].sort_values().unique())
    if not epochs:
        return
    with st.container(horizontal=True):
        if run["status"] != "finished":
            run_actions.popover("Resume", ":material/resume:", "resume", lambda: _resume_form(run))
        run_actions.popover("Fork", ":material/fork_right:", "fork", lambda: _fork_form(run, epochs))


def _show_running(run_id: str) -> None:
    if data.run(run_id)["status"] != "running":
        st.rerun()
    launch = launches.of_run(run_id, data.url())
    if launch is None:
        st.caption("It was not started from the browser of this machine: stop it where it runs, by Ctrl-C.")
    else:
        train_started.stop_button(launch)


def _resume_form(run: Mapping[str, Any]) -> bool:
    """Say by which command the run goes on from its last checkpoint, and start it."""
    place = _place(run)
    if place is None:
        return False
    st.markdown(
        "Resume training from the last checkpoint. The result is the same as without the interruption. Anything "
        "recorded after that checkpoint is overwritten."
    )
    words = train_command.of_resume(run, _unless_recorded(place, run), data.url())
    return _start(words, "Resume the run", run["id"])


def _fork_form(run: Mapping[str, Any], epochs: list[int]) -> bool:
    """Ask for an epoch, a field and its new value, show the command, and start it."""
    place = _place(run)
    if place is None:
        return False
    with st.container(width=_FORM_PIXELS):
        return _asked_fork(run, epochs, place)


def _asked_fork(run: Mapping[str, Any], epochs: list[int], place: Place) -> bool:
    recipe = from_dict(run["recipe"])
    fields = {name: field for name, field in form_fields(run["method"]).items() if name not in KEPT_BY_FORKS}
    values = flat(run["recipe"])
    epoch = st.selectbox("After epoch", epochs, len(epochs) - 1, key="fork epoch")
    name: str = st.selectbox(
        "Field", [name for name, field in fields.items() if len(field.choices) != 1], key="fork field",
        help=_FIELD_HELP,
    )  # fmt: skip
    value = train_fields.widget(fields[name], values[name], f"fork {run['id']} {name}")
    title = st.text_input("Name of the fork", key="fork name", placeholder="made from the preset")
    if value == values[name]:
        st.caption(
            f"Change the value: with {choose.plain(train_fields.value_text(value))} it would repeat what this run did."
        )
        return False
    text = field_text(value)
    try:
        changed(recipe, {name: text})
        words = train_command.of_fork(run, epoch, (name, text), title, _unless_recorded(place, run), data.url())
    except UsageError as error:
        st.error(choose.sentence(str(error)))
        return False
    return _start(words, "Start the fork")


def _start(words: list[str], label: str, known_run: str = "") -> bool:
    """Show a command and a button that starts it; the page Train then shows how it goes."""
    st.code(train_command.as_typed(words), language=None, wrap_lines=True)
    if st.button(label, type="primary", icon=":material/play_arrow:", key=label):
        launches.start(words, data.url(), known_run)
        choose.open_page("train")
    return False


def _place(run: Mapping[str, Any]) -> Place | None:
    """Return where the run's dataset lies; None where it has to be asked for, which is done then."""
    if not dataset_path.is_at_hand(run["dataset"], f"train {run['id']}"):
        return None
    return dataset_places.place_of(run["dataset"])


def _unless_recorded(place: Place, run: Mapping[str, Any]) -> Place | None:
    """Return a place that a command has to be told: the one that the run recorded it finds by itself."""
    return None if place.path == run["dataset"]["source"] else place
