"""A generator to play with in the browser, which draws there: a small component of Streamlit's second generation."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dashboard.charts.palette import emotion_colour
from dashboard.components import component, parcels
from fergan_core import browser
from fergan_core.browser import Network

FACES = 24  # to choose from
_HERE = Path(__file__).parent
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
}


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_explorer = component("explorer", "explorer", browser.script().replace("export ", ""))


def show(network: Network, view: Mapping[str, Any], *, key: str, on_rest: Callable[[], None]) -> None:
    """Show a generator at a view: seed, emotion, first and second (faces), blend, other (emotion), mix, strength,
    truncation; once it rests, `st.session_state[key].view` is the new one."""
    _explorer(
        data={
            "generator": network.sha256,
            "emotions": [{"name": name, "colour": emotion_colour(name)} for name in network.emotions],
            "shape": list(network.shape),
            "normal": network.normal,
            "faces": FACES,
            "view": dict(view),
            "texts": _TEXTS,
        },
        key=key,
        on_view_change=on_rest,
    )
    runtime = browser.runtime()
    header = {"kind": "generator", "key": network.sha256, "names": ["module", "wasm", "network"]}
    parcels.send(header, [runtime.module, runtime.wasm, network.content], key=f"{key} generator")
