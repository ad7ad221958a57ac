"""The sheet player: all sheets of one or more runs under one slider, with play, speed and arrow keys.

A small component of Streamlit's second generation: the pictures go to the browser once, so that playing 100 epochs
asks nothing of the server, which hears only of the epoch where the slider comes to rest.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.charts.palette import emotion_colour
from fergan_core import sheet

_HERE = Path(__file__).parent

_player = st.components.v2.component(
    "fergan_sheet_player",
    html='<div class="player"></div>',
    css=(_HERE / "player.css").read_text(encoding="utf-8"),
    js=(_HERE / "player.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class SheetSeries:
    """A run's sheets: its emotions by row, the faces in a row, and (epoch, WebP bytes) in the epochs' order."""

    run_id: str
    name: str
    emotions: tuple[str, ...]
    columns: int
    frames: tuple[tuple[int, bytes], ...]


def play(runs: Sequence[SheetSeries], epoch: int, *, key: str, on_rest: Callable[[], None]) -> None:
    """Show the runs' sheets, opened at `epoch`; once the slider rests, `st.session_state[key].epoch` is set."""
    data: dict[str, Any] = {
        "runs": [_as_json(series) for series in runs],
        "epoch": epoch,
        "label": "Sheet by epoch",
        "tile": sheet.TILE,
        "margin": sheet.MARGIN,
    }
    _player(data=data, key=key, on_epoch_change=on_rest)


def _as_json(series: SheetSeries) -> dict[str, Any]:
    return {
        "id": series.run_id,
        "name": series.name,
        "emotions": list(series.emotions),
        "colours": [emotion_colour(emotion) for emotion in series.emotions],
        "columns": series.columns,
        "epochs": [epoch for epoch, _ in series.frames],
        "pictures": [base64.b64encode(picture).decode("ascii") for _, picture in series.frames],
    }
