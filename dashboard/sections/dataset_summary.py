"""The head of the Data page: a dataset's size, its splits, its runs, and what was read and left out."""

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.open_datasets import OpenDataset

SPLIT_NAMES = {"train": "train", "public": "public test", "private": "private test", "test": "test"}


def show(opened: OpenDataset) -> None:
    """Numbers of faces, and folded where they come from."""
    summary = opened.summary
    recorded = {dataset["content_hash"]: dataset["runs"] for dataset in data.recorded_datasets()}
    runs: list[str] = recorded.get(summary["content_hash"], [])
    with st.container(horizontal=True):
        st.metric("Faces", f"{summary['images']:,}", width=130)
        for split, counts in summary["counts"].items():
            st.metric(SPLIT_NAMES[split].capitalize(), f"{sum(counts.values()):,}", width=130)
        within, across = (sum(summary["duplicates"][kind].values()) for kind in ("within", "across"))
        st.metric(
            "Exact copies", f"{within + across:,}", width=130,
            help="Faces that are there once more, pixel by pixel, earlier in their split or in another split.",
        )  # fmt: skip
        st.metric("Runs", f"{len(runs):,}", width=130, help="Runs of this registry that were trained on these faces.")
    for notice in summary["notices"]:
        st.caption(choose.sentence(f"{notice[0].upper()}{notice[1:]}."))
    with st.expander("Where it comes from", icon=":material/info:"):
        origin = "drawn by this program" if opened.place.path == "synthfer" else f"read from {summary['source']}"
        order = f", labels in the order {summary['label_order']}" if summary["label_order"] else ""
        st.markdown(choose.plain(f"{summary['name']}, {origin}{order}."))
        st.markdown(
            f"Content hash `{summary['content_hash']}`: SHA-256 of images, labels and splits, by which runs know it."
        )
        if runs and st.button(f"List the {len(runs):,} run{'' if len(runs) == 1 else 's'}"):
            choose.open_page("runs", data=summary["name"])
        if summary["files"]:
            table = pd.DataFrame(summary["files"])[["name", "split", "used", "skipped", "why"]]
            st.dataframe(
                table, hide_index=True, width="stretch",
                column_config={"name": "file or folder", "why": "why skipped"},
            )  # fmt: skip
