"""One generated face: what the judges see in it, and the training faces that are nearest to it."""

import numpy as np
import streamlit as st

from dashboard import choose, data, face_data
from dashboard.charts import one_face, sheets
from dashboard.components.plotly_chart import plotly_chart
from dashboard.face_client import FaceAnswer
from dashboard.sections import dataset_path
from dashboard.sections.explore_view import MOST_SEED
from fergan_core.emotions import EMOTIONS
from fergan_core.protocols import judges_for

_SCALE = 6  # of the large face


def show(run_id: str, step: int) -> None:
    """Choose a face of a checkpoint by emotion, seed and number; the address keeps the choice."""
    emotions = choose.emotions_of(run_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        emotion = st.selectbox("Emotion", emotions, key="emotion", bind="query-params", width=170)
        seed = st.number_input("Seed", 0, MOST_SEED, 0, key="seed", bind="query-params", width=170)
        number = st.number_input(
            "Face", 1, face_data.FACES_OF_A_SEED, key="number", bind="query-params", width=170,
            help="Among the 24 of a seed. A number and seed stand for the same latents in every emotion.",
        )  # fmt: skip
        shown = st.selectbox(
            "Evidence for", EMOTIONS, EMOTIONS.index(emotion), key="evidence", bind="query-params", width=170,
            help="Of which emotion to show what in the face speaks for it and what against it.",
        )  # fmt: skip
    code, place = EMOTIONS.index(emotion), int(number) - 1
    judges = judges_for(data.run(run_id)["dataset"]["name"])
    with st.spinner("Drawing the face, and asking the judges"):
        answer = face_data.seen(run_id, step, code, int(seed), place, judges, EMOTIONS.index(shown))
    _show_seen(answer, emotion, shown)
    _show_nearest(run_id, step, code, int(seed), place)


def _show_seen(answer: FaceAnswer, emotion: str, shown: str) -> None:
    """The face, the evidence drawn over it, and what the judges read."""
    face, facts = answer.faces[0], answer.facts
    first, *others = facts["readings"]
    shares = one_face.by_region(np.asarray(facts["shares"]))
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=240):
            st.image(sheets.face_grid(face[None], 1, _SCALE), alt=f"The generated {emotion} face", width=240)
            st.caption(f"The face, requested as {emotion}.")
        with st.container(width=240):
            picture = one_face.evidence_picture(face, shares)
            alt = f"The face, coloured by what in it speaks for {shown} and what against it"
            st.image(sheets.face_grid(picture[None], 1, _SCALE), alt=alt, width=240)
            st.caption(
                choose.plain(
                    f"Orange: what the judge {first} takes as speaking for {shown}; blue: against it; the stronger the "
                    "colour, the more."
                )
            )
        with st.container(width=340):
            figure = one_face.readings_figure(facts["readings"], dark=choose.dark())
            words = "; ".join(_in_words(judge, reading) for judge, reading in facts["readings"].items())
            plotly_chart(figure, "readings of one face", f"What judges read in the face: {words}", toolbar=False)
            hatched = f", and hatched what its check {others[0]} reads" if others else ""
            st.caption(choose.plain(f"Full bars: what the judge {first} reads{hatched}."))
    against, speaking = float(shares[shares < 0].sum()), float(shares[shares > 0].sum())
    st.caption(
        choose.plain(
            f"The evidence for {shown}, its logit less the mean of all seven, is {facts['evidence']:+.1f} in the face "
            f"and {facts['evidence_of_grey']:+.1f} in even grey of the same brightness. Integrated gradients divide "
            f"the difference among the parts of the face: {speaking:+.1f} orange, {against:+.1f} blue. "
            "It is what this judge goes by; a person may go by something else."
        )
    )


def _in_words(judge: str, probabilities: list[float]) -> str:
    best = max(range(len(EMOTIONS)), key=probabilities.__getitem__)
    return f"{judge} {EMOTIONS[best]} {probabilities[best]:.0%}"


def _show_nearest(run_id: str, step: int, code: int, seed: int, place: int) -> None:
    """The training faces that are nearest to the face, if they are asked for, with what their distance means."""
    st.header("Nearest training faces", anchor=False)
    if not st.toggle("Search", key="search", bind="query-params"):
        st.caption(
            "Switch on Search to see whether the face is a copy. The first time, the judge reads all training faces, "
            "which takes a minute or two."
        )
        return
    if not dataset_path.is_at_hand(data.run(run_id)["dataset"], "explore"):
        return
    with st.spinner("Searching the training faces"):
        answer = face_data.nearest_to_one(run_id, step, code, seed, place)
    facts, (face, *neighbours) = answer.facts, answer.faces
    labels = ", ".join(EMOTIONS[one] for one in facts["labels"][0])
    alt = f"The generated face, and the training faces nearest to it, labelled {labels}"
    st.image(sheets.beside(face, np.stack(neighbours), scale=3), alt=alt)
    st.caption(f"The generated face, and beside it its nearest training faces, labelled {labels}.")
    st.markdown(choose.plain(distance_in_words(facts["ratio"][0], facts["nearer"][0], EMOTIONS[code])))
    st.caption(
        choose.plain(
            f"Distances are in the features of the judge {facts['judge']}, which misses some likenesses that you see, "
            "and sees some that you do not: look for yourself."
        )
    )


def distance_in_words(ratio: float, nearer: float, emotion: str) -> str:
    """Say what the distance to the nearest training face means: `ratio` to what is usual for unseen real faces, and the
    share of these that are `nearer` to a training face."""
    if nearer < 0.01:
        verdict = "It may be a copy"
    elif nearer < 0.05:
        verdict = "It is suspiciously near"
    elif nearer <= 0.95:
        verdict = "It is as near as a new real face may be"
    else:
        verdict = "It is farther from all of them than new real faces are"
    return (
        f"{verdict}: the nearest training face is {ratio:.2f} times as far away as the median for real {emotion} faces "
        f"that the run did not learn from, and {nearer:.0%} of those are nearer to one."
    )
