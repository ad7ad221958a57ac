"""The Mode collapse page's faces: those of an emotion before, at and after its collapse."""

import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts import emotion_heatmap, sheets
from dashboard.rows import rows_of


def show(run_id: str) -> None:
    """Choose a collapse of a run; the collapsing emotion's faces before, at and after it."""
    run_findings = data.findings((run_id,))
    collapses = run_findings[run_findings.kind == "collapse"]
    if collapses.empty:
        st.info(
            "No collapse was found in this run."
            if data.has_probe(run_id)
            else "This run has no probe readings, so no collapse could be found."
        )
        return
    options = {f"{row.numbers['emotion']}, epoch {row.epoch}": row for row in rows_of(collapses)}
    row = options[st.selectbox("Collapse", list(options), key="collapse", bind="query-params", width=260)]
    emotion = row.numbers["emotion"]
    st.markdown(choose.plain(row.sentence))
    saved = data.sheets(run_id).set_index("step")
    steps = emotion_heatmap.around([int(step) for step in saved.index], int(row.step), row.numbers.get("until"))
    if not steps:
        st.info("No sheet yet: a run draws one at the end of every epoch.")
        return
    for column, step in zip(st.columns(len(steps), gap="medium"), steps, strict=True):
        sheet = saved.loc[step]
        if emotion not in sheet.emotions:
            column.info(f"The sheet of epoch {sheet.epoch} has no {choose.plain(emotion)} faces.")
            continue
        column.markdown(f"**epoch {sheet.epoch}**")
        with column:
            faces = sheet_series.faces(sheet)
        if emotion not in faces:
            continue
        alt = f"{emotion} faces of epoch {sheet.epoch}"
        column.image(sheets.face_grid(faces[emotion], columns=5), alt=alt, width="stretch")
