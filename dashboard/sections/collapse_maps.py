"""The Mode collapse page's maps: how each emotion fares in each run over time, and how much the runs differ."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import emotion_heatmap
from dashboard.charts.palette import PLOTLY_CONFIG
from fergan_core.emotions import EMOTIONS

NO_PROBE = (
    "the first is taken after 4,000 images, and older runs have none. The measure coverage does without: "
    "`fergan evaluate RUN@all` adds it."
)
NO_SCORE = "`fergan evaluate RUN@all` adds it if the run's data are available."


def show(labels: Mapping[str, str], measure: str) -> None:
    """One map per run, then one emotion's curve over all runs."""
    tables = tables_of(labels, emotion_heatmap.MEASURES[measure])
    if tables:
        show_maps(tables, labels, measure)
        show_spread(tables, labels, measure)


def tables_of(labels: Mapping[str, str], measure: emotion_heatmap.Measure) -> dict[str, pd.DataFrame]:
    """Return the measure by emotion and step of each run that has it; say which runs have not, and why."""
    if measure.scored:
        scores = choose.scored(labels)
        if scores is None:
            return {}
        scores = scores[(scores.metric == measure.key) & scores.emotion.notna()]
        scores = scores if scores.empty else choose.one_protocol(scores)
        tables = {
            run_id: emotion_heatmap.scored_emotion_table(scores[scores.run_id == run_id], measure.key)
            for run_id in labels
        }
    else:
        points = data.points(tuple(labels), tuple(f"{measure.key}/{emotion}" for emotion in EMOTIONS))
        tables = {
            run_id: emotion_heatmap.emotion_table(points[points.run_id == run_id], measure.key) for run_id in labels
        }
    if without := [label for run_id, label in labels.items() if not tables[run_id].size]:
        names = choose.plain(", ".join(without))
        if measure.scored:
            st.info(f"No {measure.key} by emotion for {names} in these evaluations: {NO_SCORE}")
        else:
            st.info(f"No probe readings of {names} yet: {NO_PROBE}")
    return {run_id: table for run_id, table in tables.items() if table.size}


def show_maps(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str], measure: str) -> None:
    """Small multiples of one scale, with the onsets that were found."""
    findings = data.findings(tuple(tables))
    columns = st.columns(min(2, len(tables)), gap="medium")
    for place, (run_id, table) in enumerate(tables.items()):
        figure = emotion_heatmap.emotion_heatmap(
            table, findings[findings.run_id == run_id], measure, data.steps_per_epoch(run_id), dark=choose.dark()
        )
        with columns[place % len(columns)]:
            st.markdown(f"**{choose.plain(labels[run_id])}**")
            st.plotly_chart(figure, width="stretch", theme=None, key=f"life {run_id}", config=PLOTLY_CONFIG)
    meaning = emotion_heatmap.MEASURES[measure].meaning
    st.caption(f"{meaning[0].upper()}{meaning[1:]}. A cross marks where a collapse was found.")


def show_spread(tables: Mapping[str, pd.DataFrame], labels: Mapping[str, str], measure: str) -> None:
    """Choose an emotion; its course in every run, their mean and their band."""
    st.subheader("Across the runs", anchor=False)
    emotions = [name for name in EMOTIONS if any(name in table.index for table in tables.values())]
    emotion = st.selectbox("Emotion", emotions, key="emotion", bind="query-params", width=170)
    of_runs = emotion_heatmap.lines(tables, {run_id: data.steps_per_epoch(run_id) for run_id in tables}, emotion)
    if len(of_runs.columns) < 2:
        st.info("Choose two or more runs with this measure, such as seeds of one recipe, to see how much they differ.")
        return
    figure = emotion_heatmap.spread_figure(of_runs, labels, emotion, measure, dark=choose.dark())
    st.plotly_chart(figure, width="stretch", theme=None, key="spread", config=PLOTLY_CONFIG)
    st.caption(
        f"Line: the mean of {len(of_runs.columns)} runs; band: from the lowest run to the highest; faint: each run."
    )
