"""The Scores page's confusion matrix: which emotion is recognised as which, and the faces behind each cell."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard import choose, face_data
from dashboard.charts import confusion as charts
from dashboard.charts import sheets
from dashboard.components.plotly_chart import plotly_chart
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import FerganError

FACES_DRAWN, FACES_SHOWN, FACES_PER_PICTURE = 400, 60, 5
CLICKED = "confusion matrix"


def show(labels: Mapping[str, str]) -> None:
    """Choose a checkpoint and a cell; the matrices of generated and of real faces, and that cell's faces."""
    scores = choose.scored(labels)
    if scores is None:
        return
    scores = scores[scores.metric.str.startswith("read_as_")]
    if scores.empty:
        st.info("These evaluations have no confusion matrix: `fergan evaluate RUN@all` adds it.")
        return
    scores = choose.one_protocol(scores)
    checkpoints = {
        f"{labels[run_id]}, epoch {epoch}": rows
        for run_id in labels
        for (_, epoch), rows in reversed([*scores[scores.run_id == run_id].groupby(["step", "epoch"])])
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        bound: dict[str, Any] = {"bind": "query-params", "width": 170}
        name = st.selectbox("Checkpoint", list(checkpoints), key="checkpoint", bind="query-params", width=260)
        cell: dict[str, Any] = {"index": None, "placeholder": "Choose or click"}
        requested = st.selectbox("Requested", EMOTIONS, key="asked", **cell, **bound)
        read_as = st.selectbox("Recognised as", EMOTIONS, key="read_as", **cell, **bound)
    rows = checkpoints[name]
    show_matrices(rows, (requested, read_as) if requested and read_as else None)
    if requested and read_as:
        st.header(f"Requested {requested}, recognised as {read_as}", anchor=False)
        show_faces(rows, requested, read_as)


def show_matrices(rows: pd.DataFrame, chosen: tuple[str, str] | None) -> None:
    """Generated faces' matrix, whose cells can be clicked, beside real faces'."""
    generated, real = charts.confusion(rows, "value"), charts.confusion(rows, "real")
    left, right = st.columns(2, gap="medium")
    left.markdown("**Generated faces**")
    plotly_chart(
        charts.confusion_figure(generated, rows="requested", chosen=chosen, dark=choose.dark()),
        CLICKED,
        "Which emotion each requested emotion's generated faces are recognised as, in shares",
        place=left,
        toolbar=False,
        on_select=take_click,
    )
    left.caption("Click a cell to see its faces, or choose it above.")
    right.markdown("**Real faces: the judge's own limits**")
    if real.isna().all(axis=None):
        right.info("Unknown: the data were not available when this checkpoint was evaluated.")
        return
    figure = charts.confusion_figure(real, rows="labelled", chosen=chosen, dark=choose.dark())
    plotly_chart(
        figure,
        "real confusion matrix",
        "Which emotion real faces of each label are recognised as, in shares",
        place=right,
        toolbar=False,
    )
    right.caption("No generator's faces should be recognised more clearly than these, which people labelled.")


def take_click() -> None:
    """Choose the cell that was clicked."""
    points = st.session_state[CLICKED].selection.points
    cell = [points[0].get(axis) for axis in ("y", "x")] if points else []
    if cell and all(name in EMOTIONS for name in cell):
        st.session_state["asked"], st.session_state["read_as"] = cell


def show_faces(rows: pd.DataFrame, requested: str, read_as: str) -> None:
    """Faces generated for one emotion that the judge recognises as another, the most confident first."""
    row = rows.iloc[0]
    if requested not in set(rows.emotion):
        st.info(f"This run did not learn {requested} faces.")
        return
    labels = (EMOTIONS.index(requested),) * FACES_DRAWN
    try:
        with st.spinner("Drawing and reading faces"):
            answer = face_data.read(row.run_id, int(row.step), labels, int(row.seed), row.truncation, row.judge)
    except FerganError as error:
        st.error(choose.sentence(str(error)))
        return
    if answer.facts["judge_sha256"] != row.judge_sha256:
        st.warning(
            choose.plain(f"The judge {row.judge} was retrained since: evaluate again for a matrix by the present one.")
        )
    probabilities = np.asarray(answer.facts["probabilities"])
    matching = charts.cell(probabilities, read_as)
    shares = rows.loc[(rows.emotion == requested) & (rows.metric == f"read_as_{read_as}"), "value"].dropna()
    st.markdown(
        f"{len(matching)} of {FACES_DRAWN} faces drawn from seed {int(row.seed)}, {len(matching) / FACES_DRAWN:.0%}"
        + (f"; {shares.iloc[-1]:.0%} in the matrix, which is of other faces." if len(shares) else ".")
    )
    if not len(matching):
        return
    displayed = matching[:FACES_SHOWN]
    sure = probabilities[displayed, EMOTIONS.index(read_as)]
    with st.container(horizontal=True, gap="small"):
        for first in range(0, len(displayed), FACES_PER_PICTURE):
            picture = sheets.face_grid(
                answer.faces[displayed[first : first + FACES_PER_PICTURE]], columns=FACES_PER_PICTURE
            )
            last = min(first + FACES_PER_PICTURE, len(displayed))
            alt = f"Faces {first + 1} to {last} requested as {requested}, recognised as {read_as}"
            st.image(picture, alt=alt, width=(last - first) * 66)
    of_them = f", {FACES_SHOWN} of them" if len(matching) > FACES_SHOWN else ""
    st.caption(
        f"The most confident first{of_them}: the judge gives the first a probability of {sure[0]:.0%}, the last "
        f"{sure[-1]:.0%}."
    )
