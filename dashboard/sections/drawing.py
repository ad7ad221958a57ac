"""What pages that draw faces share: how a face is drawn, how far a drawing is, and why it has no faces."""

from functools import partial
from typing import get_args, get_type_hints

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import choose, data, face_data
from dashboard.face_client import Drawing, Waiting
from dashboard.face_data import DrawingRequest, MixedRequest
from fergan_core import recipe as recipes
from fergan_core.recipe import Denoiser

AT_ONCE = 0.4  # s: a drawing that takes no longer shows no progress
_POLL_SECONDS = 0.5


def chosen_sampling(run_id: str) -> tuple[str, int, float] | None:
    """Ask how a face is drawn where the run's method draws it in steps: sampler, steps, guidance; None where it does in
    one pass. The address keeps the choice."""
    method = recipes.from_dict(data.run(run_id)["recipe"]).method
    if not isinstance(method, Denoiser):
        return None
    samplers = list(get_args(get_type_hints(type(method))["sampler"]))
    sampler = st.selectbox(
        "Sampler", samplers, samplers.index(method.sampler), key=f"sampler {method.kind}", bind="query-params",
        width=170,
        help="The solver that goes from noise to a face. average, euler and ddim take one pass of the network a step, "
        "heun and midpoint two, adaptive as many as it needs.",
    )  # fmt: skip
    steps = st.number_input("Steps", 1, 500, method.sample_steps, key="steps", bind="query-params", width=170)
    guidance = method.guidance
    if method.guidable:
        guidance = st.number_input(
            "Guidance", 0.0, 20.0, method.guidance, 0.5, key="guidance", bind="query-params", width=170,
            help="1 is the network as it learned; more is closer to the emotion and less varied, at twice the time.",
        )  # fmt: skip
    return sampler, int(steps), float(guidance)


def wait_for(drawing: Drawing) -> Waiting:
    """Return a wait of this session's for a drawing."""
    context = get_script_run_ctx(suppress_warning=True)
    return Waiting(drawing) if context is None else Waiting(drawing, partial(_is_open, context.session_id))


def _is_open(session_id: str) -> bool:
    """Tell whether a browser is connected to a session, which the server keeps for some minutes after it was closed."""
    return not runtime.exists() or bool(runtime.get_instance().is_active_session(session_id))


def begin(place: str, request: DrawingRequest | MixedRequest) -> None:
    """Wait for the faces of a request at a place of a page, `st.session_state[place]`: the request and the wait. They
    are drawn anew where that failed before; a wait for others at the place ends."""
    before: tuple[object, Waiting] | None = st.session_state.get(place)
    st.session_state[place] = request, wait_for(face_data.drawing(request, anew=True))
    if before is not None:
        before[1].cancel()


def show_progress(waiting: Waiting, counted: str = "faces drawn") -> None:
    """How far a drawing is, and a button that cancels the wait for it; the page is drawn anew when it has ended.
    `counted` says what it counts."""
    choose.fragment(_show_progress, run_every=_POLL_SECONDS)(waiting, counted)


def _show_progress(waiting: Waiting, counted: str) -> None:
    drawing = waiting.drawing
    if waiting.ended():
        st.rerun()
    left = drawing.seconds_left()
    if drawing.of:
        time_left = "" if left is None else f", about {max(round(left), 1)} s left"
        words = f"{int(drawing.done):,} of {drawing.of:,} {counted}{time_left}"
    else:
        words = "Opening the checkpoint, or waiting for another drawing"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(drawing.done / drawing.of if drawing.of else 0.0, words)
        st.button("Cancel", on_click=waiting.cancel)


def show_failure(waiting: Waiting, what: str = "drawing") -> None:
    """Say why a drawing that has ended, or `what` else was done, has no result."""
    drawing = waiting.drawing
    if waiting.cancelled or drawing.cancelled:
        st.info(f"The {what} was cancelled.")
    else:
        st.error(choose.sentence(f"{drawing.error}."))
