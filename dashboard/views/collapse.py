"""Mode collapse: which emotion lives and which has died, when, and what its faces were before, at and after."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import life, sheets
from dashboard.charts.palette import PLOTLY_CONFIG
from dashboard.parts import findings
from fergan_core.emotions import EMOTIONS

KINDS = ("collapse", "global-collapse", "recovery", "repeats")


def show_maps(chosen: list[str], labels: Mapping[str, str], measure: str) -> None:
    """One map a run, small multiples of one scale, with the onsets that were found."""
    prefix, meaning = life.MEASURES[measure]
    names = tuple(f"{prefix}/{emotion}" for emotion in EMOTIONS)
    points = data.points(tuple(chosen), names)
    if points.empty:
        st.info("No pulse yet: it is taken every 4,000 images, of runs trained since there are instruments.")
        return
    found = data.findings(tuple(chosen))
    columns = st.columns(min(2, len(chosen)), gap="medium")
    for place, run_id in enumerate(chosen):
        with columns[place % len(columns)]:
            own = points[points.run_id == run_id]
            if own.empty:
                continue
            st.markdown(f"**{choose.plain(labels[run_id])}**")
            figure = life.life_figure(
                life.life(own, prefix), found[found.run_id == run_id], measure, data.steps_per_epoch(run_id),
                dark=choose.dark(),
            )  # fmt: skip
            st.plotly_chart(figure, width="stretch", theme=None, key=f"life {run_id}", config=PLOTLY_CONFIG)
    st.caption(f"{meaning[0].upper()}{meaning[1:]}. A cross: where a collapse was found.")


def show_faces(run_id: str, found: pd.DataFrame) -> None:
    """Choose a collapse of a run; the dying emotion's faces before, at and after it."""
    collapses = found[(found.run_id == run_id) & (found.kind == "collapse")]
    if collapses.empty:
        st.info("No emotion of this run was found to collapse.")
        return
    options = {f"{row.numbers['emotion']}, epoch {row.epoch}": row for row in collapses.itertuples()}
    name = st.selectbox("Collapse", list(options), key="collapse", bind="query-params", width=260)
    row = options[name]
    emotion = row.numbers["emotion"]
    st.markdown(choose.plain(row.sentence))
    saved = data.sheets(run_id).set_index("step")
    steps = life.around([int(step) for step in saved.index], int(row.step), row.numbers.get("until"))
    for column, step in zip(st.columns(max(1, len(steps)), gap="medium"), steps, strict=False):
        sheet = saved.loc[step]
        faces = dict(zip(sheet.emotions, sheets.tiles(data.sheet_bytes(sheet.path, sheet.sha256)), strict=True))
        column.markdown(f"**epoch {sheet.epoch}**")
        alt = f"{emotion} faces of epoch {sheet.epoch}"
        column.image(sheets.face_grid(faces[emotion], columns=5), alt=alt, width="stretch")


st.title("Mode collapse")
runs = data.runs()
if choose.any_trained(runs):
    trained = runs[~runs.literature]
    chosen = choose.several_runs(trained, default=list(trained.id[:2]))
    labels = {run_id: choose.run_label(runs)(run_id) for run_id in chosen}
    measure = st.segmented_control(
        "Measure", list(life.MEASURES), default="variety", required=True, key="measure", bind="query-params"
    )
    if not chosen:
        st.info("Choose a run or more.")
    else:
        statuses = trained.status[trained.id.isin(chosen)]
        st.fragment(show_maps, run_every=choose.live_every(*statuses))(chosen, labels, measure)
        found = data.findings(tuple(chosen))
        st.subheader("What was found", anchor=False)
        findings.show(found[found.kind.isin(KINDS)], labels)
        st.subheader("The faces", anchor=False)
        which = st.selectbox("Run", chosen, format_func=labels.get, key="faces_of", bind="query-params")
        show_faces(which, found)
