"""The Data page's class balance: how many faces an emotion has in each split, and each emotion's mean face."""

import pandas as pd
import streamlit as st

from dashboard import choose
from dashboard.charts import dataset as charts
from dashboard.components.plotly_chart import plotly_chart
from dashboard.open_datasets import OpenDataset
from dashboard.sections.dataset_summary import SPLIT_NAMES
from fergan_core.emotions import EMOTIONS


def show(opened: OpenDataset) -> None:
    """Bars and a table of the same numbers, and below the mean faces."""
    counts = charts.counts_table(opened.summary["counts"]).rename(columns=SPLIT_NAMES)
    unit = st.segmented_control(
        "Bars show", ["share of the split", "faces"], default="share of the split", required=True, key="bars",
        bind="query-params",
    )  # fmt: skip
    left, right = st.columns([3, 2], gap="medium")
    figure = charts.balance_figure(counts, shares=unit != "faces", dark=choose.dark())
    plotly_chart(figure, "balance", "How many faces each emotion has in each split", place=left)
    with right:
        table = charts.with_totals(counts)
        number = st.column_config.NumberColumn(format="localized")
        st.dataframe(table, width="stretch", column_config=dict.fromkeys(table.columns, number))
        st.caption(imbalance(counts.loc[[name for name in EMOTIONS if name in counts.index]].sum(axis=1)))
    st.header("Mean faces", anchor=False)
    show_means(opened)


def imbalance(counts: pd.Series) -> str:
    """Say how unequal the emotions are, and what always guessing the most frequent one would give."""
    if not counts.sum():
        return "No face has an emotion."
    most, least = counts.idxmax(), counts.idxmin()
    rest = f"{least} has none" if not counts.min() else f"{counts.max() / counts.min():.0f} times as many as {least}"
    return (
        f"The most frequent emotion is {most}, {rest}; to call every face {most} would be right for "
        f"{counts.max() / counts.sum():.0%}."
    )


def show_means(opened: OpenDataset) -> None:
    """The mean of each emotion's faces, pixel by pixel."""
    with st.container(horizontal=True, gap="medium"):
        for emotion, mean in opened.means.items():
            count = sum(of_split[emotion] for of_split in opened.summary["counts"].values())
            with st.container(width=112, gap="xsmall"):
                st.image(charts.enlarged(mean, 2), alt=f"Mean of the {emotion} faces", width=96)
                st.caption(f"{emotion}, of {count:,}")
    st.caption(
        "The mean of all faces of an emotion, pixel by pixel, over all splits: what they have in common stays sharp, "
        "such as a smile, what differs is blurred."
    )
