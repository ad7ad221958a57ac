"""Whether the browser draws with a checkpoint's generator, or the server has to."""

import streamlit as st

from dashboard import choose, face_data
from fergan_core.browser import Network
from fergan_core.errors import CheckpointError

OWN_LATENTS = (
    "The browser draws its own latents, so that a seed gives other faces here than on the page Checkpoints, and the "
    "same faces in the parts Faces and Directions."
)


def network_of(run_id: str, step: int) -> Network | None:
    """Return a checkpoint's network for the browser to draw with; where there is none, say why, and that the server
    draws."""
    reason = st.session_state.get(_refusal(run_id, step))
    if reason is None:
        try:
            with st.spinner("Preparing the generator for the browser, which takes about 15 seconds once a checkpoint"):
                return face_data.network(run_id, step)
        except CheckpointError as error:
            reason = str(error)
    st.warning(choose.sentence(f"The browser cannot draw with this checkpoint, so the server tries: {reason}."))
    return None


def refuse(key: str, run_id: str, step: int) -> None:
    """Take from the explorer with this key that this browser cannot run a checkpoint's network."""
    st.session_state[_refusal(run_id, step)] = st.session_state[key].refused


def _refusal(run_id: str, step: int) -> str:
    return f"refused by the browser {run_id} {step}"
