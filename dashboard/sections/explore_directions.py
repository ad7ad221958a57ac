"""Faces moved along directions of a generator's spaces, in closed form or learned, and what a judge says changes."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import choose, data, face_data
from dashboard.charts import sheets
from dashboard.components import window_follower
from dashboard.face_client import Drawing, FaceAnswer
from dashboard.face_data import Along
from dashboard.sections import drawing
from dashboard.sections.explore_view import MOST_SEED
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError
from fergan_core.exploring.words import how_much, what_changes
from fergan_core.recipe import in_one_pass

FACES, SLIDERS = 8, 6
MOST = 6.0  # units to either side
# What can be chosen, and the space of each that is in closed form.
_KINDS = {"Closed form, latents": "latents", "Closed form, conditional norms": "norms", "Learned": None}
_HELP = (
    "Closed form: the directions that change most what the generator's first layer computes, from its weights alone "
    "(SeFa). Learned: directions along which another network can tell how faces were moved; none looks at labels."
)


def show(run_id: str, step: int) -> None:
    """Choose directions and an emotion; faces moved by sliders, and what changes along each direction."""
    if not in_one_pass(data.run(run_id)["method"]):
        st.info(
            "Directions are for generators that draw a face in one pass: choose a run of a GAN, a VAE or MeanFlow. "
            "This one takes many passes."
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("Directions", list(_KINDS), key="directions", bind="query-params", width=260, help=_HELP)
        emotion = st.selectbox("Emotion", choose.emotions_of(run_id), key="emotion", bind="query-params", width=140)
        seed = st.number_input("Seed", 0, MOST_SEED, 0, key="seed", bind="query-params", width=140)
    going_on = face_data.learning(run_id, step)
    if going_on is not None and not going_on.ended():
        drawing.show_progress(going_on, "steps done")
        return
    space = _KINDS[kind]
    if space is None:
        directions = face_data.learned_directions(run_id, step)
        if not directions.changed:
            _offer_learning(run_id, step, going_on)
            return
    else:
        directions = Along(run_id, step, space)
    try:
        still = face_data.along(directions, EMOTIONS.index(emotion), FACES, int(seed))
    except CheckpointError as error:
        st.warning(choose.sentence(f"{error}."))
        return
    # A fragment of its own, so that a slider makes no more of the page anew than it has to.
    choose.fragment(_show_faces)(directions, emotion, int(seed), still)


def _offer_learning(run_id: str, step: int, ended: Drawing | None) -> None:
    if ended is not None and (ended.cancelled or ended.error):
        drawing.show_failure(ended, "learning")
    st.write(
        "No directions have been learned from this checkpoint yet. Learning takes some minutes on this computer, and "
        "the result is kept with the run. Until it is done, no other page of this dashboard can draw faces."
    )
    st.button("Learn directions", type="primary", on_click=_begin_learning, args=(run_id, step))


def _begin_learning(run_id: str, step: int) -> None:
    face_data.learning(run_id, step, anew=True)


def _show_faces(directions: Along, emotion: str, seed: int, still: FaceAnswer) -> None:
    """The faces, `still` and moved, and below them a slider for each direction beside what changes along it."""
    keys = [f"along{place}" for place in range(1, min(SLIDERS, still.facts["directions"]) + 1)]
    picture = st.container()
    rows = [st.columns([2, 3], gap="medium", vertical_alignment="center") for _ in keys]
    shifts = tuple(
        row[0].slider(f"Direction {place}", -MOST, MOST, 0.0, 0.5, key=key, bind="query-params", format="%+.1f")
        for place, (row, key) in enumerate(zip(rows, keys, strict=True), 1)
    )
    code = EMOTIONS.index(emotion)
    moved = face_data.along(directions, code, FACES, seed, shifts) if any(shifts) else still
    columns = FACES // 2 if window_follower.narrow() else FACES
    faces = np.concatenate(
        [part[at : at + columns] for at in range(0, FACES, columns) for part in (still.faces, moved.faces)]
    )
    with picture:
        alt = f"{FACES} {emotion} faces as they are drawn, and below each the same face moved along the directions"
        st.image(sheets.face_grid(faces, columns), alt=alt, width=columns * 100)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Above, faces as they are drawn; below, the same faces, moved.")
            st.button("Reset the sliders", on_click=_reset, args=(keys,), disabled=not any(shifts))
    with st.spinner("A judge reads faces along each direction: some seconds, once a checkpoint"):
        facts = face_data.effects_along(directions, SLIDERS)
    for row, effect in zip(rows, facts["effects"], strict=True):
        row[1].markdown(
            f"**To the right:** {choose.plain(what_changes(effect))}. Lines and shapes change {how_much(effect)}."
        )
    st.caption(
        "A unit is a tenth of the typical length of what is moved. In brackets: the change a unit in points of 100, of "
        f"the probability that the judge {choose.plain(facts['judge'])} gives an emotion, or from black to white; only "
        "what is surely not 0 (95 %) is named."
    )
    with st.expander("All that was measured, with 95 % intervals"):
        st.dataframe(_table(facts["effects"]), width="stretch")


def _reset(keys: list[str]) -> None:
    st.session_state.update(dict.fromkeys(keys, 0.0))


def _table(effects: list[dict[str, Any]]) -> pd.DataFrame:
    """Return changes a unit in points of 100 with their intervals, a row a direction."""

    def cell(interval: dict[str, float]) -> str:
        value, low, high = (100 * interval[name] for name in ("value", "low", "high"))
        return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"

    rows = [
        {name: cell(one) for name, one in effect["emotions"].items()}
        | {"brightness": cell(effect["brightness"]), "1 less MS-SSIM": f"{effect['difference']['value']:.2f}"}
        for effect in effects
    ]
    return pd.DataFrame(rows, index=pd.Index(range(1, len(rows) + 1), name="Direction"))
