"""The page Rate's third part: a new study, made of checkpoints of the registry's runs and of real faces."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import choose, data, dataset_places, face_data, open_datasets
from dashboard.rows import rows_of
from fergan_core.errors import DataError
from fergan_core.protocols import judges_for
from fergan_core.rating import new_study, session
from fergan_core.rating.session import Plan
from fergan_core.registry import ratings
from fergan_core.registry.ratings import NewItem

_EXPOSURES = {"250 ms": 250, "500 ms": 500, "1000 ms": 1000, "until answered": 0}
_READING_SECONDS = 300.0
EXPOSURE_HELP = (
    "For how long a face is shown in the task Real or generated; then a mask of noise covers it. Until answered, "
    "errors are HYPE-infinity. With several exposures each is used as often."
)
TRIALS_HELP = "Faces, or pairs, that one person judges in each task. Forty take about two minutes."
FACES_HELP = "Faces of each checkpoint, as many of each emotion. There are as many real faces as of all checkpoints."

Checkpoint = tuple[str, int]


def show(runs: pd.DataFrame) -> None:
    """Choose what is judged and how; the button draws the faces and records the study."""
    having = [run_id for run_id in data.best_first(runs, "checkpoints") if choose.can_draw(run_id)]
    if not having:
        st.info(choose.NO_CHECKPOINT)
        return
    st.markdown(
        "A study keeps its pictures: faces of the chosen checkpoints, as many real ones, and a few of noise. It can be "
        "judged when weights and data are gone."
    )
    kept = runs[runs.id.isin(having)]
    chosen = choose.several_runs(kept, default=having[:2])
    if not chosen:
        st.info("Choose one or more runs, whose faces people are to judge.")
        return
    name = choose.run_label(runs)
    options: dict[str, Checkpoint] = {}
    last: list[str] = []
    for run_id in chosen:
        labels = {
            f"{name(run_id)}, epoch {int(row.epoch)}": (run_id, int(row.step))
            for row in rows_of(data.checkpoints(run_id).sort_values("step"))
        }
        options |= labels
        last += list(labels)[-1:]
    with st.form("new study", border=False):
        title = st.text_input("Name of the study", max_chars=ratings.LONGEST_NAME, width=320, key="study name")
        checkpoints = st.multiselect("Checkpoints", list(options), last, key="judged checkpoints")
        tasks = st.multiselect(
            "Tasks", list(session.TASKS), list(session.TASKS), format_func=session.TASKS.__getitem__, key="tasks"
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            faces = st.number_input("Faces", 7, new_study.MOST_FACES, 28, 7, help=FACES_HELP, key="faces", width=150)
            trials = st.number_input("Trials", 4, session.MOST_TRIALS, 40, 4, help=TRIALS_HELP, key="trials", width=150)
            seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="study seed", width=150)
        exposures = st.multiselect(
            "Exposure", list(_EXPOSURES), ["500 ms"], help=EXPOSURE_HELP, key="exposures", width=420
        )
        wished = st.form_submit_button("Make the study", type="primary")
    if not wished:
        return
    plan = Plan(int(seed), tuple(tasks), int(trials), tuple(_EXPOSURES[one] for one in exposures))
    session.check_plan(plan)
    if not title.strip() or not checkpoints:
        st.error("Give the study a name, and choose one checkpoint or more.")
        return
    with st.spinner("Drawing the faces"):
        items = _items([options[label] for label in checkpoints], int(faces), int(seed))
        study_id = ratings.add_study(data.registry(), title, plan.as_dict(), items)
    st.success(choose.plain(f"The study {title} is ready: {len(items)} pictures."), icon=":material/check:")
    st.button("Judge its faces", on_click=_open, args=(study_id,))


def _open(study_id: str) -> None:
    st.session_state["part"] = "Judge faces"
    st.query_params["study"] = study_id
    st.query_params.pop("rater", None)


def _items(checkpoints: Sequence[Checkpoint], faces: int, seed: int) -> list[NewItem]:
    """Draw each checkpoint's faces, choose real ones of the runs' data, and let the judge of the data read all."""
    records = [data.run(run_id) for run_id, _ in checkpoints]
    if len({record["data_hash"] for record in records}) > 1:
        raise DataError("these runs were trained on different datasets, whose real faces differ; choose runs of one")
    opened = _opened(records[0]["dataset"])
    judge = judges_for(opened.dataset.name)[0]
    items: list[NewItem] = []
    emotions: dict[str, None] = {}
    for record, (run_id, step) in zip(records, checkpoints, strict=True):
        learnt = face_data.emotions_of(record["recipe"])
        emotions |= dict.fromkeys(learnt)
        codes = new_study.codes_to_draw(learnt, faces)
        answer = face_data.read(run_id, step, tuple(codes), seed, 1.0, judge)
        read = np.asarray(answer.facts["probabilities"]).argmax(axis=1).tolist()
        saved = data.checkpoints(run_id)
        checkpoint = {"step": step, "epoch": int(saved.epoch[saved.step == step].iloc[0])}
        items += new_study.generated_items(record, checkpoint, answer.faces, codes, seed, read)
    real = new_study.choose_real(opened.dataset, list(emotions), len(items), seed)
    probabilities = face_data.read_faces(opened.dataset.content_hash, judge, tuple(real.all), opened)
    return [*items, *new_study.real_items(opened.dataset, real, probabilities), *new_study.noise_items(seed)]


def _opened(recorded: Mapping[str, Any]) -> open_datasets.OpenDataset:
    place = dataset_places.place_of(recorded)
    if place is None:
        raise DataError(
            f"the runs were trained on '{recorded['source']}', which is not here, and people need real faces to "
            "compare with; open it on the page Data first"
        )
    opened = open_datasets.opened(place, patience=_READING_SECONDS)
    if opened is None:
        raise DataError(f"'{place.path}' is still being read; make the study again in a minute")
    if opened.dataset.content_hash != recorded["content_hash"]:
        raise DataError(f"'{place.path}' holds other faces than the runs were trained on; open theirs on the page Data")
    return opened
