"""What a generator knows: faces, the same face in every emotion, and what lies between."""

from collections.abc import Callable

import streamlit as st

from dashboard import choose, data
from dashboard.sections import explore_directions, explore_faces, explore_one_face, explore_real_face
from fergan_core.recipe import OWN_SCRIPT

# What can be explored: its name, and the section that shows it for a run's checkpoint at a step.
_PARTS: dict[str, Callable[[str, int], None]] = {
    "Faces": explore_faces.show,
    "Directions": explore_directions.show,
    "One face": explore_one_face.show,
    "A real face": explore_real_face.show,
}


def show(run_id: str) -> None:
    """What can be explored of a checkpoint of a run."""
    steps = choose.checkpoint_steps(run_id)
    if not steps:
        return
    epoch = st.selectbox(
        "Checkpoint, epoch", list(steps), len(steps) - 1, key="checkpoint", bind="query-params", width=170
    )
    _PARTS[choose.part(*_PARTS)](run_id, steps[epoch])


choose.heading(
    "Explore",
    "What does a generator know: one face in every emotion, what lies between two faces, which directions lead where, "
    "and how it draws a real face?",
)
runs = data.runs()
if choose.any_trained(runs):
    trained = runs[~runs.literature]
    of_fergan = trained[trained.method != OWN_SCRIPT]
    drawable = data.best_first(of_fergan, "checkpoints")
    if drawable:
        choose.fragment(show)(choose.one_run(of_fergan.set_index("id", drop=False).loc[drawable], drawable))
    elif of_fergan.empty:
        st.info(choose.OWN_NETWORK)
    else:
        st.info(f"{choose.NO_CHECKPOINT} Train one to explore it:")
        st.code("python -m trainers.dcgan --checkpoint-every 1", language=None)
