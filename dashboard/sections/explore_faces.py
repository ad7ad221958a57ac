"""Faces to walk among: a grid, one face in every emotion, what lies between two; drawn by the browser where it can."""

import base64
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from dashboard import choose, data
from dashboard.components import explorer, parcels
from dashboard.sections import explore_drawn
from dashboard.sections.explore_network import OWN_LATENTS, network_of, refuse
from dashboard.sections.explore_view import STRENGTH_HELP, content_of, name_of, view_of
from fergan_core.browser import Network
from fergan_core.recipe import in_one_pass


def show(run_id: str, step: int) -> None:
    """The explorer of a checkpoint of a run, drawn by the browser or, where that is not possible, by the server."""
    if not in_one_pass(data.run(run_id)["method"]):
        explore_drawn.show(run_id, step)
        return
    network = network_of(run_id, step)
    if network is None:
        explore_drawn.show(run_id, step)
        return
    _show_in_browser(run_id, step, network)


def _show_in_browser(run_id: str, step: int, network: Network) -> None:
    key, state = f"explorer {run_id} {step}", st.session_state

    def follow() -> None:
        st.query_params.update({name: str(value) for name, value in (state[key].view or {}).items()})

    view = view_of(network.emotions)
    save = partial(_save, key, run_id, step, choose.dark())
    refused = partial(refuse, key, run_id, step)
    explorer.show(network, view, key=key, on_rest=follow, on_save=save, on_refused=refused)
    if saved := state.get(f"saved {key}"):
        content, about = saved
        parcels.deliver(key, content, **about)
    st.caption(f"{OWN_LATENTS} {STRENGTH_HELP}")


def _save(key: str, run_id: str, step: int, dark: bool) -> None:
    """Make the file that the explorer asked for; the next drawing of the page delivers it."""
    asked: dict[str, Any] = st.session_state[key].save
    faces = np.frombuffer(base64.b64decode(asked["faces"]), np.uint8).reshape(-1, 48, 48)
    way, form, view = asked["way"], asked["format"], asked["view"]
    content = content_of(way, form, faces, view, run_id, step, dark=dark)
    name, done = name_of(way, form, view, run_id, step), f"Downloaded: {form}, {len(content) / 1e6:.1f} MB."
    st.session_state[f"saved {key}"] = content, {
        "id": asked["id"], "name": name, "type": f"image/{form.lower()}", "done": done
    }  # fmt: skip
