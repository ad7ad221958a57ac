"""The Mode collapse page's maps: how each emotion fares in each run over time, and how much the runs differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import emotion_heatmap
from dashboard.components.plotly_chart import plotly_chart
from dashboard.sections import findings
from fergan_core.analysis.findings.timeline import Statement
from fergan_core.emotions import EMOTIONS

NO_PROBE = (
    "the first is taken after 4,000 images, and older runs have none. The measure coverage does without: "
    "`fergan evaluate RUN@all` adds it."
)
NO_SCORE = "`fergan evaluate RUN@all` adds it if the run's data are available."


ALONG = {"epoch": "epoch", "images": "images seen", "share": "share of the training"}
_ALIKE = 1.5  # runs of which the longest is not so many times the shortest are drawn by epoch


def show(labels: Mapping[str, str]) -> None:
    """Choose a measure; one map per run, then one emotion's curve over all runs."""
    of_runs = {run_id: data.run(run_id) for run_id in labels}
    lengths = [max(1, run["epochs"]) for run in of_runs.values()]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = st.segmented_control(
            "Measure", list(emotion_heatmap.MEASURES), default="diversity", required=True, key="measure",
            bind="query-params", help=_meanings(), wrap=True,
        )  # fmt: skip
        along = st.segmented_control(
            "Along", list(ALONG), default="epoch" if max(lengths) < _ALIKE * min(lengths) else "share", required=True,
            key="along", bind="query-params", format_func=ALONG.__getitem__,
            help="Runs of different length meet at the same share of their trainings, or after the same images.",
        )  # fmt: skip
    tables = tables_of(labels, emotion_heatmap.MEASURES[measure])
    if tables:
        units = {run_id: steps_per_unit(of_runs[run_id], along) for run_id in tables}
        show_maps(tables, labels, measure, along, units)
        show_spread(tables, labels, measure, along, units)


def _meanings() -> str:
    """Say what each measure means."""
    return "\n".join(f"- {name}: {measure.meaning}." for name, measure in emotion_heatmap.MEASURES.items())


def steps_per_unit(run: Mapping[str, Any], along: str) -> float:
    """Return how many steps of a run a unit of an axis has: an epoch, an image, or a hundredth of the training."""
    if along == "share":
        return max(1, int(run["steps"])) / 100
    if along == "images":
        return max(1, int(run["step"])) / max(1, int(run["images_seen"]))
    return max(1.0, int(run["steps"]) / max(1, int(run["epochs"])))


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
    if without := [run_id for run_id in labels if not tables[run_id].size]:
        names = choose.plain(", ".join(labels[run_id] for run_id in without))
        if not any(map(choose.can_draw, without)):
            st.info(f"Nothing by emotion of {names}: a judge reads the faces of FerGAN's own trainings alone.")
        elif measure.scored:
            st.info(f"No {measure.key} by emotion for {names} in these evaluations: {NO_SCORE}")
        else:
            st.info(f"No probe readings of {names} yet: {NO_PROBE}")
    return {run_id: table for run_id, table in tables.items() if table.size}


def show_maps(
    tables: Mapping[str, pd.DataFrame],
    labels: Mapping[str, str],
    measure: str,
    along: str,
    units: Mapping[str, float],
) -> None:
    """Small multiples of one scale, each with its own axis, with the collapses and recoveries that were found."""
    columns = st.columns(min(2, len(tables)), gap="medium")
    for place, (run_id, table) in enumerate(tables.items()):
        _, statements = findings.of_run(run_id, findings.COLLAPSES)
        figure = emotion_heatmap.emotion_heatmap(
            table, marks_of(statements), measure, units[run_id], along=along, dark=choose.dark()
        )
        with columns[place % len(columns)]:
            if len(tables) > 1:
                st.markdown(f"**{choose.plain(labels[run_id])}**")
            plotly_chart(figure, f"map {run_id}", f"{measure} of each emotion over the training of {labels[run_id]}")
    meaning = emotion_heatmap.MEASURES[measure].meaning
    st.caption(f"{meaning[0].upper()}{meaning[1:]}. A cross marks a collapse, a ring a recovery.")


def marks_of(statements: Sequence[Statement]) -> pd.DataFrame:
    """Return the steps at which emotions collapsed and recovered: columns emotion, step, kind, sentence."""
    rows = []
    for one in statements:
        for phase in one.phases:
            rows.append((one.emotion, phase.start, "collapse", one.sentence))
            if phase.recovered is not None:
                rows.append((one.emotion, phase.recovered, "recovery", one.sentence))
    return pd.DataFrame(rows, columns=["emotion", "step", "kind", "sentence"])


def show_spread(
    tables: Mapping[str, pd.DataFrame],
    labels: Mapping[str, str],
    measure: str,
    along: str,
    units: Mapping[str, float],
) -> None:
    """Of several runs: choose an emotion; its course in every run, their mean and their band."""
    if len(labels) < 2:
        return
    st.header("Across the runs", anchor=False)
    emotions = [name for name in EMOTIONS if any(name in table.index for table in tables.values())]
    emotion = st.selectbox("Emotion", emotions, key="emotion", bind="query-params", width=170)
    of_runs = emotion_heatmap.lines(tables, units, emotion)
    if len(of_runs.columns) < 2:
        st.info("Choose two or more runs with this measure, such as seeds of one recipe, to see how much they differ.")
        return
    colours = choose.colours(list(labels))
    figure = emotion_heatmap.spread_figure(of_runs, labels, colours, emotion, measure, along=along, dark=choose.dark())
    plotly_chart(figure, "spread", f"{measure} of {emotion} faces in each run over the training")
    st.caption(
        f"Thick line: the mean of {len(of_runs.columns)} runs; band: from the lowest run to the highest; thin: each "
        "run."
    )
