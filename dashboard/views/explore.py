"""What a generator knows: faces, the same face in every emotion, and what lies between, drawn in the browser."""

from typing import Any

import streamlit as st

from dashboard import choose, data, face_data
from dashboard.components import explorer
from fergan_core.errors import CheckpointError
from fergan_core.recipe import in_one_pass

# What the view is opened at, and the bounds of what an address may ask for.
_NUMBERS = {
    "seed": (0, 0, 9_999_999),
    "first": (0, 0, explorer.FACES - 1),
    "second": (1, 0, explorer.FACES - 1),
    "blend": (0, 0, 100),
    "mix": (0, 0, 100),
    "strength": (100, 0, 200),
    "truncation": (100, 10, 100),
}


def view_of(emotions: tuple[str, ...]) -> dict[str, Any]:
    """Return the view that the address asks for, with what it leaves out or what is not possible as it opens."""
    view: dict[str, Any] = {}
    for name, (opening, least, most) in _NUMBERS.items():
        asked = st.query_params.get(name, "")
        view[name] = int(asked) if asked.isdecimal() and least <= int(asked) <= most else opening
    named = {name: st.query_params.get(name, "") for name in ("emotion", "other")}
    view["emotion"] = named["emotion"] if named["emotion"] in emotions else emotions[0]
    opposite = "happy" if "happy" in emotions and view["emotion"] != "happy" else emotions[-1]
    view["other"] = named["other"] if named["other"] in emotions else opposite
    return view


def show(run_id: str) -> None:
    """The explorer of a checkpoint of a run; a sentence where a browser cannot draw with it."""
    steps = choose.checkpoint_steps(run_id)
    if not steps:
        return
    epoch = st.selectbox(
        "Checkpoint, epoch", list(steps), len(steps) - 1, key="checkpoint", bind="query-params", width=170
    )
    try:
        with st.spinner("Preparing the generator for the browser, which takes about 15 seconds once a checkpoint"):
            network = face_data.network(run_id, steps[epoch])
    except CheckpointError as error:
        st.warning(choose.sentence(f"{error}."))
        return
    key = f"explorer {run_id} {epoch}"

    def follow() -> None:
        st.query_params.update({name: str(value) for name, value in (st.session_state[key].view or {}).items()})

    explorer.show(network, view_of(network.emotions), key=key, on_rest=follow)
    st.caption(
        "The browser draws its own latents, so that a seed gives other faces here than on the page Checkpoints. The "
        "strength of an emotion is its distance from neutral, or from the mean of all emotions where neutral was not "
        "learned: 100 % is the emotion as it was learned, and more exaggerates it."
    )


choose.heading("Explore", "What does a generator know: one face in every emotion, and what lies between two faces?")
runs = data.runs()
if choose.any_trained(runs):
    trained = runs[~runs.literature]
    methods = dict(zip(trained.id, trained.method, strict=True))
    drawable = [run_id for run_id in data.best_first(trained, "checkpoints") if in_one_pass(methods[run_id])]
    if drawable:
        choose.fragment(show)(choose.one_run(trained.set_index("id", drop=False).loc[drawable], drawable))
    else:
        st.info(
            "No run here has a checkpoint of a generator that draws a face in one pass, as GANs, VAEs and MeanFlow do; "
            "the page Checkpoints draws with every method."
        )
