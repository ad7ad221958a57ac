"""A run's newest faces: its last sheet, large."""

import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts import sheets
from dashboard.rows import rows_of


def show(run_id: str, status: str) -> None:
    """The newest sheet, and where to see the others; a sentence where there is none."""
    saved = data.sheets(run_id)
    if saved.empty:
        yet = "No faces yet: the first sheet is drawn at the end of an epoch."
        st.info(yet if status == "running" else "No faces here: this run has no sheet.")
        return
    sheet = list(rows_of(saved))[-1]
    faces = sheet_series.faces(sheet)
    if faces:
        title = f"epoch {sheet.epoch}, {sheet.images_seen:,} images seen"
        picture = sheets.labelled_sheet(faces, title, dark=choose.dark(), columns=int(sheet.columns))
        st.image(picture, width="stretch", alt=f"Faces of {', '.join(faces)}, drawn at epoch {sheet.epoch}")
    if len(saved) > 1:
        st.page_link(
            "views/checkpoints.py",
            label=f"All {len(saved)} sheets, epoch by epoch",
            icon=":material/face:",
            query_params={"runs": run_id},
        )
