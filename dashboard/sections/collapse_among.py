"""The Mode collapse page's generated faces among real ones, drawn on demand: their spread, and their duplicates."""

from typing import Any

import streamlit as st

from dashboard import choose, data, face_data
from dashboard.charts import projection, sheets
from dashboard.components.plotly_chart import plotly_chart
from dashboard.face_client import FaceAnswer
from dashboard.sections import dataset_path
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import FerganError

MOST, USUAL = 300, 100
QUESTION = "faces asked for among real ones"


def show(run_id: str) -> None:
    """Choose a checkpoint and an emotion and draw; nothing is drawn anew until the button is pressed again."""
    if not choose.can_draw(run_id):
        st.info(choose.OWN_NETWORK)
        return
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
        st.session_state[QUESTION] = question
    if st.session_state.get(QUESTION) != question:
        st.caption("Press Draw. The first time, the judge reads all training faces, which takes a few minutes.")
        return
    if not dataset_path.is_at_hand(data.run(run_id)["dataset"], "among"):
        return
    try:
        with st.spinner("Drawing faces and reading them"):
            labels = tuple(emotion_code(name) for name in question[2] for _ in range(count))
            answer = face_data.project(run_id, step_of[epoch], labels, seed)
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
    plotly_chart(figure, "plane", "Generated faces among real ones, in the plane in which real ones vary most")
    st.caption(
        "Strong: generated faces; faint: real faces that the run was not trained on. The axes are the first two "
        f"principal components of these real faces in the features of the judge {choose.plain(facts['judge'])}; they "
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
                alt = f"Two generated {EMOTIONS[label]} faces that count as duplicates"
                st.image(sheets.face_grid(pair, columns=2), alt=alt, width=196)
                st.caption(f"{EMOTIONS[label]}, distance {distance:.2f}")
    st.caption(
        ("The nearest pairs first. " if nearest["labels"] else "")
        + "Two faces of an emotion count as duplicates up to distance 1, within which 1 % of its real training faces "
        "have another one; at distance 0 they are the same face."
    )


def counted(row: dict[str, Any]) -> str:
    """Say how many pairs of duplicates an emotion's faces have, and how many faces, also real ones, are in a pair."""
    pairs = f"{row['pairs']:,} pair{'' if row['pairs'] == 1 else 's'}"
    text = f"{pairs}; {row['share']:.0%} of {row['faces']} faces have a duplicate"
    if row["real_share"] is None:
        return f"{text}."
    return f"{text}, against {row['real_share']:.0%} of {row['real_faces']} real ones."
