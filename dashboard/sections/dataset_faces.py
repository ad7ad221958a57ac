"""The Data page's faces: pages of them by emotion and split, and each of them enlarged with all that is known of it."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import streamlit as st

from dashboard import choose
from dashboard.charts import dataset as charts
from dashboard.components import face_grid
from dashboard.open_datasets import OpenDataset
from dashboard.sections.dataset_summary import SPLIT_NAMES
from fergan_core.data import SPLITS, UNLABELLED
from fergan_core.emotions import EMOTIONS

Index = npt.NDArray[np.int64]
A_PAGE = 70
EVERY = "all"


def show(opened: OpenDataset) -> None:
    """Choose emotion and split; a page of their faces."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        emotion, split = emotion_and_split(opened)
        index = chosen(opened, emotion, split)
        page = page_of(len(index), "faces page")
    if not len(index):
        st.info(f"No {'' if emotion == EVERY else emotion + ' '}face in {split_name(split)}; choose another.")
        return
    st.caption(
        f"Faces {page.start + 1:,} to {min(page.stop, len(index)):,} of {len(index):,}, in the dataset's order, at "
        "twice their size. Click one, or choose it by the arrow keys and Enter, to enlarge it."
    )
    grid(opened, index[page], key="faces")
    show_enlarged(opened)


def emotion_and_split(opened: OpenDataset, split: str = EVERY) -> tuple[str, str]:
    """Ask for an emotion and a split that the dataset has, or all; the address keeps both."""
    counts = opened.summary["counts"]
    unlabelled = ["unlabelled"] if any("unlabelled" in of_split for of_split in counts.values()) else []
    emotions, splits = [EVERY, *EMOTIONS, *unlabelled], [EVERY, *counts]
    emotion = st.selectbox("Emotion", emotions, key="emotion", bind="query-params", width=150)
    chosen_split = st.selectbox(
        "Split", splits, splits.index(split), format_func=lambda name: SPLIT_NAMES.get(name, name), key="split",
        bind="query-params", width=150,
    )  # fmt: skip
    return emotion, chosen_split


def split_name(split: str) -> str:
    """Name a split in a sentence."""
    return "the dataset" if split == EVERY else f"split {SPLIT_NAMES[split]}"


def chosen(opened: OpenDataset, emotion: str, split: str) -> Index:
    """Return the faces of an emotion ("unlabelled": of none) and a split, or of all."""
    dataset = opened.dataset
    mask = np.ones(len(dataset), bool)
    if emotion != EVERY:
        mask &= dataset.labels == (UNLABELLED if emotion == "unlabelled" else EMOTIONS.index(emotion))
    if split != EVERY:
        mask &= dataset.splits == SPLITS.index(split)
    return np.flatnonzero(mask)


def page_of(count: int, key: str, size: int = A_PAGE) -> slice:
    """Ask for a page of so many things; the address keeps its number."""
    pages = max(1, -(-count // size))
    if st.session_state.get(key, 1) > pages:
        st.session_state[key] = pages
    number = int(
        st.number_input(f"Page, of {pages:,}", 1, pages, key=key, bind="query-params", width=150, disabled=pages == 1)
    )
    return slice((number - 1) * size, number * size)


def label_of(opened: OpenDataset, face: int) -> str:
    """Return the emotion that a face is labelled with."""
    label = int(opened.dataset.labels[face])
    return "unlabelled" if label == UNLABELLED else EMOTIONS[label]


def split_of(opened: OpenDataset, face: int) -> str:
    """Return the name of a face's split."""
    return SPLIT_NAMES[SPLITS[int(opened.dataset.splits[face])]]


def grid(opened: OpenDataset, index: Index, *, key: str, captions: Sequence[str] = ()) -> None:
    """Show faces of the dataset, each of which enlarges when it is chosen."""
    names = [f"face {face:,}: {label_of(opened, face)}, {split_of(opened, face)}" for face in index.tolist()]

    def enlarge(place: int) -> None:
        st.query_params["face"] = str(index[place])

    face_grid.show(opened.dataset.images[index], names, enlarge, key=f"grid {key}", captions=captions)


def show_enlarged(opened: OpenDataset, about: Callable[[int], str] | None = None) -> None:
    """Enlarge the face that the address names, if it names one; `about` adds what a part of the page knows of it."""
    text = st.query_params.get("face")
    if text is None:
        return
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) >= len(opened.dataset):
        st.warning(
            choose.plain(f"The address names face '{text[:20]}', but the faces are 0 to {len(opened.dataset) - 1}.")
        )
        st.query_params.pop("face")
        return
    face = int(text)
    st.dialog(f"Face {face:,}", width="medium", on_dismiss=_close)(_enlarged)(opened, face, about)


def _close() -> None:
    st.query_params.pop("face", None)


def _enlarged(opened: OpenDataset, face: int, about: Callable[[int], str] | None) -> None:
    label, split = label_of(opened, face), split_of(opened, face)
    left, right = st.columns([3, 2], gap="medium")
    left.image(charts.enlarged(opened.dataset.images[face]), alt=f"Face {face}, {label}, enlarged", width=384)
    with right:
        st.markdown(f"**{label.capitalize()}**, {split}")
        if about is not None:
            st.markdown(choose.plain(about(face)))
        twins = next((group for group in opened.copies if face in group), None)
        if twins is not None:
            others = [
                f"face {one:,} ({label_of(opened, one)}, {split_of(opened, one)})" for one in twins if one != face
            ]
            st.markdown(f"The same picture is also {', '.join(others[:8])}.")
        factors = opened.dataset.factors
        if factors:
            st.dataframe(
                {"factor": list(factors), "value": [float(values[face]) for values in factors.values()]},
                hide_index=True, height=310,
            )  # fmt: skip
