"""The Data page's duplicates: pictures that are there more than once, in one split or several, or with two labels."""

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import choose
from dashboard.open_datasets import OpenDataset
from dashboard.sections import dataset_faces
from dashboard.sections.dataset_faces import Index
from dashboard.sections.dataset_summary import SPLIT_NAMES
from fergan_core.data import UNLABELLED

A_PAGE = 40
KINDS = {
    "in several splits": "A picture in two splits lets a score on the second one reward memory: judges and generators "
    "are therefore reported on test faces that are not in split train.",
    "with several labels": "The same picture with different labels: one of the labels must be wrong, and no judge can "
    "be right about both.",
    "within one split": "The same picture again in its split counts twice in training.",
}


def show(opened: OpenDataset) -> None:
    """Their numbers, and their pictures by kind."""
    if not opened.copies:
        st.success("No two pictures are the same, pixel by pixel.")
        return
    show_numbers(opened)
    groups = of_kinds(opened)
    kinds = [kind for kind, of_kind in groups.items() if of_kind]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("Pictures", kinds, key="copies", bind="query-params", width=220)
        page = dataset_faces.page_of(len(groups[kind]), "copies page", A_PAGE)
    st.caption(f"{KINDS[kind]} {len(groups[kind]):,} pictures, each shown once, with every place where it is.")
    shown = groups[kind][page]
    captions = [places(opened, group) for group in shown]
    firsts = [int(group[0]) for group in shown]
    dataset_faces.grid(opened, np.array(firsts), key="copies", captions=captions)
    dataset_faces.show_enlarged(opened)


def show_numbers(opened: OpenDataset) -> None:
    """Copies within each split, across two splits, and pictures of several labels."""
    copies = opened.summary["duplicates"]
    rows = [
        (f"copies of an earlier face within {SPLIT_NAMES[split]}", count) for split, count in copies["within"].items()
    ]
    for pair, count in copies["across"].items():
        first, second = (SPLIT_NAMES[split] for split in pair.split("/"))
        rows.append((f"faces of {second} that are in {first} too", count))
    rows.append(("pictures with more than one label", copies["contradicting"]))
    st.dataframe(
        pd.DataFrame(rows, columns=["exact copies", "number"]), hide_index=True, width=460,
        column_config={"number": st.column_config.NumberColumn(format="localized")},
    )  # fmt: skip
    st.caption(
        choose.plain(
            "Exact: the same in every pixel. A picture that was cropped, scaled or compressed anew is another one here."
        )
    )


def of_kinds(opened: OpenDataset) -> dict[str, list[Index]]:
    """Sort the groups of equal pictures by kind; one may be of several."""
    splits, labels = opened.dataset.splits, opened.dataset.labels
    return {
        "in several splits": [group for group in opened.copies if len(set(splits[group].tolist())) > 1],
        "with several labels": [group for group in opened.copies if len({*labels[group].tolist()} - {UNLABELLED}) > 1],
        "within one split": [group for group in opened.copies if len(set(splits[group].tolist())) < len(group)],
    }


def places(opened: OpenDataset, group: Index) -> str:
    """Name the label and split of each face of a group, counted."""
    named = [
        f"{dataset_faces.label_of(opened, face)}, {dataset_faces.split_of(opened, face)}" for face in group.tolist()
    ]
    return "; ".join(
        f"{place}{f' x{named.count(place)}' if named.count(place) > 1 else ''}" for place in dict.fromkeys(named)
    )
