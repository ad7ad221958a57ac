"""The Mode collapse page's generated faces among real ones, drawn when asked: their spread, and those that repeat."""

from typing import Any

import streamlit as st

from dashboard import choose, data
from dashboard.charts import projection, sheets
from dashboard.charts.palette import PLOTLY_CONFIG
from dashboard.face_client import FaceAnswer
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import FerganError

MOST, USUAL = 300, 100
ASKED = "faces asked for among real ones"


def show(run_id: str) -> None:
    """Choose a checkpoint and an emotion and draw; nothing is drawn anew until the button is pressed again."""
    step_of = choose.checkpoint_steps(run_id)
    if not step_of:
        return
    emotions = choose.emotions_of(run_id)
    bound: dict[str, Any] = {"bind": "query-params", "width": 170}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        epoch = st.selectbox("Checkpoint, epoch", list(step_of), len(step_of) - 1, key="checkpoint", **bound)
        emotion = st.selectbox("Emotion", ["all", *emotions], key="among", **bound)
        count = st.number_input("Faces each", 2, MOST, USUAL, key="count", **bound)
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", **bound)
        pressed = st.button("Draw", key="draw among")
    question = (run_id, step_of[epoch], emotions if emotion == "all" else (emotion,), count, seed)
    if pressed:
        st.session_state[ASKED] = question
    if st.session_state.get(ASKED) != question:
        st.caption("Press Draw: the first time the judge reads all training faces, which takes some minutes.")
        return
    try:
        with st.spinner("Drawing faces and reading them"):
            labels = tuple(emotion_code(name) for name in question[2] for _ in range(count))
            answer = data.project(run_id, step_of[epoch], labels, seed)
    except FerganError as error:
        st.error(choose.sentence(str(error)))
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_plane(answer.facts)
    with right:
        show_twins(answer)


def show_plane(facts: dict[str, Any]) -> None:
    """Generated faces on real ones."""
    figure = projection.projection_figure(projection.projected(facts), facts["shares"], dark=choose.dark())
    st.plotly_chart(figure, width="stretch", theme=None, key="plane", config=PLOTLY_CONFIG)
    st.caption(
        "Strong: generated faces; faint: real ones that the run did not learn from. Both in the features of the judge "
        f"{choose.plain(facts['judge'])}, seen along the two directions in which these real faces differ most: they "
        "are the same for every epoch."
    )


def show_twins(answer: FaceAnswer) -> None:
    """How many faces are duplicates of others, and the most alike pairs."""
    twins, nearest = answer.facts["twins"], answer.facts["nearest"]
    st.markdown("**Duplicates**")
    if none := [EMOTIONS[row["label"]] for row in twins if not row["pairs"]]:
        of_each = " of each" if len(none) > 1 else ""
        st.markdown(f"{', '.join(none)}: none among the {twins[0]['faces']} faces drawn{of_each}.")
    for row in twins:
        if row["pairs"]:
            st.markdown(f"{EMOTIONS[row['label']]}: {counted(row)}")
    with st.container(horizontal=True, gap="medium"):
        for place, (label, distance) in enumerate(zip(nearest["labels"], nearest["distances"], strict=True)):
            with st.container(width=196, gap="xsmall"):
                pair = answer.faces[2 * place : 2 * place + 2]
                alt = f"Two generated {EMOTIONS[label]} faces that count as one"
                st.image(sheets.face_grid(pair, columns=2), alt=alt, width=196)
                st.caption(f"{EMOTIONS[label]}, distance {distance:.2f}")
    st.caption(
        ("The nearest pairs first. " if nearest["labels"] else "")
        + "Two faces of an emotion are duplicates where they are as near to each other as 1 % of its real training "
        "faces are to any other; that is distance 1, and 0 is the same face."
    )


def counted(row: dict[str, Any]) -> str:
    """Say how many pairs there are in an emotion's faces, and how many real faces have a duplicate."""
    pairs = f"{row['pairs']:,} pair{'' if row['pairs'] == 1 else 's'}"
    text = f"{pairs}; {row['share']:.0%} of {row['faces']} faces have a duplicate"
    if row["real_share"] is None:
        return f"{text}."
    return f"{text}, of {row['real_faces']} real ones {row['real_share']:.0%}."
