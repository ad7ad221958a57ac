"""A run's newest faces: its last sheet, large; and pictures of some of a sheet's faces."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts import sheets
from dashboard.face_client import Faces
from dashboard.rows import rows_of
from fergan_core.sheets import COLUMNS

_ON_A_TELEPHONE = 5  # faces in a row
_OF_ONE = 5  # faces in a row, where all are of one emotion


def show(run_id: str, status: str) -> None:
    """The newest sheet, and where to see the others; a sentence where there is none."""
    saved = data.sheets(run_id)
    if saved.empty:
        yet = "No faces yet: the first sheet is drawn at the end of an epoch."
        st.info(yet if status == "running" else "No faces here: this run has no sheet.")
        return
    sheet = list(rows_of(saved))[-1]
    faces = sheet_series.faces(sheet)
    here = sheet_series.moment(data.run(run_id), sheet)
    if faces:
        title = here + (f", {sheet.images_seen:,} images seen" if sheet.images_seen else "")
        show_labelled(
            faces,
            min(int(sheet.columns), COLUMNS),
            title,
            sheet.sha256,
            f"Faces of {', '.join(faces)}, drawn at {here}",
        )
    if len(saved) > 1:
        unit = "step" if data.counts_steps(data.run(run_id)) else "epoch"
        st.page_link(
            "views/checkpoints.py",
            label=f"All {len(saved)} sheets, {unit} by {unit}",
            icon=":material/face:",
            query_params={"runs": run_id},
        )


def show_labelled(faces: Mapping[str, Faces], columns: int, title: str, source: str, alt: str) -> None:
    """Show the first faces of each emotion as `labelled` draws them; on a telephone, where more would be too small to
    see, five of them."""
    sizes = {"wide": columns, "narrow": min(columns, _ON_A_TELEPHONE)}
    for size, count in sizes.items() if columns > _ON_A_TELEPHONE else [("", columns)]:
        # style.css shows one of the two.
        with st.container(key=f"{size} picture {source}" if size else None):
            st.image(labelled(faces, count, title, source), width="stretch", alt=alt)


def labelled(faces: Mapping[str, Faces], columns: int, title: str, source: str) -> bytes:
    """Draw the first faces of each emotion beside its name under a title; `source` tells them from all other faces."""
    few = {emotion: images[:columns] for emotion, images in faces.items()}
    dark = choose.dark()
    about = f"labelled {source} {','.join(faces)} {columns} {title} {dark}"
    return data.drawn(about, lambda: sheets.labelled_sheet(few, title, dark=dark, columns=columns))


def few_of_each(faces: Mapping[str, Faces], rows: int, source: str) -> bytes:
    """Draw some faces of each emotion in rows, an emotion a column, or of one emotion alone several in a row; `source`
    tells them from all other faces."""
    columns = len(faces) if len(faces) > 1 else _OF_ONE
    of_each = rows * columns // len(faces)
    few = [images[place] for place in range(of_each) for images in faces.values() if place < len(images)]
    return data.drawn(
        f"few {source} {','.join(faces)} {rows}", lambda: sheets.face_grid(np.stack(few), columns=columns)
    )
