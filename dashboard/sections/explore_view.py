"""What is looked at on the page Explore: as an address asks for it, in words, and as files of what lies on a way."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import streamlit as st

from dashboard import choose, data
from dashboard.charts import gifs, sheets
from dashboard.components.explorer import FACES

ON_A_WAY = 9  # faces that are shown of it
MOST_SEED = 9_999_999
STRENGTH_HELP = (
    "The strength of an emotion is its distance from neutral, or from the mean of all emotions where neutral was not "
    "learned: 100 % is the emotion as it was learned, and more exaggerates it."
)
# What the view is opened at, and the bounds of what an address may ask for.
_NUMBERS = {
    "seed": (0, 0, MOST_SEED),
    "first": (0, 0, FACES - 1),
    "second": (1, 0, FACES - 1),
    "blend": (0, 0, 100),
    "mix": (0, 0, 100),
    "strength": (100, 0, 200),
    "truncation": (100, 10, 100),
}

View = Mapping[str, Any]
"""seed, emotion, first and second (places of faces A and B), blend (% of B), other (emotion), mix (% of it), strength,
truncation (both %)."""
Format = Literal["GIF", "PNG"]
FORMATS: dict[Format, str] = {
    "GIF": "An animation that goes there and back without end",
    "PNG": "Nine faces in a row",
}
Way = Literal["faces", "emotions", "strength"]


def view_of(emotions: tuple[str, ...]) -> dict[str, Any]:
    """Return the view that the address asks for, with what it leaves out or what is not possible as it opens."""
    view: dict[str, Any] = {}
    for name, (opening, least, most) in _NUMBERS.items():
        asked = st.query_params.get(name, "")
        view[name] = int(asked) if asked.isdecimal() and least <= int(asked) <= most else opening
    named = {name: st.query_params.get(name, "") for name in ("emotion", "other")}
    view["emotion"] = named["emotion"] if named["emotion"] in emotions else emotions[0]
    view["other"] = named["other"] if named["other"] in emotions else opposite(view["emotion"], emotions)
    return view


def opposite(emotion: str, emotions: tuple[str, ...]) -> str:
    """Return the emotion towards which one goes unless another is chosen."""
    return "happy" if "happy" in emotions and emotion != "happy" else emotions[-1]


def words_of(way: Way, view: View) -> str:
    """Say what lies on a way at a view: 'face 1 to face 8, happy'."""
    mixed = f"{view['emotion']} with {view['mix']} % {view['other']}" if view["mix"] else view["emotion"]
    face = f"face {view['first'] + 1}"
    if view["blend"]:
        face += f" with {view['blend']} % of face {view['second'] + 1}"
    if way == "strength":
        return f"{face}, {mixed} from 0 to 200 %"
    stronger = "" if view["strength"] == 100 else f", strength {view['strength']} %"
    if way == "faces":
        return f"face {view['first'] + 1} to face {view['second'] + 1}, {mixed}{stronger}"
    return f"{face}, {view['emotion']} to {view['other']}{stronger}"


def name_of(way: Way, form: Format, view: View, run_id: str, step: int) -> str:
    """Name the file of what lies on a way at a view of a run's checkpoint."""
    words = re.sub("[^a-z0-9]+", "-", words_of(way, view))
    return f"fergan-{run_id}-epoch-{_epoch(run_id, step):04d}-seed-{view['seed']}-{words}.{form.lower()}"


def content_of(way: Way, form: Format, faces: np.ndarray, view: View, run_id: str, step: int, *, dark: bool) -> bytes:
    """Write the faces uint8 [n,48,48] on a way as a GIF of all, there and back, or as a PNG of nine in a row."""
    if form == "GIF":
        return gifs.there_and_back(faces)
    few = faces[:: (len(faces) - 1) // (ON_A_WAY - 1)]
    title = f"{data.run(run_id)['name']}, epoch {_epoch(run_id, step)}, seed {view['seed']}: {words_of(way, view)}"
    return sheets.labelled_sheet({view["emotion"]: few}, title, dark=dark, columns=ON_A_WAY)


def _epoch(run_id: str, step: int) -> int:
    return next(epoch for epoch, at in choose.checkpoint_steps(run_id).items() if at == step)
