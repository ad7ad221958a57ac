"""Faces moved along directions of a generator's spaces, in closed form or learned, and what a judge says changes."""

import re
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import choose, data, face_data
from dashboard.charts import sheets
from dashboard.components import explorer, window_follower
from dashboard.face_client import Drawing, FaceAnswer, Waiting
from dashboard.face_data import Along
from dashboard.sections import drawing
from dashboard.sections.explore_network import OWN_LATENTS, network_of, refuse
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
    learning = _learning(run_id, step)
    if learning is not None and not learning.drawing.failed() and not learning.drawing.ended():
        _show_learning(learning)
        return
    space = _KINDS[kind]
    if space is None:
        directions = face_data.learned_directions(run_id, step)
        if not directions.changed:
            _offer_learning(run_id, step, learning)
            return
    else:
        directions = Along(run_id, step, space)
    try:
        _show_faces(directions, emotion, int(seed))
    except CheckpointError as error:
        st.warning(choose.sentence(f"{error}."))


def _learning(run_id: str, step: int) -> Waiting | None:
    """Return this person's wait for the learning of a checkpoint's directions that was begun on this server, if any."""
    going_on, key, state = face_data.learning(run_id, step), _learning_key(run_id, step), st.session_state
    if going_on is not None and (key not in state or state[key].drawing is not going_on):
        state[key] = drawing.wait_for(going_on)
    waiting: Waiting | None = state.get(key)
    return waiting


def _learning_key(run_id: str, step: int) -> str:
    return f"learning {run_id} {step}"


def _show_learning(learning: Waiting) -> None:
    if not learning.cancelled:
        drawing.show_progress(learning, "steps done")
        return
    st.info(
        "You cancelled the learning, but somebody else waits for it: it goes on, and until it is done no faces can be "
        "drawn here."
    )
    choose.fragment(_wait_for, run_every=choose.LIVE_SECONDS)(learning.drawing)


def _wait_for(learning: Drawing) -> None:
    if learning.ended():
        st.rerun()


def _offer_learning(run_id: str, step: int, ended: Waiting | None) -> None:
    if ended is not None and ended.faces is None:
        drawing.show_failure(ended, "learning")
    st.write(
        "No directions have been learned from this checkpoint yet. Learning takes some minutes on this computer, and "
        "the result is kept with the run. Until it is done, no other page of this dashboard can draw faces."
    )
    st.button("Learn directions", type="primary", on_click=_begin_learning, args=(run_id, step))


def _begin_learning(run_id: str, step: int) -> None:
    face_data.learning(run_id, step, anew=True)
    st.session_state.pop(_learning_key(run_id, step), None)


def _show_faces(directions: Along, emotion: str, seed: int) -> None:
    """The faces and the sliders, in the browser where it can move what the directions move, else from the server."""
    moves = face_data.moves_along(directions, SLIDERS)
    network = None if moves is None else network_of(directions.run_id, directions.step)
    if moves is None or network is None:
        still = face_data.along(directions, EMOTIONS.index(emotion), FACES, seed)
        # A fragment of its own, so that a slider makes no more of the page anew than it has to.
        choose.fragment(_show_drawn)(directions, emotion, seed, still)
        return
    key, state = f"directions {directions.run_id} {directions.step}", st.session_state

    def follow() -> None:
        for name, units in (state[key].view or {}).items():
            if units:
                st.query_params[name] = f"{units:g}"
            else:
                st.query_params.pop(name, None)

    explorer.show_directions(
        network, moves, _asked_shifts(len(moves.vectors)), emotion=emotion, seed=seed, shown=FACES, most=MOST, key=key,
        on_rest=follow, on_refused=partial(refuse, key, directions.run_id, directions.step),
    )  # fmt: skip
    explorer.say_of_directions(moves, [_in_words(effect) for effect in _effects(directions)["effects"]], key=key)
    _explain(directions, OWN_LATENTS)


def _asked_shifts(count: int) -> dict[str, float]:
    """Return the units along each direction that the address asks for, 0 where it asks for none that is possible."""
    shifts = {}
    for key in _keys(count):
        asked = st.query_params.get(key, "")
        possible = re.fullmatch(r"-?\d+(\.\d+)?", asked) is not None and abs(float(asked)) <= MOST
        shifts[key] = float(asked) if possible else 0.0
    return shifts


def _keys(count: int) -> list[str]:
    """Return the sliders' names in the address."""
    return [f"along{place}" for place in range(1, min(SLIDERS, count) + 1)]


def _show_drawn(directions: Along, emotion: str, seed: int, still: FaceAnswer) -> None:
    """The faces, `still` and moved by the server, and below them a slider for each direction beside what changes along
    it."""
    keys = _keys(still.facts["directions"])
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
    for row, effect in zip(rows, _effects(directions)["effects"], strict=True):
        row[1].markdown(f"**To the right:** {choose.plain(_in_words(effect))}")
    _explain(directions)


def _effects(directions: Along) -> dict[str, Any]:
    """Return what changes along the directions, measured at the first time."""
    with st.spinner("A judge reads faces along each direction: some seconds, once a checkpoint"):
        return face_data.effects_along(directions, SLIDERS)


def _in_words(effect: dict[str, Any]) -> str:
    return f"{what_changes(effect)}. Lines and shapes change {how_much(effect)}."


def _explain(directions: Along, more: str = "") -> None:
    """What the sliders' units and words mean, and all that was measured."""
    facts = _effects(directions)
    st.caption(
        "A unit is a tenth of the typical length of what is moved. In brackets: the change a unit in points of 100, of "
        f"the probability that the judge {choose.plain(facts['judge'])} gives an emotion, or from black to white; only "
        f"what is surely not 0 (95 %) is named. {more}"
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
