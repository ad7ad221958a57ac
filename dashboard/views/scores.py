"""Every metric of the runs' checkpoints, and what is behind them: confusion, copying, the judges."""

import streamlit as st

from dashboard import choose, data
from dashboard.charts.palette import run_colour
from dashboard.sections import confusion, copying, judges, score_table

OF_RUNS = {"Table": score_table.show, "Confusion": confusion.show, "Copying": copying.show}
JUDGES = "Judges"

st.title("Scores")
part = choose.part(*OF_RUNS, JUDGES)
runs = data.runs()
if part == JUDGES:
    judges.show()
elif choose.any_trained(runs):
    trained = list(runs.id[~runs.literature])
    chosen = choose.several_runs(runs, default=trained[:4])
    if not set(chosen) <= set(trained):
        st.caption("A run from the literature has only the scores on the page Inception Score.")
    label = choose.run_label(runs)
    labels = {run_id: label(run_id) for run_id in chosen if run_id in trained}
    if labels:
        colours = {run_id: run_colour(place) for place, run_id in enumerate(chosen)}
        every = choose.live_every(*runs.status[runs.id.isin(labels)])
        choose.fragment(OF_RUNS[part], run_every=every)(labels, colours)
    else:
        st.info("Choose one or more trained runs.")
