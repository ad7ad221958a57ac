"""What goes on now: runs in training, the newest findings, the newest runs."""

import math
import time
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts.thumbnail import thumbnail
from dashboard.rows import rows_of
from dashboard.sections import findings, run_progress, run_scores
from fergan_core.analysis.pace import duration
from fergan_core.errors import FerganError
from fergan_core.recipe import OWN_SCRIPT

_RUNS = 5


def show() -> None:
    """Runs in training if there are some, and beside each other the newest runs and the newest findings."""
    runs = data.runs()
    trained = runs[~runs.literature]
    training = trained[trained.status == "running"]
    for row in rows_of(training):
        show_training(row)
    ended = trained[trained.status != "running"].sort_values("created", ascending=False, kind="stable")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Newest runs**")
        scores = data.headlines()
        fids = scores[scores.metric == "fid"].set_index("run_id").value
        for row in rows_of(ended.head(_RUNS)):
            show_run(row, fids.get(row.id))
        if ended.empty:
            st.caption("No training has ended yet.")
    with right:
        st.markdown("**Newest findings**")
        show_findings(data.newest_findings())


def show_training(row: Any) -> None:
    """A run in training: its newest faces, how far it is, and what it does."""
    with st.container(border=True):
        faces, progress = st.columns([1, 4], gap="medium")
        with faces:
            show_faces(row)
        with progress:
            choose.page_link("run", row.name, run=row.id)
            run_progress.show(data.run(row.id))


def show_faces(row: Any) -> None:
    """A run's newest faces, one of each emotion; nothing where it has none or they cannot be read."""
    if row.sheet_path is None:
        st.caption("No faces yet")
        return
    try:
        picture = data.small_sheet(row.sheet_path, row.sheet_sha256, partial(thumbnail, columns=row.sheet_columns))
    except (OSError, FerganError):
        st.caption("Its faces cannot be read; see `fergan runs verify`.")
        return
    st.image(picture, width=200, alt=f"Newest faces of {row.name}, one of each emotion")


def show_run(row: Any, fid: float | None) -> None:
    """A run: its name, how it ended, on what, how good, when."""
    colour = choose.STATUS_COLOURS.get(row.status, "gray")
    score = "" if fid is None or math.isnan(fid) else f", FID {run_scores.text_of('fid', fid)}"
    about = f"{row.preset} on {row.data}, {data.how_far(row._asdict())}{score}, {ago(row.created)}"
    with st.container(gap=None):
        choose.page_link("run", row.name, run=row.id)
        # Without a score it cannot come to be the best, of which the page shows the faces.
        if row.method == OWN_SCRIPT and row.sheet_path is not None:
            show_faces(row)
        st.markdown(f":{colour}-badge[{row.status}] :small[{choose.plain(about)}]")


def show_findings(newest: pd.DataFrame) -> None:
    """The runs in which something was found last, each with the gravest of it."""
    if newest.empty:
        st.caption("Nothing was found in any run.")
    for row in rows_of(newest):
        show_finding(row)


def show_finding(row: Any) -> None:
    """A run's gravest finding, behind a link to the page that shows it."""
    with st.container(gap=None):
        page = "collapse" if row.kind in findings.COLLAPSES else "instability"
        choose.page_link(page, row.name, runs=row.run_id)
        badge = f":{findings.BADGES.get(row.severity, 'gray')}-badge[{choose.plain(findings.title(row.kind))}]"
        more = f" And {row.count - 1} more." if row.count > 1 else ""
        st.markdown(f"{badge} :small[{choose.plain(row.sentence + more)}]")


def ago(created: float) -> str:
    """Say how long ago something was."""
    return f"{duration(max(0.0, time.time() - created))} ago"
