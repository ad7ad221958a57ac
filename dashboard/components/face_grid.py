"""A grid of faces, each of which can be chosen: by mouse, or by arrow keys and Enter.

A small component of Streamlit's second generation: Streamlit's own pictures tell nothing of where they are clicked. The
faces are drawn pixel by pixel, so that they are as sharp as they are in the data.
"""

import base64
from collections.abc import Callable, Collection, Sequence

import numpy as np
import streamlit as st

from dashboard.components import component

_grid = component("face_grid", "grid")


def show(
    faces: np.ndarray,
    names: Sequence[str],
    on_choice: Callable[[int], None],
    *,
    key: str,
    captions: Sequence[str] = (),
    label: str = "Faces: arrows move, Enter enlarges",
    marked: Collection[int] = (),
) -> None:
    """Show faces uint8 [n,48,48]; `names` and `label` say what each is, and all of them, to who cannot see them;
    `captions` stand below, if given; those at the places `marked` are framed.

    `on_choice` gets the place, 0 to n - 1, of the face that was chosen.
    """

    def tell() -> None:
        chosen = st.session_state[key].face
        if chosen is not None and 0 <= int(chosen) < len(faces):
            on_choice(int(chosen))

    data = {
        "faces": base64.b64encode(np.ascontiguousarray(faces).tobytes()).decode("ascii"),
        "side": faces.shape[-1],
        "names": list(names),
        "captions": list(captions),
        "label": label,
        "marked": [place in marked for place in range(len(faces))],
    }
    _grid(data=data, key=key, on_face_change=tell)
