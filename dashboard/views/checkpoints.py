"""Runs' faces through their trainings: every sheet in one player, and new faces drawn from any checkpoint."""

import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.sections import draw_faces


def show_sheets(labels: dict[str, str]) -> None:
    """The player with all sheets of the chosen runs."""
    series = {run_id: sheet_series.sheet_series(run_id, name) for run_id, name in labels.items()}
    if without := [labels[run_id] for run_id, found in series.items() if found is None]:
        names = choose.plain(", ".join(without))
        st.info(f"No sheet of {names}: a run draws one at the end of an epoch.")
    if with_sheets := [found for found in series.values() if found]:
        sheet_series.play(with_sheets)


choose.heading("Checkpoints", "What did the generator draw at each epoch, and what does it draw from a checkpoint now?")
runs = data.runs()
if choose.any_trained(runs):
    if "run" in st.query_params:  # as links to this page once had it
        st.query_params.setdefault("runs", st.query_params.pop("run"))
    trained = runs[~runs.literature]
    chosen = choose.several_runs(trained, data.best_first(trained, "sheets")[:1])
    if chosen:
        label = choose.run_label(runs)
        labels = {run_id: label(run_id) for run_id in chosen}
        every = choose.live_every(*runs.status[runs.id.isin(chosen)])
        choose.fragment(show_sheets, run_every=every)(labels)
        choose.fragment(draw_faces.show, run_every=every)(labels)
    else:
        st.info("Choose one or more runs.")
