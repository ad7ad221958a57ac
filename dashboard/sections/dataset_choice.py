"""The Data page's choice: a dataset that runs were trained on, synthfer, or one that is given by path or uploaded."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import access, choose, data, dataset_places, open_datasets
from dashboard.open_datasets import OpenDataset, Place
from dashboard.sections import dataset_path
from fergan_core.errors import FerganError

SYNTHFER = "synthfer"
UPLOADS = ["csv", "zip", "gz", "tgz", "tar", "parquet", "npz"]
MOST_UPLOADED_MB = 1000
CHOSEN, ASKED = "dataset chosen", "dataset asked for"


@dataclass(frozen=True)
class Choice:
    """A dataset that can be chosen: where it lies (None: nobody has said), and what runs recorded of it, if any."""

    label: str
    place: Place | None
    recorded: Mapping[str, Any] | None = None


def choose_dataset() -> OpenDataset | None:
    """Ask for a dataset and open it; None where it is not open yet, of which the page then says why."""
    _open_asked()
    choices = _choices()
    requested = st.query_params.get("data", "")
    if requested and requested not in choices:
        st.warning(
            choose.plain(f"The address names the dataset '{requested[:20]}', which no run here was trained on; ")
            + "choose from the list, or open its file:"
        )
    st.session_state["dataset shown"] = _first(choices)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Dataset",
            choices,
            format_func=lambda one: choices[one].label,
            key="dataset shown",
            on_change=_follow,
            width=420,
        )
        with st.popover("Open another", icon=":material/folder_open:"):
            _open_another()
    st.query_params["data"] = chosen
    choice = choices[chosen]
    if choice.place is None:
        assert choice.recorded is not None
        dataset_path.ask(choice.recorded, f"dataset {chosen}")
        return None
    return _opened(choice)


def _open_asked() -> None:
    """Open what the address or the person names by its path, unless it is among the choices already; stop until it is
    open. What cannot be opened is said, and another dataset shown."""
    place = _asked()
    if place is None:
        return
    try:
        opened = open_datasets.opened(place)
    except FerganError as error:
        st.error(choose.sentence(dataset_path.in_page_words(error)))
        _forget_path()
        return
    if opened is None:
        choose.fragment(_wait, run_every=1)(place)
        st.stop()
    dataset_places.remember_place(opened)
    st.session_state[CHOSEN] = st.query_params["data"] = opened.dataset.content_hash[:12]


def _forget_path() -> None:
    for name in ("path", "order"):
        st.query_params.pop(name, None)


def _asked() -> Place | None:
    """Return the place that the address or the person names, unless what lies there is open and can be chosen."""
    path = st.query_params.get("path")
    if path is None:
        return None
    place = Place(path, st.query_params.get("order"))
    if place in dataset_places.dataset_places().values():
        return None
    if access.is_open_to_others() and not _is_uploaded(path):
        st.info(choose.sentence(dataset_path.NOT_FOR_OTHERS))
        return None
    return place


def _choices() -> dict[str, Choice]:
    """Return what can be chosen by a name for the address: what runs used, synthfer, and what this session opened."""
    choices = {}
    places = dataset_places.dataset_places()
    drawn: list[str] = []
    for recorded in data.recorded_datasets():
        if recorded["source"] == SYNTHFER:
            drawn += recorded["runs"]
            continue
        count = len(recorded["runs"])
        label = f"{dataset_path.named(recorded)}, of {count} run{'' if count == 1 else 's'}"
        choices[recorded["content_hash"][:12]] = Choice(label, dataset_places.place_of(recorded), recorded)
    of_runs = f", of {len(drawn)} run{'' if len(drawn) == 1 else 's'}" if drawn else ""
    choices[SYNTHFER] = Choice(f"synthfer, the built-in faces{of_runs}", Place(SYNTHFER))
    for content, place in places.items():
        if content[:12] not in choices and place.path != SYNTHFER:
            choices[content[:12]] = Choice(f"{Path(place.path).name} ({content[:8]})", place)
    return choices


def _first(choices: Mapping[str, Choice]) -> str:
    """Return what to open: the address's dataset, the chosen one, the chosen run's, or else the first that is here."""
    run_id, known = choose.in_focus(), set(data.runs().id)
    of_run = None
    if run_id is not None and run_id in known:
        recorded = data.run(run_id)["dataset"]
        of_run = SYNTHFER if recorded["source"] == SYNTHFER else str(recorded["content_hash"])[:12]
    here = [one for one, choice in choices.items() if choice.place is not None]
    wished = [st.query_params.get("data"), st.session_state.get(CHOSEN)]
    return next(
        one
        for one in [*(one for one in wished if one in choices), *([of_run] if of_run in here else []), *here]
        if one is not None
    )


def _follow() -> None:
    """Take a choice from the list: the address names it, and no longer another one's path or face."""
    st.session_state[CHOSEN] = st.query_params["data"] = st.session_state["dataset shown"]
    _forget_path()
    st.query_params.pop("face", None)


def _opened(choice: Choice) -> OpenDataset | None:
    """Open a chosen dataset, whose path the address then has if somebody gave it; None while it is being read."""
    place = choice.place
    assert place is not None
    try:
        opened = open_datasets.opened(place)
    except FerganError as error:
        st.error(choose.sentence(dataset_path.in_page_words(error)))
        return None
    if opened is None:
        choose.fragment(_wait, run_every=1)(place)
        return None
    _forget_path()
    if place in dataset_places.dataset_places().values():
        st.query_params["path"] = place.path
        if place.label_order is not None:
            st.query_params["order"] = place.label_order
    elif choice.recorded is not None and opened.dataset.content_hash != choice.recorded["content_hash"]:
        st.warning(
            choose.plain(
                f"What lies at '{place.path}' now ({opened.dataset.content_hash[:8]}) is not what the runs were "
                f"trained on, {dataset_path.named(choice.recorded)}; it is shown as it is."
            )
        )
    return opened


def _wait(place: Place) -> None:
    """Say for how long a dataset has been being read; once it is open, show the page anew."""
    try:
        ready = open_datasets.opened(place, patience=0.0) is not None
    except FerganError:
        ready = True
    if ready:
        st.rerun()
    words = (
        "Opening the 32,298 built-in faces; the first time they are drawn, which takes half a minute"
        if place.path == SYNTHFER
        else f"Reading {place.path}; the first time that takes some seconds"
    )
    st.status(f"{choose.plain(words)}: {open_datasets.seconds_so_far(place):.0f} s so far.", state="running")


def _open_another() -> None:
    """Fields for a path and a label order, and a place to drop a file."""
    if access.is_open_to_others():
        st.info(choose.sentence(dataset_path.NOT_FOR_OTHERS))
    else:
        with st.form("open a path", border=False):
            path = st.text_input("Path of a file or folder", key="path to open", placeholder="/home/me/fer2013.csv")
            order = dataset_path.order_field("order to open")
            if st.form_submit_button("Open") and path.strip():
                _ask_for(path.strip(), order)
    uploaded = st.file_uploader(
        "Or upload a file", UPLOADS, key=f"upload {st.session_state.get(ASKED, 0)}", max_upload_size=MOST_UPLOADED_MB,
        help="fer2013.csv, its tar.gz, a zip of folders named after emotions, parquet or npz. It is kept until the "
        "dashboard's server ends.",
    )  # fmt: skip
    if uploaded is not None:
        content = uploaded.getbuffer()
        folder = _uploads() / hashlib.sha256(content).hexdigest()[:16]
        folder.mkdir(exist_ok=True)
        file = folder / Path(uploaded.name).name
        if not file.exists():
            file.write_bytes(content)
        # A new uploader, so that the server does not keep the file in memory too.
        st.session_state[ASKED] = st.session_state.get(ASKED, 0) + 1
        _ask_for(str(file), None)


def _ask_for(path: str, order: str | None) -> None:
    """Write a path into the address, from which the page opens it; what was open before is no longer chosen."""
    place = Place(path, order)
    for content, known in dataset_places.dataset_places().items():
        if known == place:
            st.session_state[CHOSEN] = st.query_params["data"] = content[:12]
    _forget_path()
    st.query_params.pop("face", None)
    st.query_params["path"] = path
    if order is not None:
        st.query_params["order"] = order
    st.rerun()


@st.cache_resource(show_spinner=False)
def _upload_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="fergan-uploads-")


def _uploads() -> Path:
    return Path(_upload_folder().name)


def _is_uploaded(path: str) -> bool:
    return Path(path).resolve().is_relative_to(_uploads().resolve())
