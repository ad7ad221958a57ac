"""Two or more runs side by side: what differs, scores, faces, curves; and two groups of runs."""

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.sections import compare_runs, curves, groups, report_button


def show_curves(labels: dict[str, str]) -> None:
    """The runs' scalars on shared axes."""
    st.header("Curves", anchor=False)
    curves.show(labels)


def show_side_by_side(runs: pd.DataFrame) -> None:
    """Choose runs; everything of them side by side."""
    trained = runs[~runs.literature]
    chosen = choose.several_runs(
        runs, default=list(dict.fromkeys([*data.best_first(trained, "sheets"), *trained.id]))[:2]
    )
    if len(chosen) < 2:
        st.info("Choose two or more runs.")
        return
    label = choose.run_label(runs)
    labels = {run_id: label(run_id) for run_id in chosen}
    report_button.show(chosen)
    every = choose.live_unless_held(*runs.status[runs.id.isin(chosen)])
    for part in (compare_runs.show_differences, compare_runs.show_scores, compare_runs.show_faces, show_curves):
        choose.fragment(part, run_every=every)(labels)


def show_groups(runs: pd.DataFrame) -> None:
    """Choose two groups of trained runs; whether they differ by more than chance."""
    trained = runs[~runs.literature]
    chosen = groups.choose_groups(trained)
    of_both = trained.status[trained.id.isin([run_id for run_ids in chosen.values() for run_id in run_ids])]
    choose.fragment(groups.show, run_every=choose.live_every(*of_both))(trained, chosen)


choose.heading("Compare", "How do the chosen runs differ in what they draw, in their scores and in their recipes?")
part = choose.part("Runs", "Groups of runs")
runs = data.runs()
if choose.any_trained(runs):
    (show_side_by_side if part == "Runs" else show_groups)(runs)
