"""One run's faces: every epoch's sheet under a slider, enlarged by emotion, and new ones drawn from any checkpoint."""

from typing import Any

import numpy as np
import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts import sheets
from dashboard.charts.palette import emotion_label
from dashboard.rows import rows_of
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


def show_sheets(run_id: str, name: str) -> None:
    """The player with all sheets, the chosen sheet by emotion, and both downloads."""
    series = sheet_series.sheet_series(run_id, name)
    if series is None:
        st.info("No sheet yet: a run draws one at the end of every epoch.")
        return
    rested = sheet_series.play([series])
    epoch, picture = max((frame for frame in series.frames if frame[0] <= rested), default=series.frames[0])
    faces = sheets.by_emotion(picture, series.emotions)
    st.subheader(f"Epoch {epoch}, emotion by emotion")
    show_emotions(faces, f"epoch {epoch}")
    with st.container(horizontal=True):
        png = sheets.labelled_sheet(faces, f"epoch {epoch}", dark=DARK)
        file = f"fergan-{run_id}-epoch-{epoch:04d}.png"
        st.download_button("Download PNG", png, file, "image/png", on_click="ignore")
        label = f"Download GIF of {len(series.frames)} epochs"
        st.download_button(
            label,
            lambda: sheets.training_gif(series.frames, series.emotions),
            f"fergan-{run_id}.gif",
            "image/gif",
            on_click="ignore",
        )


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


choose.heading("Checkpoints", "What did the generator draw at each epoch?")
runs = data.runs()
if choose.any_trained(runs):
    run_id = choose.one_run(runs, data.best_first(runs, "sheets"))
    run = next(rows_of(runs[runs.id == run_id]))
    if run.literature:
        st.info("A run from the literature has only scores, no sheets and no checkpoints.")
    else:
        every = choose.live_every(run.status)
        choose.fragment(show_sheets, run_every=every)(run_id, run.name)
        choose.fragment(draw_new, run_every=every)(run_id)
