"""Faces to walk among that the server's own process draws: of a method that takes many passes of its network a face, or
where no browser can run the network."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from dashboard import choose, data, face_data
from dashboard.charts import sheets
from dashboard.components import face_grid
from dashboard.components.explorer import FACES
from dashboard.face_client import Faces, Waiting
from dashboard.face_data import MixedRequest, Mixture
from dashboard.sections import drawing as drawings
from dashboard.sections.explore_view import (
    FORMATS,
    MOST_SEED,
    ON_A_WAY,
    STRENGTH_HELP,
    View,
    Way,
    content_of,
    name_of,
    opposite,
    view_of,
)  # fmt: skip
from fergan_core import recipe as recipes
from fergan_core.recipe import Denoiser

_WALKS: dict[str, Way | None] = {
    "face A in every emotion": None,
    "from face A to face B": "faces",
    "from one emotion to another": "emotions",
    "from weak to strong": "strength",
}
_PICKS = {"face A": "first", "face B": "second"}  # and their names in the address
_STRONGEST = 2.0
_WIDTH = 92  # px, a face's in a row: nine fit beside each other in the usual window
# Passes of the network that a face takes at most, and how many faces there are then to choose from.
_GRIDS = ((40, FACES), (100, FACES // 2))
_SLOW_GRID = FACES // 4
_PASSES_A_STEP = {"heun": 2, "midpoint": 2}
_ADAPTIVE_PASSES = 90

Shares = tuple[float, ...]


class _Row(NamedTuple):
    """Faces to show in a row, and what stands under each."""

    mixtures: tuple[Mixture, ...]
    captions: list[str]


def show(run_id: str, step: int) -> None:
    """A grid of faces to choose two from, and what lies between these and between emotions; the address carries all."""
    emotions = choose.emotions_of(run_id)
    face_data.warm_faces(run_id, step)
    view, sampling = _chosen(run_id, emotions)
    count = _grid_size(run_id, sampling)

    def request(mixtures: Sequence[Mixture]) -> MixedRequest:
        truncation = view["truncation"] / 100
        return MixedRequest(run_id, step, FACES, view["seed"], truncation, sampling, tuple(mixtures))

    st.header("Faces to choose from", anchor=False)
    st.segmented_control("A click on a face makes it", list(_PICKS), default="face A", required=True, key="pick")
    learned = _only(view["emotion"], emotions)
    faces = _drawn("grid", request([Mixture(place, place, 0.0, learned) for place in range(count)]))
    if faces is not None:
        _show_grid(faces, view, key=f"grid {run_id} {step}")
    st.header("The chosen faces", anchor=False)
    walk, view = _chosen_walk(view, emotions)
    row = _row(_WALKS[walk], view, emotions)
    if faces is None:
        return
    shown = _drawn("walk", request(row.mixtures))
    if shown is not None:
        _show_row(shown, row.captions)
        if (way := _WALKS[walk]) is not None:
            _offer_files(way, shown, view, run_id, step)
    st.caption(STRENGTH_HELP)


def _chosen(run_id: str, emotions: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, int, float] | None]:
    """Ask for emotion, seed and how faces are drawn; return the view with them, and the sampling."""
    view = view_of(emotions) | {"blend": 0, "mix": 0}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view["emotion"] = st.selectbox("Emotion", emotions, key="emotion", bind="query-params", width=170)
        view["seed"] = int(st.number_input("Seed", 0, MOST_SEED, 0, key="seed", bind="query-params", width=170))
        sampling = drawings.chosen_sampling(run_id)
        # Noise that is shortened is noise from which no network has learnt to draw.
        view["truncation"] = 100
        if sampling is None:
            view["truncation"] = st.slider(
                "Truncation, %", 10, 100, 100, key="truncation", bind="query-params", width=240,
                help="All latents times this: clearer faces of less variety.",
            )  # fmt: skip
    return view, sampling


def _chosen_walk(view: dict[str, Any], emotions: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """Ask what to show of the chosen faces; return its name, and the view with it."""
    walk = st.segmented_control(
        "Show", list(_WALKS), default=next(iter(_WALKS)), required=True, key="walk", bind="query-params"
    )
    # All are there always: Streamlit forgets a choice that is not on the page.
    with st.container(horizontal=True, vertical_alignment="bottom"):
        towards = emotions.index(opposite(view["emotion"], emotions))
        other = st.selectbox(
            "Towards the emotion", emotions, towards, key="other", bind="query-params", width=170,
            disabled=_WALKS[walk] != "emotions",
        )  # fmt: skip
        strength = st.slider(
            "Strength of the emotion, %", 0, 200, 100, key="strength", bind="query-params", width=240,
            disabled=_WALKS[walk] == "strength",
        )  # fmt: skip
    return walk, view | {"other": other, "strength": strength}


def _row(way: Way | None, view: View, emotions: tuple[str, ...]) -> _Row:
    """Return the faces on a way at a view, or face A in every emotion."""
    first, emotion, strength = view["first"], view["emotion"], view["strength"] / 100
    shares = [place / (ON_A_WAY - 1) for place in range(ON_A_WAY)]
    percents = [f"{100 * share:g} %" for share in shares]
    if way is None:
        of_each = [_strong(_only(name, emotions), strength, emotions) for name in emotions]
        return _Row(tuple(Mixture(first, first, 0.0, of_one) for of_one in of_each), list(emotions))
    if way == "strength":
        strong = [_strong(_only(emotion, emotions), _STRONGEST * share, emotions) for share in shares]
        percents = [f"{100 * _STRONGEST * share:g} %" for share in shares]
        return _Row(tuple(Mixture(first, first, 0.0, of_one) for of_one in strong), percents)
    if way == "faces":
        learned = _strong(_only(emotion, emotions), strength, emotions)
        mixtures = [Mixture(first, view["second"], share, learned) for share in shares]
        return _Row(tuple(mixtures), ["face A", *percents[1:-1], "face B"])
    ends = _only(emotion, emotions), _only(view["other"], emotions)
    between = [_strong(_mixed(*ends, share), strength, emotions) for share in shares]
    mixtures = [Mixture(first, first, 0.0, of_one) for of_one in between]
    return _Row(tuple(mixtures), [emotion, *percents[1:-1], view["other"]])


def _only(emotion: str, emotions: tuple[str, ...]) -> Shares:
    return tuple(float(name == emotion) for name in emotions)


def _mixed(first: Shares, second: Shares, share: float) -> Shares:
    return tuple((1 - share) * one + share * other for one, other in zip(first, second, strict=True))


def _strong(wanted: Shares, strength: float, emotions: tuple[str, ...]) -> Shares:
    """Return the shares of emotions made weaker or stronger: `strength` times as far from neutral as they are."""
    calm = _only("neutral", emotions) if "neutral" in emotions else (1 / len(emotions),) * len(emotions)
    return _mixed(calm, wanted, strength)


def _grid_size(run_id: str, sampling: tuple[str, int, float] | None) -> int:
    """Return how many faces to choose from: fewer where each takes many passes of the network."""
    if sampling is None:
        return FACES
    sampler, steps, guidance = sampling
    method = recipes.from_dict(data.run(run_id)["recipe"]).method
    twice = isinstance(method, Denoiser) and method.guidable and guidance != 1
    passes = _ADAPTIVE_PASSES if sampler == "adaptive" else steps * _PASSES_A_STEP.get(sampler, 1)
    passes *= 2 if twice else 1
    return next((count for most, count in _GRIDS if passes <= most), _SLOW_GRID)


def _drawn(what: str, request: MixedRequest) -> Faces | None:
    """Return the faces of a request once they are drawn; until then show how far they are, or else why there are none.

    Another request for the same place on the page ends the wait for the one before.
    """
    state, key = st.session_state, f"explored {what}"
    if key not in state or state[key][0] != request:
        drawings.begin(key, request)
    waiting: Waiting = state[key][1]
    if not waiting.ended(within=drawings.AT_ONCE):
        drawings.show_progress(waiting)
        return None
    if waiting.faces is None:
        drawings.show_failure(waiting)
        st.button("Draw again", key=f"again {what}", on_click=state.pop, args=(key, None))
    return waiting.faces


def _show_grid(faces: Faces, view: View, *, key: str) -> None:
    """Show faces to choose from; a click makes one face A or face B, as was picked."""
    first, second = view["first"], view["second"]
    marks = [
        " and ".join(letter for letter, at in (("A", first), ("B", second)) if at == place)
        for place in range(len(faces))
    ]
    captions = [f"{place + 1}" + (f": face {mark}" if mark else "") for place, mark in enumerate(marks)]

    def choose_face(place: int) -> None:
        # As it is now: a quick person has picked another since the page was drawn.
        st.query_params[_PICKS[st.session_state["pick"]]] = str(place)

    names = [f"Face {caption}" for caption in captions]
    face_grid.show(
        faces, names, choose_face, key=key, captions=captions, label="Faces: arrows move, Enter chooses",
        marked=(first, second),
    )  # fmt: skip
    if not_shown := [f"{name} is face {at + 1}" for name, at in (("A", first), ("B", second)) if at >= len(faces)]:
        st.caption(f"{' and '.join(not_shown)}, beyond the {len(faces)} that are shown here.")


def _show_row(faces: Faces, captions: Sequence[str]) -> None:
    """Show faces beside each other, or below where the window ends, with a caption under each."""
    with st.container(horizontal=True, gap="xsmall"):
        for face, caption in zip(faces, captions, strict=True):
            with st.container(width=_WIDTH, gap=None):
                st.image(sheets.face_grid(face[None], columns=1), alt=f"Generated face, {caption}", width=_WIDTH)
                st.caption(choose.plain(caption))


def _offer_files(way: Way, faces: Faces, view: View, run_id: str, step: int) -> None:
    """Offer what lies on a way as a GIF and as a PNG."""
    dark = choose.dark()
    with st.container(horizontal=True):
        for form, about in FORMATS.items():
            st.download_button(
                f"Download {form}",
                partial(content_of, way, form, faces, view, run_id, step, dark=dark),
                name_of(way, form, view, run_id, step),
                f"image/{form.lower()}",
                on_click="ignore",
                key=f"download {form}",
                help=about,
            )
