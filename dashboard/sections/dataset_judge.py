"""The Data page's judge: what it reads in the faces, its confusions, and the faces that it misreads most surely."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from dashboard import choose, face_data
from dashboard.charts import confusion
from dashboard.components.plotly_chart import plotly_chart
from dashboard.open_datasets import OpenDataset
from dashboard.sections import dataset_faces
from dashboard.sections.dataset_faces import EVERY, Index
from dashboard.sections.dataset_summary import SPLIT_NAMES
from fergan_core.data import UNLABELLED
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import FerganError
from fergan_core.protocols import judges_for

AT_ONCE, A_PAGE = 1024, 42  # a multiple of the judge's own batch, so that a face's reading never depends on it
FACES_A_SECOND = 400
ASKED, CLICKED = "read by a judge", "dataset confusion"


@dataclass(frozen=True)
class Reading:
    """Labelled faces: their places in the dataset, their labels, and a judge's probabilities float32 [n,7]."""

    index: Index
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]


def show(opened: OpenDataset) -> None:
    """Choose judge and split, let it read, and look at what it confuses."""
    counts = opened.summary["counts"]
    judges = judges_for(opened.summary["name"])
    unseen = [split for split in counts if split != "train"]
    splits = [*unseen, *(["train"] if "train" in counts else []), *([EVERY] if len(counts) > 1 else [])]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        judge = st.selectbox("Judge", judges, key="judge", bind="query-params", width=190)
        split = st.selectbox(
            "Split", splits, format_func=lambda name: SPLIT_NAMES.get(name, name), key="judged_split",
            bind="query-params", width=150,
        )  # fmt: skip
        index = dataset_faces.chosen(opened, EVERY, split)
        index = index[opened.dataset.labels[index] != UNLABELLED]
        question = (opened.summary["content_hash"], judge, split)
        asked: set[tuple[str, str, str]] = st.session_state.setdefault(ASKED, set())
        if question not in asked and len(index):
            st.button("Read the faces", type="primary", on_click=asked.add, args=(question,))
    if not len(index):
        st.info(f"No face with an emotion in {dataset_faces.split_name(split)}.")
        return
    if split in ("train", EVERY):
        st.caption(
            choose.plain(
                f"The judge {judge} learned from FER2013's or synthfer's own training faces: if these are they, it "
                "misreads fewer of them than of new faces."
            )
        )
    if question not in asked:
        st.info(f"The judge reads {len(index):,} faces, about {duration(len(index))}; the next time it remembers them.")
        return
    try:
        reading = read(opened, index, judge)
    except FerganError as error:
        st.error(choose.sentence(str(error)))
        return
    show_reading(opened, reading, judge)


def duration(faces: int) -> str:
    """Say how long reading takes on two cores."""
    seconds = faces / FACES_A_SECOND
    return f"{max(5, 5 * round(seconds / 5)):.0f} seconds" if seconds < 50 else f"{seconds / 60:.0f} min"


def read(opened: OpenDataset, index: Index, judge: str) -> Reading:
    """Let a judge read faces, a thousand at once, with a bar that says how far it is."""
    blocks, bar = [], st.progress(0.0, "The process that has PyTorch starts ...")
    for start in range(0, len(index), AT_ONCE):
        part = index[start : start + AT_ONCE]
        blocks.append(face_data.read_faces(opened.summary["content_hash"], judge, tuple(part.tolist()), opened))
        done = min(start + AT_ONCE, len(index))
        bar.progress(done / len(index), f"{done:,} of {len(index):,} faces read")
    bar.empty()
    return Reading(index, opened.dataset.labels[index].astype(np.int64), np.concatenate(blocks))


def show_reading(opened: OpenDataset, reading: Reading, judge: str) -> None:
    """The judge's accuracy, its confusion matrix, and the misread faces, of one cell if one is chosen."""
    reads = reading.probabilities.argmax(axis=1)
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), int)
    np.add.at(counts, (reading.labels, reads), 1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.metric(
            "Recognised as labelled", f"{(reads == reading.labels).mean():.1%}", width=190,
            help="The share of faces in which the judge's most probable emotion is the label.",
        )  # fmt: skip
        cell: dict[str, Any] = {"index": None, "placeholder": "any", "width": 150}
        labelled = st.selectbox("Labelled", EMOTIONS, key="labelled", bind="query-params", **cell)
        read_as = st.selectbox("Read as", EMOTIONS, key="read_as", bind="query-params", **cell)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        figure = confusion.confusion_figure(
            confusion.shares_of_counts(counts.tolist()), rows="labelled", dark=choose.dark(),
            chosen=(labelled, read_as) if labelled and read_as else None,
        )  # fmt: skip
        plotly_chart(
            figure,
            CLICKED,
            "Which emotion the judge reads in the faces of each label, in shares",
            toolbar=False,
            on_select=take_click,
        )
        st.caption("Rows: the label; columns: what the judge reads. Click a cell to see its faces, or choose it above.")
    with right:
        show_misread(opened, reading, reads, labelled, read_as)
    dataset_faces.show_enlarged(opened, lambda face: read_words(reading, face, judge))


def take_click() -> None:
    """Choose the cell that was clicked."""
    points = st.session_state[CLICKED].selection.points
    cell = [points[0].get(axis) for axis in ("y", "x")] if points else []
    if cell and all(name in EMOTIONS for name in cell):
        st.session_state["labelled"], st.session_state["read_as"] = cell


def misread(
    reading: Reading, reads: npt.NDArray[np.int64], labelled: str | None, read_as: str | None
) -> npt.NDArray[np.int64]:
    """Return which faces of a reading the judge misreads, the surest first: int64 [n].

    Of one label and of one emotion that it reads, where these are given; where both are and are the same, the faces
    that it reads as they are labelled, the least sure first.
    """
    correct = labelled is not None and labelled == read_as
    mask = (reads == reading.labels) if correct else (reads != reading.labels)
    if labelled is not None:
        mask &= reading.labels == EMOTIONS.index(labelled)
    if read_as is not None:
        mask &= reads == EMOTIONS.index(read_as)
    faces = np.flatnonzero(mask)
    sure = reading.probabilities[faces, reads[faces]]
    order: npt.NDArray[np.int64] = faces[np.argsort(sure if correct else -sure, kind="stable")]
    return order


def show_misread(
    opened: OpenDataset, reading: Reading, reads: npt.NDArray[np.int64], labelled: str | None, read_as: str | None
) -> None:
    """The faces of the chosen cells, a page at a time, each with its label and what the judge is how sure of."""
    faces = misread(reading, reads, labelled, read_as)
    if labelled is not None and labelled == read_as:
        words = f"labelled and read as {labelled}, the least sure first"
    else:
        of_label = f" labelled {labelled}" if labelled else ""
        words = f"misread{of_label}{f', read as {read_as}' if read_as else ''}, the surest first"
    if not len(faces):
        st.info(f"No face is {words.partition(',')[0]}{f', read as {read_as}' if read_as else ''}.")
        return
    page = dataset_faces.page_of(len(faces), "misread page", A_PAGE)
    st.markdown(f"**{len(faces):,} faces {words}**")
    shown = faces[page]
    captions = [
        f"{EMOTIONS[reading.labels[face]]} → {EMOTIONS[reads[face]]} {reading.probabilities[face, reads[face]]:.0%}"
        for face in shown
    ]
    dataset_faces.grid(opened, reading.index[shown], key="misread", captions=captions)
    st.caption("Under each face its label, what the judge reads, and how probable it finds that.")


def read_words(reading: Reading, face: int, judge: str) -> str:
    """Say what a judge reads in a face of the dataset: its three most probable emotions."""
    at = np.flatnonzero(reading.index == face)
    if not len(at):
        return ""
    probabilities = reading.probabilities[at[0]]
    best = [f"{EMOTIONS[code]} {probabilities[code]:.0%}" for code in np.argsort(-probabilities)[:3]]
    return f"The judge {judge} reads {', '.join(best)}."
