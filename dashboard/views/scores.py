"""Every metric of the runs' checkpoints, and what is behind them: confusion, copying."""

import streamlit as st

from dashboard import choose, data
from dashboard.sections import confusion, copying, score_table

OF_RUNS = {"Table": score_table.show, "Confusion": confusion.show, "Copying": copying.show}
# What a run needs for a part to open at it, a column of `data.contents`.
NEEDS = {"Table": "evaluations", "Confusion": "evaluations", "Copying": "checkpoints"}

choose.heading("Scores", "How good are the generated faces by every measure, beside real faces?")
part = choose.part(*OF_RUNS)
runs = data.runs()
if choose.any_trained(runs):
    trained = list(runs.id[~runs.literature])
    opening = data.best_first(runs, NEEDS[part]) or trained
    chosen = choose.several_runs(runs, default=opening[:4])
    if not set(chosen) <= set(trained):
        st.caption("A run from the literature has only the scores on the page Inception Score.")
    label = choose.run_label(runs)
    labels = {run_id: label(run_id) for run_id in chosen if run_id in trained}
    if labels:
        every = choose.live_every(*runs.status[runs.id.isin(labels)])
        choose.fragment(OF_RUNS[part], run_every=every)(labels)
    else:
        st.info("Choose one or more trained runs.")
