"""New faces on demand: from any checkpoint of a run, of any emotion, count and seed, by any of its samplers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dashboard import choose, data, face_data
from dashboard.charts import sheets
from dashboard.charts.palette import emotion_label
from dashboard.face_client import Faces, Waiting
from dashboard.face_data import DrawingRequest
from dashboard.sections import drawing as drawings
from fergan_core.emotions import EMOTIONS

_REQUESTED = "faces requested"


def show(labels: Mapping[str, str]) -> None:
    """Choose a checkpoint of one of the runs and what to draw from it; the faces. The address carries all of it."""
    st.header("Draw new faces", anchor=False)
    of_fergan = [run_id for run_id in labels if choose.can_draw(run_id)]
    drawable = [run_id for run_id in of_fergan if not data.checkpoints(run_id).empty]
    if not drawable:
        st.info(choose.NO_CHECKPOINT if of_fergan else choose.OWN_NETWORK)
        return
    request = _chosen(drawable, labels)
    face_data.warm_faces(request.run_id, request.step)
    count = len(request.codes) * request.each
    state = st.session_state
    if st.button(f"Draw {count} faces" if count > 1 else "Draw a face", type="primary"):
        st.query_params["draw"] = "true"
        drawings.begin(_REQUESTED, request)
    elif st.query_params.get("draw") == "true" and _REQUESTED not in state:
        drawings.begin(_REQUESTED, request)
    if _REQUESTED not in state:
        return
    requested: DrawingRequest = state[_REQUESTED][0]
    waiting: Waiting = state[_REQUESTED][1]
    if requested.run_id not in drawable:
        return
    if waiting.ended(within=drawings.AT_ONCE):
        _show_result(requested, waiting, labels[requested.run_id])
    else:
        drawings.show_progress(waiting)


def _chosen(run_ids: list[str], labels: Mapping[str, str]) -> DrawingRequest:
    bound: dict[str, Any] = {"bind": "query-params", "width": 170}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run_id = run_ids[0]
        if len(run_ids) > 1:
            run_id = st.selectbox(
                "Run", run_ids, format_func=labels.__getitem__, key="from", bind="query-params", width=260
            )
        steps = choose.checkpoint_steps(run_id)
        emotions = choose.emotions_of(run_id)
        epoch = st.selectbox("Checkpoint, epoch", list(steps), len(steps) - 1, key="checkpoint", **bound)
        emotion = st.selectbox("Emotion", ["all", *emotions], key="emotion", **bound)
        each = st.number_input(
            "Faces each", 1, 50, 10, key="count", **bound,
            help="Of each emotion. The first face of one emotion and the first of another are of the same latents.",
        )  # fmt: skip
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", **bound)
        sampling = drawings.chosen_sampling(run_id)
    codes = tuple(EMOTIONS.index(name) for name in (emotions if emotion == "all" else (emotion,)))
    return DrawingRequest(run_id, steps[epoch], codes, int(each), int(seed), sampling)


def _show_result(request: DrawingRequest, waiting: Waiting, name: str) -> None:
    if waiting.faces is None:
        drawings.show_failure(waiting)
        return
    (epoch,) = (epoch for epoch, step in choose.checkpoint_steps(request.run_id).items() if step == request.step)
    drawn: Faces = waiting.faces
    rows = drawn.reshape(len(request.codes), request.each, *drawn.shape[1:])
    faces = dict(zip((EMOTIONS[code] for code in request.codes), rows, strict=True))
    title = f"epoch {epoch}, seed {request.seed}"
    if request.sampling:
        sampler, steps, guidance = request.sampling
        title += f", {sampler}, {steps} step{'s' if steps > 1 else ''}, guidance {guidance:g}"
    st.markdown(f"**{choose.plain(name)}**, {choose.plain(title)}")
    _show_emotions(faces, title)
    png = sheets.labelled_sheet(faces, f"{name}, {title}", dark=choose.dark())
    file = f"fergan-{request.run_id}-epoch-{epoch:04d}-seed-{request.seed}.png"
    st.download_button("Download PNG of new faces", png, file, "image/png", on_click="ignore")


def _show_emotions(faces: dict[str, np.ndarray], when: str) -> None:
    """Show each emotion's faces enlarged under its name, two emotions beside each other."""
    names = list(faces)
    for first in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="medium"), names[first : first + 2], strict=False):
            column.markdown(emotion_label(name))
            alt = f"{len(faces[name])} {name} faces, drawn from {when}"
            column.image(sheets.face_grid(faces[name], columns=5), alt=alt, width=104 * min(5, len(faces[name])))
