"""The Data page's FER+ votes: how far ten people agree with FER2013's labels, and the faces where they do not."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from dashboard import access, choose
from dashboard.charts import confusion
from dashboard.charts import dataset as charts
from dashboard.components.plotly_chart import plotly_chart
from dashboard.open_datasets import OpenDataset
from dashboard.sections import dataset_faces, dataset_path
from dashboard.sections.dataset_faces import EVERY
from fergan_core.data import UNLABELLED
from fergan_core.data.ferplus import read_votes
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import FerganError

FILE = "fer2013new.csv"
A_PAGE = 42
Votes = npt.NDArray[np.float32]


def show(opened: OpenDataset) -> None:
    """Find or ask for the votes; what they say of the labels."""
    path = beside(opened)
    if path is None:
        st.markdown(
            "FER+ (Barsoum et al. 2016) has the votes of ten people on each image of FER2013, in a file "
            f"`{FILE}`. It is not beside this dataset; name it here if you have it."
        )
        if access.is_open_to_others():
            st.info(choose.sentence(dataset_path.NOT_FOR_OTHERS))
            return
        path = st.text_input(
            f"Path of {FILE}", key="votes", bind="query-params", placeholder=f"/home/me/{FILE}"
        ).strip()
        if not path:
            return
    try:
        with st.spinner("Reading the votes"):
            votes = votes_of(opened, path)
    except FerganError as error:
        st.error(choose.sentence(dataset_path.in_page_words(error)))
        return
    show_votes(opened, votes)


def beside(opened: OpenDataset) -> str | None:
    """Return the path of FER+'s votes beside or within a dataset, if they are there."""
    place = Path(opened.place.path).expanduser()
    for folder in (place, place.parent):
        if folder.is_dir() and (folder / FILE).is_file():
            return str(folder / FILE)
    return None


def votes_of(opened: OpenDataset, path: str) -> Votes:
    """Return each face's shares of votes, float32 [n,7]; read once for a session."""
    file = Path(path).expanduser()
    changed = file.stat().st_mtime_ns if file.exists() else 0
    key = (opened.summary["content_hash"], path, changed)
    known: tuple[tuple[str, str, int], Votes] | None = st.session_state.get("FER+ votes read")
    if known is None or known[0] != key:
        known = key, read_votes(file, opened.dataset)
        st.session_state["FER+ votes read"] = known
    return known[1]


def show_votes(opened: OpenDataset, votes: Votes) -> None:
    """How far votes and labels agree, as numbers, bars and a matrix; below the faces that they disagree about most."""
    labels = opened.dataset.labels
    voted = np.flatnonzero((votes.sum(axis=1) > 0) & (labels != UNLABELLED))
    if not len(voted):
        st.info("Nobody voted for one of the seven emotions on a labelled face of this dataset.")
        return
    of_label = votes[voted, labels[voted]].astype(np.float64)
    majority = votes[voted].argmax(axis=1)
    with st.container(horizontal=True):
        st.metric("Faces with votes", f"{len(voted):,}", width=170)
        st.metric(
            "Majority agrees with the label", f"{(majority == labels[voted]).mean():.1%}", width=240,
            help="The share of faces whose most frequent vote is the label.",
        )  # fmt: skip
        st.metric(
            "Votes for the label", f"{of_label.mean():.1%}", width=190,
            help="The share of all votes for one of the seven emotions that went to the label, averaged over faces.",
        )  # fmt: skip
    left, right = st.columns([3, 2], gap="medium")
    figure = charts.votes_figure(of_label, labels[voted], dark=choose.dark())
    plotly_chart(
        figure, "votes bars", "How the votes for the label are distributed, by emotion", place=left, toolbar=False
    )
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), int)
    np.add.at(counts, (labels[voted].astype(int), majority), 1)
    matrix = confusion.confusion_figure(
        confusion.shares_of_counts(counts.tolist()), rows="labelled", dark=choose.dark(), height=340
    )
    plotly_chart(
        matrix,
        "votes matrix",
        "The most frequent vote for the faces of each label, in shares",
        place=right,
        toolbar=False,
    )
    right.caption("Rows: FER2013's label; columns: the most frequent vote.")
    show_contested(opened, votes, voted, of_label)


def show_contested(
    opened: OpenDataset, votes: Votes, voted: npt.NDArray[np.int64], of_label: npt.NDArray[np.float64]
) -> None:
    """The faces whose votes differ most surely from their labels."""
    st.header("Labels that the votes contradict", anchor=False)
    emotions = [EVERY, *EMOTIONS]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        emotion = st.selectbox("Labelled", emotions, key="emotion", bind="query-params", width=150)
        majority = votes[voted].argmax(axis=1)
        differs = majority != opened.dataset.labels[voted]
        if emotion != EVERY:
            differs &= opened.dataset.labels[voted] == EMOTIONS.index(emotion)
        places = np.flatnonzero(differs)
        most = votes[voted[places], majority[places]]
        order = places[np.lexsort((of_label[places], -most))]
        page = dataset_faces.page_of(len(order), "votes page", A_PAGE)
    st.caption(f"{len(order):,} faces whose most frequent vote is not their label, the most unanimous first.")
    shown = order[page]
    captions = [
        f"{dataset_faces.label_of(opened, int(voted[at]))} → {EMOTIONS[majority[at]]} {votes[voted[at]].max():.0%}"
        for at in shown
    ]
    dataset_faces.grid(opened, voted[shown], key="votes", captions=captions)
    dataset_faces.show_enlarged(opened, lambda face: vote_words(votes[face]))


def vote_words(votes: Votes) -> str:
    """Say how the votes on a face are shared out."""
    named = [f"{EMOTIONS[code]} {votes[code]:.0%}" for code in np.argsort(-votes) if votes[code] > 0]
    return f"FER+ votes: {', '.join(named)}." if named else "Nobody voted for one of the seven emotions."
