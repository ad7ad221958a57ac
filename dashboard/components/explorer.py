"""A generator to play with in the browser, which draws there: a small component of Streamlit's second generation."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dashboard.charts.palette import emotion_colour
from dashboard.components import component, parcels, source
from fergan_core import browser
from fergan_core.browser import Moves, Network

FACES = 24  # to choose from
_FRAMES = 25  # of what lies between two faces or emotions
_TEXTS = {
    "waiting": "The generator is on its way to this browser …",
    "opening": "Opening the generator …",
    "ready": "The generator draws in this browser.",
    "emotion": "Emotion",
    "seed": "Seed",
    "truncation": "Truncation: all latents times this",
    "pick": "A click on a face makes it",
    "which": ["face A", "face B"],
    "grid": "Faces to choose from",
    "face": "Face",
    "moods": "Face A in every emotion",
    "between": "Between two faces and two emotions",
    "blend": "From face A to face B",
    "other": "Towards the emotion",
    "mix": "How far towards it",
    "strength": "Strength of the emotion",
    "large": "Generated face",
    "save": "Download what lies between",
    "saved": "{format} of what lies between {way}",
    "making": "Making the {format} …",
    "direction": "Direction",
    "pair": ["as it is drawn", "moved"],
    "about": "Above, faces as they are drawn; below, the same faces, moved.",
    "reset": "Reset the sliders",
    "judging": "A judge is reading faces along this direction …",
    "right": "To the right:",
}
_WAYS = [
    {"name": "faces", "words": "face A and face B"},
    {"name": "emotions", "words": "the two emotions"},
]
_FORMATS = [
    {"name": "GIF", "help": "An animation that goes there and back without end"},
    {"name": "PNG", "help": "Nine faces in a row"},
]

_SCRIPTS = ("explorer_base.js", "explorer_faces.js", "explorer_directions.js", "saving.js")
_explorer = component(
    "explorer", "explorer", "\n".join([browser.script().replace("export ", ""), *map(source, _SCRIPTS)])
)


def show(
    network: Network,
    view: Mapping[str, Any],
    *,
    key: str,
    on_rest: Callable[[], None],
    on_save: Callable[[], None],
    on_refused: Callable[[], None],
) -> None:
    """Show faces of a generator to walk among, at a view: seed, emotion, first and second (faces), blend, other
    (emotion), mix, strength, truncation; once it rests, `st.session_state[key].view` is the new one.

    A click on a download triggers `save`, which `parcels.deliver` answers: `id`, `format` (GIF or PNG), `way` (faces or
    emotions), the `view`, and base64 of the `faces` on that way, 48 x 48 bytes each. A browser that cannot run the
    generator triggers `refused` with the reason.
    """
    _show(
        network,
        key,
        {
            "part": "faces",
            "frames": _FRAMES,
            "ways": _WAYS,
            "formats": _FORMATS,
            "view": dict(view) | ({} if len(network.shape) == 1 else {"truncation": 100}),
        },
        on_view_change=on_rest,
        on_save_change=on_save,
        on_refused_change=on_refused,
    )


def show_directions(
    network: Network,
    moves: Moves,
    view: Mapping[str, float],
    *,
    emotion: str,
    seed: int,
    shown: int,
    most: float,
    key: str,
    on_rest: Callable[[], None],
    on_refused: Callable[[], None],
) -> None:
    """Show the first faces of a seed, `shown` of them, and a slider of `most` units to either side for each direction
    of a view: along1, along2, ...; once it rests, `st.session_state[key].view` is the new one.

    `say_of_directions` sends what stands beside the sliders. A browser that cannot run the generator triggers `refused`
    with the reason.
    """
    _show(
        network,
        key,
        {
            "part": "directions",
            "directions": moves.key,
            "count": len(moves.vectors),
            "input": moves.input,
            "moves": base64.b64encode(np.ascontiguousarray(moves.vectors, "<f4").tobytes()).decode(),
            "most": most,
            "shown": shown,
            "emotion": emotion,
            "seed": seed,
            "view": dict(view),
        },
        on_view_change=on_rest,
        on_refused_change=on_refused,
    )


def say_of_directions(moves: Moves, words: Sequence[str], *, key: str) -> None:
    """Say what changes along each of the directions that the component with this key shows."""
    parcels.send({"kind": "words", "key": moves.key, "words": list(words)}, [], key=f"{key} words")


def _show(network: Network, key: str, of_part: Mapping[str, Any], **listeners: Callable[[], None]) -> None:
    """Show a part of the explorer with what it needs, and send it the generator."""
    _explorer(
        data={
            "generator": network.sha256,
            "emotions": [{"name": name, "colour": emotion_colour(name)} for name in network.emotions],
            "shape": list(network.shape),
            "normal": network.normal,
            "faces": FACES,
            "texts": _TEXTS,
            **of_part,
        },
        key=key,
        **listeners,
    )
    runtime = browser.runtime()
    header = {"kind": "generator", "key": network.sha256, "names": ["module", "wasm", "network"]}
    parcels.send(header, [runtime.module, runtime.wasm, network.content], key=f"{key} generator")
