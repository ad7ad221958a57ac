"""The Scores page's check for memorisation: generated faces beside their nearest training faces."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import choose, data, face_data
from dashboard.charts import sheets
from dashboard.face_client import FaceAnswer
from dashboard.rows import rows_of
from dashboard.sections import dataset_path
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import FerganError
from fergan_core.metrics.catalogue import CATALOGUE, written

SHOWN = 24
MEANINGS = {
    "ct": "About 0 if generated faces are as far from the training faces as unseen real faces; well below 0 if they "
    "are copies, above 0 if they are farther away.",
    "authenticity": "Share of faces that are farther from their nearest training face than that one is from its own "
    "nearest neighbour; a low share means many copies.",
}


def show(labels: Mapping[str, str]) -> None:
    """Choose a checkpoint; what its scores say of copying, and its faces beside training faces."""
    checkpoints = {
        f"{label}, epoch {row.epoch}": (run_id, int(row.step))
        for run_id, label in labels.items()
        if choose.can_draw(run_id)
        for row in rows_of(data.checkpoints(run_id).sort_values("step", ascending=False))
    }
    if not checkpoints:
        st.info(choose.NO_CHECKPOINT if any(map(choose.can_draw, labels)) else choose.OWN_NETWORK)
        return
    name = st.selectbox("Checkpoint", list(checkpoints), key="checkpoint", bind="query-params", width=260)
    run_id, step = checkpoints[name]
    judge = show_scores(run_id, step)
    show_nearest(run_id, step, judge)


def show_scores(run_id: str, step: int) -> str | None:
    """C_T and authenticity of a checkpoint with real faces' values; return the judge of them, if there is one."""
    scores = data.scores((run_id,))
    scores = scores[(scores.step == step) & scores.metric.isin(list(MEANINGS)) & scores.emotion.isna()]
    if scores.empty:
        st.info(f"Not scored for copying: `fergan evaluate {run_id}@EPOCH` does so if the run's data are available.")
        return None
    scores = choose.one_protocol(scores)
    by_metric = {row.metric: row for row in rows_of(scores.drop_duplicates("metric", keep="last"))}
    with st.container(horizontal=True):
        for key in [key for key in MEANINGS if key in by_metric]:
            metric, row = CATALOGUE[key], by_metric[key]
            value = written(row.value, metric, row.low, row.high)
            real = None if pd.isna(row.real) else f"real faces {written(row.real, metric)}"
            with st.container(width=350, gap="xsmall"):
                st.metric(
                    metric.title, value, real, delta_color="off", delta_arrow="off", help=choose.measure_help(key)
                )
                st.caption(MEANINGS[key])
    return str(scores.judge.iloc[0])


def show_nearest(run_id: str, step: int, judge: str | None) -> None:
    """Faces drawn on demand, each beside its nearest training faces, the nearest first."""
    st.header("Nearest training faces", anchor=False)
    emotions = choose.emotions_of(run_id)
    bound: dict[str, Any] = {"bind": "query-params", "width": 170}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        emotion = st.selectbox("Emotion", ["all", *emotions], key="emotion", **bound)
        count = st.number_input("Faces", 1, 1000, 140, key="count", help="Divided evenly among the emotions", **bound)
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", **bound)
        searching = st.toggle("Search", key="search", bind="query-params")
    if not searching:
        st.caption("Switch on Search. The first time, the judge reads all training faces, which takes a minute or two.")
        return
    if not dataset_path.is_at_hand(data.run(run_id)["dataset"], "copying"):
        return
    try:
        codes = [emotion_code(name) for name in (emotions if emotion == "all" else (emotion,))]
        labels = tuple(codes[place % len(codes)] for place in range(count))
        with st.spinner("Drawing faces and searching the training faces"):
            answer = face_data.nearest(run_id, step, labels, seed, judge)
    except FerganError as error:
        st.error(choose.sentence(str(error)))
        return
    show_neighbours(answer)


def show_neighbours(answer: FaceAnswer) -> None:
    """Each face with its neighbours and how near the nearest is."""
    facts = answer.facts
    rows = answer.faces.reshape(len(facts["asked"]), 1 + facts["neighbours"], *answer.faces.shape[1:])
    closer = int((np.asarray(facts["nearer"]) < 0.05).sum())
    st.markdown(
        f"{closer} of {len(rows)} faces are nearer to a training face than 95 % of unseen real faces are; by chance it "
        f"would be {len(rows) * 0.05:.0f}. "
        + (f"Below are the {SHOWN} nearest. " if len(rows) > SHOWN else "")
        + "On the left the generated face, on the right its three nearest training faces, under them the requested "
        "emotion and their labels."
    )
    with st.container(horizontal=True, gap="medium"):
        for place, row in enumerate(rows[:SHOWN]):
            requested = EMOTIONS[facts["asked"][place]]
            with st.container(width=350, gap="xsmall"):
                alt = f"A generated {requested} face and its three nearest training faces"
                st.image(sheets.beside(row[0], row[1:]), alt=alt, width=350)
                labels = ", ".join(EMOTIONS[code] for code in facts["labels"][place])
                share = f"{facts['nearer'][place]:.0%} of unseen faces are nearer"
                st.caption(f"{requested} | {labels}  \ndistance {facts['ratio'][place]:.2f}; {share}")
    st.caption(
        choose.plain(
            f"Distances in the features of the judge {facts['judge']}, in units of the median for unseen real faces "
            "of the emotion: 1 is typical, 0 a copy. The judge misses some likenesses that you see, and you some that "
            "it sees: look for yourself."
        )
    )
