"""A face, or two, shown for a time that the browser measures, then a mask, and the keys or buttons that answer.

A small component of Streamlit's second generation: what Streamlit itself shows appears when the server's answer comes,
and not for 250 ms.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from dashboard.components import component

_rating = component("rating", "rating")


@dataclass(frozen=True)
class Option:
    """An answer: its value, what its button says, and the key that gives it (a KeyboardEvent's, and as it is shown)."""

    value: str
    label: str
    key: str
    shown: str


@dataclass(frozen=True)
class Shown:
    """What is shown once: PNGs with words for who cannot see them, for how long (0: until the answer), and the answers.

    `intro` is shown first where a task begins, `feedback` after an answer in practice: what is right, '' elsewhere.
    `strength` asks in a second step, 1 to 5, about every answer but those in `without_strength`.
    """

    position: int
    of: int
    title: str
    intro: str
    question: str
    pictures: Sequence[bytes]
    names: Sequence[str]
    exposure_ms: int
    options: Sequence[Option]
    strength: str = ""
    without_strength: Sequence[str] = ()
    practice: bool = False
    expected: str = ""
    feedback: str = ""


def ask(
    shown: Shown, *, key: str, on_shown: Callable[[int], None], on_answer: Callable[[Mapping[str, Any]], None]
) -> None:
    """Show it; `on_shown` gets the position when its first frame is on the screen, `on_answer` a dict of position,
    answer, strength (or None), exposure_ms (None: until the answer) and response_ms.

    The same position again, as after every answer of the server, changes nothing in the browser.
    """

    def tell_shown() -> None:
        if (position := st.session_state[key].shown) is not None:
            on_shown(int(position))

    def tell_answer() -> None:
        if (answer := st.session_state[key].answer) is not None:
            on_answer(answer)

    pictures = [base64.b64encode(picture).decode("ascii") for picture in shown.pictures]
    _rating(
        data={**asdict(shown), "pictures": pictures},
        key=key,
        on_shown_change=tell_shown,
        on_answer_change=tell_answer,
    )
