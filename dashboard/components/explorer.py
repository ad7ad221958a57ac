"""A generator to play with in the browser, which draws there: a small component of Streamlit's second generation."""

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.charts.palette import emotion_colour
from dashboard.components import component, parcels, source
from fergan_core import browser
from fergan_core.browser import Network

FACES = 24  # to choose from
_FRAMES = 25  # of what lies between two faces or emotions
_TEXTS = {
    "waiting": "The generator is on its way to this browser …",
    "opening": "Opening the generator …",
    "ready": "The generator draws in this browser.",
    "refused": "This browser cannot run the generator; faces of this checkpoint can be drawn on the page Checkpoints",
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
}
_WAYS = [
    {"name": "faces", "words": "face A and face B"},
    {"name": "emotions", "words": "the two emotions"},
]
_FORMATS = [
    {"name": "GIF", "help": "An animation that goes there and back without end"},
    {"name": "PNG", "help": "Nine faces in a row"},
]


_explorer = component("explorer", "explorer", browser.script().replace("export ", "") + source("saving.js"))


def show(
    network: Network, view: Mapping[str, Any], *, key: str, on_rest: Callable[[], None], on_save: Callable[[], None]
) -> None:
    """Show a generator at a view: seed, emotion, first and second (faces), blend, other (emotion), mix, strength,
    truncation; once it rests, `st.session_state[key].view` is the new one.

    A click on a download triggers `save`, which `parcels.deliver` answers: `id`, `format` (GIF or PNG), `way` (faces or
    emotions), the `view`, and base64 of the `faces` on that way, 48 x 48 bytes each.
    """
    _explorer(
        data={
            "generator": network.sha256,
            "emotions": [{"name": name, "colour": emotion_colour(name)} for name in network.emotions],
            "shape": list(network.shape),
            "normal": network.normal,
            "faces": FACES,
            "frames": _FRAMES,
            "ways": _WAYS,
            "formats": _FORMATS,
            "view": dict(view) | ({} if len(network.shape) == 1 else {"truncation": 100}),
            "texts": _TEXTS,
        },
        key=key,
        on_view_change=on_rest,
        on_save_change=on_save,
    )
    runtime = browser.runtime()
    header = {"kind": "generator", "key": network.sha256, "names": ["module", "wasm", "network"]}
    parcels.send(header, [runtime.module, runtime.wasm, network.content], key=f"{key} generator")
