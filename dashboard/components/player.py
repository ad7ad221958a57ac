"""The sheet player: all sheets of one or more runs under one slider, with play, speed, a wipe and arrow keys.

A small component of Streamlit's second generation. The pictures go to the browser once, in parcels of their own, so
that playing 100 epochs asks nothing of the server, which hears only of the place where the slider comes to rest.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard.charts.film import Film
from dashboard.charts.palette import emotion_colour
from dashboard.components import component, parcels, source
from fergan_core import sheets

_A_PARCEL = 16  # pictures
_TEXTS = {
    "place": "{place} of {last}",
    "other": "No sheet at {place}: this is {sheet}.",
    "before": "No sheet yet: its first is of {first}.",
    "absent": "{run} did not learn {emotion}",
    "damaged": "The picture of this sheet is damaged; the command fergan runs verify lists what is.",
    "wipe": "Wipe between {left} on the left and {right} on the right",
    "save": "Download what is shown:",
    "making": "Making the {format} …",
}
_FORMATS = [
    {"name": "PNG", "title": "PNG", "help": "The faces that are shown now, as a picture"},
    {"name": "strip", "title": "PNG strip", "help": "All places of the slider in one picture"},
    {"name": "GIF", "title": "GIF", "help": "All places of the slider as an animation, at the chosen speed"},
    {"name": "MP4", "title": "MP4", "help": "All places of the slider as a video (H.264), at the chosen speed"},
]


_player = component("player", "player", source("saving.js"))


def play(
    film: Film, *, opening: float, split: int, key: str, on_rest: Callable[[], None], on_save: Callable[[], None]
) -> None:
    """Show a film, opened at the place of value `opening`, with the wipe at `split` percent.

    Once slider and wipe rest, `st.session_state[key].view` is set (axis, place, split); a click on a download triggers
    `save` (the same, and format, speed and id), which `parcels.deliver` answers.
    """
    _player(
        data=_as_json(film) | {"opening": opening, "split": split},
        key=key, on_view_change=on_rest, on_save_change=on_save,
    )  # fmt: skip
    # What is shown first goes first.
    shown = film.at(opening)
    first = {run.pictures[shot].sha256: run.pictures[shot].content for run, shot in shown if shot is not None}
    with st.container(gap=None):
        _send("sheets", first, f"{key} first")
        for run in film.runs:
            for start in range(0, len(run.pictures), _A_PARCEL):
                part = run.pictures[start : start + _A_PARCEL]
                pictures = {one.sha256: one.content for one in part if one.sha256 not in first}
                _send("sheets", pictures, f"{key} {run.run_id} {start}")


def _send(kind: str, pictures: Mapping[str, bytes], key: str) -> None:
    if pictures:
        parcels.send({"kind": kind, "hashes": list(pictures)}, list(pictures.values()), key=key)


def _as_json(film: Film) -> dict[str, Any]:
    return {
        "label": f"Sheet by {film.axis}",
        "axis": film.axis,
        "wipe": film.wipe,
        "margin": sheets.MARGIN,
        "texts": _TEXTS,
        "formats": _FORMATS,
        "last": film.words(film.places[-1]).removeprefix(f"{film.axis} "),
        "places": [{"value": place, "words": film.words(place)} for place in film.places],
        "emotions": [{"name": name, "colour": emotion_colour(name)} for name in film.emotions],
        "runs": [
            {
                "id": run.run_id,
                "name": run.name,
                "colour": run.colour,
                "columns": run.columns,
                "emotions": list(run.emotions),
                "pictures": [picture.sha256 for picture in run.pictures],
                "words": [picture.words for picture in run.pictures],
                "at": [-1 if (shot := run.at(place)) is None else shot for place in film.places],
                "exact": [run.is_at(place) for place in film.places],
            }
            for run in film.runs
        ],
    }
