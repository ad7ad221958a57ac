"""Where the datasets of runs lie, as far as this session knows, and real faces from them: a registry holds none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from dashboard import open_datasets
from dashboard.face_client import Faces
from dashboard.open_datasets import OpenDataset, Place, is_there
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import DataError


def dataset_places() -> dict[str, Place]:
    """Return where datasets were found to lie in this session, by content hash: a registry holds no faces."""
    places: dict[str, Place] = st.session_state.setdefault("where datasets lie", {})
    return places


def remember_place(opened: OpenDataset) -> None:
    """Remember for the session where a dataset lies."""
    dataset_places()[opened.dataset.content_hash] = opened.place


def place_of(recorded: Mapping[str, Any]) -> Place | None:
    """Return where the dataset of runs lies: where this session found it, else where they found it; None if it is at
    neither place now. `recorded` is what a run recorded of it, or an entry of `recorded_datasets`."""
    known = dataset_places().get(str(recorded["content_hash"]))
    if known is not None and is_there(known.path):
        return known
    for path in recorded.get("sources", [recorded["source"]]):
        if is_there(path):
            return Place(path, recorded.get("label_order"))
    return None


def located(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run recorded of its dataset, with the place at which it lies now."""
    place = place_of(recorded)
    if place is None:
        return dict(recorded)
    order = {} if place.label_order is None else {"label_order": place.label_order}
    return {**recorded, "source": place.path, **order}


def real_faces(recorded: Mapping[str, Any], emotions: Sequence[str], count: int) -> dict[str, Faces] | None:
    """Return training faces uint8 [count,48,48] by emotion, always the same, of the dataset that a run recorded; None
    while it is being read. synthfer's are drawn anew, which is done at once.

    Raises DataError where the dataset is not at hand, or is another one.
    """
    place = place_of(recorded)
    if place is None:
        raise DataError(
            f"the run was trained on '{recorded['source']}', which is not here, and a registry keeps no real faces; "
            "open it on the page Data to see them"
        )
    known = tuple(name for name in emotions if name in EMOTIONS)
    if place.path == "synthfer":
        return _synthetic_faces(known, count)
    opened = open_datasets.opened(place, patience=0.0)
    if opened is None:
        return None
    dataset = opened.dataset
    if dataset.content_hash != recorded["content_hash"]:
        raise DataError(f"'{place.path}' holds other faces than the run was trained on")
    faces = {}
    for name in known:
        code = EMOTIONS.index(name)
        training = np.flatnonzero((dataset.labels == code) & (dataset.splits == 0))
        faces[name] = dataset.images[np.random.default_rng(code).permutation(training)[:count]]
    return faces


@st.cache_data(max_entries=8, show_spinner=False)
def _synthetic_faces(emotions: tuple[str, ...], count: int) -> dict[str, Faces]:
    from fergan_core.data.synthfer import synthfer  # its table of people is drawn at the import

    drawn = synthfer(counts={"train": dict.fromkeys(emotions, count)})
    return {name: drawn.images[drawn.labels == EMOTIONS.index(name)] for name in emotions}
