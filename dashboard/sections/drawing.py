"""What pages that draw faces share: how a face is drawn, how far a drawing is, and why it has no faces."""

from typing import get_args, get_type_hints

import streamlit as st

from dashboard import choose, data
from dashboard.face_client import Drawing
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


def show_progress(drawing: Drawing, counted: str = "faces drawn") -> None:
    """How far a drawing is, and a button that cancels it; the page is drawn anew when it has ended. `counted` says what
    it counts."""
    choose.fragment(_show_progress, run_every=_POLL_SECONDS)(drawing, counted)


def _show_progress(drawing: Drawing, counted: str) -> None:
    if drawing.ended():
        st.rerun()
    left = drawing.seconds_left()
    if drawing.of:
        time_left = "" if left is None else f", about {max(round(left), 1)} s left"
        words = f"{int(drawing.done):,} of {drawing.of:,} {counted}{time_left}"
    else:
        words = "Opening the checkpoint, or waiting for another drawing"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(drawing.done / drawing.of if drawing.of else 0.0, words)
        st.button("Cancel", on_click=drawing.cancel)


def show_failure(drawing: Drawing, what: str = "drawing") -> None:
    """Say why a drawing that has ended, or `what` else was done, has no result."""
    if drawing.cancelled:
        st.info(f"The {what} was cancelled.")
    else:
        st.error(choose.sentence(f"{drawing.error}."))
