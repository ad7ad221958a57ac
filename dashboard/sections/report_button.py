"""Buttons that write a report on runs, one file to send or to print, as `fergan report` does."""

import contextlib
from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import data, face_data
from dashboard.sections.runs_export import archive_name
from fergan_core.browser import Network
from fergan_core.errors import CheckpointError
from fergan_core.recipe import in_one_pass
from fergan_core.report import report_of, written


def show(run_ids: Sequence[str]) -> None:
    """Offer a report on these runs, compared where they are two or more, without and with what makes faces in it; it is
    made when it is asked for."""
    name = archive_name(data.run(run_ids[0])["name"], run_ids[0]).removesuffix(".zip") if len(run_ids) == 1 else "runs"
    what = "this run" if len(run_ids) == 1 else f"these {len(run_ids)} runs and how they compare"
    about = f"One file about {what} that opens without a network and prints well"
    st.download_button(
        "Report",
        lambda: _written(run_ids, {}),
        f"report-{name}.html",
        "text/html",
        icon=":material/description:",
        on_click="ignore",
        help=about,
    )
    steps = {run_id: step for run_id in run_ids if (step := _drawn_from(run_id)) is not None}
    if steps:
        st.download_button(
            "Report that makes faces",
            lambda: _written(run_ids, _generators(steps)),
            f"report-with-generator-{name}.html",
            "text/html",
            icon=":material/face:",
            on_click="ignore",
            help=f"{about}, with the generator, by which its reader makes faces in the browser: 5 MB and some "
            "megabytes a run; the first time of a checkpoint takes about 15 seconds",
        )


def _drawn_from(run_id: str) -> int | None:
    """Return the step of the last checkpoint of a run that draws a face in one pass; None where there is none."""
    saved = data.checkpoints(run_id)
    return int(saved["step"].max()) if in_one_pass(data.run(run_id)["method"]) and len(saved) else None


def _generators(steps: Mapping[str, int]) -> dict[str, Network]:
    networks = {}
    for run_id, step in steps.items():
        # Weights that cannot be read are named by the pages that draw with them.
        with contextlib.suppress(CheckpointError):
            networks[run_id] = face_data.network(run_id, step)
    return networks


def _written(run_ids: Sequence[str], generators: Mapping[str, Network]) -> bytes:
    return written(report_of(data.reader(), run_ids, generators), "html").encode()
