"""One run's faces: every epoch's sheet under a slider, enlarged by emotion, and new ones drawn from any checkpoint."""

from typing import Any

import numpy as np
import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts import sheets
from dashboard.charts.palette import emotion_label
from fergan_core.emotions import emotion_code
from fergan_core.errors import FerganError

DARK = st.context.theme.type == "dark"


def show_emotions(faces: dict[str, np.ndarray], when: str) -> None:
    """Show each emotion's faces enlarged under its name, two emotions beside each other."""
    names = list(faces)
    for first in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="medium"), names[first : first + 2], strict=False):
            column.markdown(emotion_label(name))
            alt = f"{len(faces[name])} {name} faces, {when}"
            column.image(sheets.face_grid(faces[name], columns=5), alt=alt, width=520)


def show_sheets(labels: dict[str, str]) -> None:
    """The player with all sheets of the chosen runs."""
    series = {run_id: sheet_series.sheet_series(run_id, name) for run_id, name in labels.items()}
    if without := [labels[run_id] for run_id, found in series.items() if found is None]:
        names = choose.plain(", ".join(without))
        st.info(f"No sheet of {names}: a run draws one at the end of an epoch, and one from the literature has none.")
    if with_sheets := [found for found in series.values() if found]:
        sheet_series.play(with_sheets)


def draw_new(run_id: str) -> None:
    """Faces drawn on demand from any checkpoint: emotion, count and seed chosen here; the address carries them."""
    st.subheader("Draw new faces")
    step_of = choose.checkpoint_steps(run_id)
    if not step_of:
        return
    emotions = choose.emotions_of(run_id)
    bound: dict[str, Any] = {"bind": "query-params", "width": 170}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        epoch = st.selectbox("Checkpoint, epoch", list(step_of), len(step_of) - 1, key="checkpoint", **bound)
        emotion = st.selectbox("Emotion", ["all", *emotions], key="emotion", **bound)
        count = st.number_input("Faces each", 1, 50, 10, key="count", **bound)
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", **bound)
        drawing = st.toggle("Draw", key="draw", bind="query-params")
    if not drawing:
        st.caption("Switch on Draw to load the generator; the first faces take some seconds.")
        return
    chosen = emotions if emotion == "all" else (emotion,)
    try:
        with st.spinner("Drawing faces"):
            # One seed for every emotion gives the same latents: a place holds one face in several emotions.
            faces = {
                name: data.generate(run_id, step_of[epoch], (emotion_code(name),) * count, seed) for name in chosen
            }
    except FerganError as error:
        st.error(choose.sentence(str(error)))
        return
    title = f"epoch {epoch}, seed {seed}"
    show_emotions(faces, f"drawn from {title}")
    png = sheets.labelled_sheet(faces, title, dark=DARK)
    file = f"fergan-{run_id}-epoch-{epoch:04d}-seed-{seed}.png"
    st.download_button("Download PNG of new faces", png, file, "image/png", on_click="ignore")


choose.heading("Checkpoints", "What did the generator draw at each epoch, and what does it draw now?")
runs = data.runs()
if choose.any_trained(runs):
    if "run" in st.query_params:  # as links to this page once had it
        st.query_params.setdefault("runs", st.query_params.pop("run"))
    chosen = choose.several_runs(runs, data.best_first(runs, "sheets")[:1])
    if chosen:
        label = choose.run_label(runs)
        every = choose.live_every(*runs.status[runs.id.isin(chosen)])
        choose.fragment(show_sheets, run_every=every)({run_id: label(run_id) for run_id in chosen})
        choose.fragment(draw_new, run_every=every)(chosen[0])
    else:
        st.info("Choose one or more runs.")
