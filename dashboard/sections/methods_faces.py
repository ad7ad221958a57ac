"""Methods' faces: those of one emotion by each run, and how a face is sampled from noise."""

from collections.abc import Iterator

import pandas as pd
import streamlit as st

from dashboard import choose, data, face_data, sheet_series
from dashboard.charts import sheets
from dashboard.charts.film import all_emotions
from dashboard.charts.palette import emotion_label
from dashboard.rows import rows_of
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import FerganError
from fergan_core.recipe import in_steps

_FRAMES = 10


def show(chosen: pd.DataFrame) -> None:
    """An emotion's row of each run's newest sheet, and a filmstrip."""
    classes = all_emotions([EMOTIONS, *_newest_classes(chosen)])
    emotion = st.selectbox("Emotion", classes, classes.index("happy"), key="emotion", bind="query-params", width=170)
    st.markdown(emotion_label(emotion))
    for row in rows_of(chosen):
        saved = data.sheets(row.id)
        if saved.empty or emotion not in saved.iloc[-1].emotions:
            st.text(f"{row.name}: no sheet with this emotion")
            continue
        newest = saved.iloc[-1]
        st.text(f"{row.name}, {sheet_series.moment(data.run(row.id), newest)}")
        faces = sheet_series.faces(newest).get(emotion)
        if faces is None:
            continue
        alt = f"{len(faces)} {emotion} faces of {row.name}"
        st.image(sheets.face_grid(faces, columns=len(faces)), alt=alt, width=760)
    show_path(chosen[chosen.method.map(in_steps).astype(bool)], emotion)


def _newest_classes(chosen: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield the names of the rows of each run's newest sheet; a script's own classes may be any."""
    for run_id in chosen.id:
        saved = data.sheets(run_id)
        if not saved.empty:
            yield tuple(saved.iloc[-1].emotions)


def show_path(chosen: pd.DataFrame, emotion: str) -> None:
    """Draw a few faces step by step, where a run has a checkpoint to draw from."""
    st.header("Sampling path", anchor=False)
    run_ids = [row.id for row in rows_of(chosen) if not data.checkpoints(row.id).empty]
    if not run_ids:
        st.info(
            "Choose a run of diffusion, flow or MeanFlow with a checkpoint: these draw faces from noise step by step."
        )
        return
    label = dict(zip(chosen.id, chosen.name, strict=True))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run_id = st.selectbox(
            "Run", run_ids, format_func=label.__getitem__, key="path_of", bind="query-params", width=260
        )
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", width=120)
        drawing = st.toggle("Draw", key="draw", bind="query-params")
    if not drawing:
        st.caption("Switch on Draw to load the network; the first faces take some seconds.")
        return
    try:
        with st.spinner("Drawing faces step by step"):
            states, denoised = face_data.path(run_id, EMOTIONS.index(emotion), int(seed), _FRAMES)
    except FerganError as error:
        st.error(choose.sentence(str(error)))
        return
    st.image(
        sheets.face_grid(states.reshape(-1, 48, 48), columns=states.shape[1]),
        alt=f"{emotion} faces from noise, on the left, to the face, on the right", width=760,
    )  # fmt: skip
    st.caption("The states that the sampler passes through, from noise to the face, one row per face.")
    st.image(
        sheets.face_grid(denoised.reshape(-1, 48, 48), columns=denoised.shape[1]),
        alt="The network's estimates of the final faces in those states", width=760,
    )  # fmt: skip
    st.caption("The network's estimate of the final face in each state: coarse features first, then fine ones.")
