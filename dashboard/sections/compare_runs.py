"""Runs side by side: what differs, their faces under one player, and their newest scores of one protocol."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts.score_table import DEFAULT_METRICS, metrics_of
from dashboard.sections import score_table
from fergan_core.analysis.settings import recipe_differences, settings_of, sorted_out
from fergan_core.protocols import newest

_HEIGHT = 400  # px, from which the table of differences scrolls
_ROWS = 10


def show_differences(labels: Mapping[str, str]) -> None:
    """The settings in which the runs differ; those that change nothing of what is learnt are folded."""
    st.header("What differs", anchor=False)
    runs = {run_id: data.run(run_id) for run_id in labels}
    trained = [run_id for run_id, run in runs.items() if not run["literature"]]
    if len(trained) < 2:
        st.info("A run from the literature has no recipe: choose two or more trained runs.")
        return
    table = recipe_differences({labels[run_id]: settings_of(runs[run_id]) for run_id in trained})
    differing, beside = sorted_out(table)
    if differing.empty:
        st.info("Nothing that a result depends on: the recipes, the data and the seeds are the same.")
    else:
        _show_table(differing, "Settings in which the runs differ")
        dashes = ' "–": this run\'s method has no such setting.' if (differing == "–").any(axis=None) else ""
        st.caption(f"What an older recipe did not record has its default, by which the run was trained.{dashes}")
    if len(beside):
        fields = ", ".join(beside.field)
        with st.expander(f"Differs too, but changes nothing of what is learnt: {choose.plain(fields)}"):
            _show_table(beside, "Differences in what was recorded, and on what machine")


def _show_table(table: pd.DataFrame, alt: str) -> None:
    widths = {"field": st.column_config.TextColumn("Setting", width=170, pinned=True)}
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content" if len(table) <= _ROWS else _HEIGHT,
        column_config=widths,
        alt=alt,
    )


def show_faces(labels: Mapping[str, str]) -> None:
    """All runs' sheets in one player."""
    st.header("Faces", anchor=False)
    series = {run_id: sheet_series.sheet_series(run_id, label) for run_id, label in labels.items()}
    if without := [labels[run_id] for run_id, found in series.items() if found is None]:
        st.info(choose.plain(f"No sheet of {', '.join(without)}."))
    if with_sheets := [found for found in series.values() if found is not None]:
        sheet_series.play(with_sheets)


def show_scores(labels: Mapping[str, str]) -> None:
    """Each run's newest evaluation under one protocol, with intervals, beside real faces and noise."""
    st.header("Newest scores", anchor=False)
    scores = choose.scored(labels, by_emotion=False)
    if scores is None:
        return
    scores = newest(choose.one_protocol(scores))
    metrics = [key for key in metrics_of(scores, None) if key in DEFAULT_METRICS]
    scored = set(scores.run_id)
    score_table.show_table(scores, metrics, {i: label for i, label in labels.items() if i in scored}, None)
    if missing := [label for run_id, label in labels.items() if run_id not in scored]:
        st.caption(choose.plain(f"Not scored under this protocol: {', '.join(missing)}."))
