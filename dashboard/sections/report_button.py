"""A button that writes a report on runs, one file to send or to print, as `fergan report` does."""

from collections.abc import Sequence

import streamlit as st

from dashboard import data
from dashboard.sections.runs_export import archive_name
from fergan_core.report import report_of, written


def show(run_ids: Sequence[str]) -> None:
    """Offer a report on these runs, compared where they are two or more; it is made when it is asked for."""
    reader = data.reader()
    name = archive_name(data.run(run_ids[0])["name"], run_ids[0]).removesuffix(".zip") if len(run_ids) == 1 else "runs"
    what = "this run" if len(run_ids) == 1 else f"these {len(run_ids)} runs and how they compare"
    st.download_button(
        "Report",
        lambda: written(report_of(reader, run_ids), "html").encode(),
        f"report-{name}.html",
        "text/html",
        icon=":material/description:",
        on_click="ignore",
        help=f"One file about {what} that opens without a network and prints well",
    )
