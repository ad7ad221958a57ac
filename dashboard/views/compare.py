"""Two or more runs side by side: curves, sheets, recipes' differences, scores; and two groups of runs."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data, sheet_series
from dashboard.charts import compare
from dashboard.sections import curves, groups


def show_sheets(labels: dict[str, str]) -> None:
    """All runs' sheets under one slider."""
    st.subheader("Sheets at the same epoch")
    series_of_runs = [
        series for run_id, label in labels.items() if (series := sheet_series.sheet_series(run_id, label))
    ]
    if series_of_runs:
        sheet_series.play(series_of_runs)
    else:
        st.info("These runs have no sheets.")


def show_differences(labels: dict[str, str]) -> None:
    """The fields in which recipe, data and seed differ."""
    st.subheader("What differs in the recipes")
    table = compare.recipe_differences({label: recipe_of(run_id) for run_id, label in labels.items()})
    if table.empty:
        st.info("Nothing: the recipes, the data and the seeds are the same.")
    else:
        st.dataframe(table, hide_index=True, width="stretch")


def recipe_of(run_id: str) -> dict[str, Any]:
    """A run's recipe with what else its result depends on: the data and the seed."""
    run = data.run(run_id)
    recipe: dict[str, Any] = run["recipe"]
    return recipe | {"data": run["data"], "seed": run["seed"]}


def show_scores(labels: dict[str, str]) -> None:
    """Each run's newest evaluation under every judge and protocol."""
    st.subheader("Newest scores")
    scores = choose.scored(labels)
    if scores is None:
        return
    percent = st.column_config.NumberColumn(format="percent")
    three = st.column_config.NumberColumn(format="%.3f")
    run = st.column_config.TextColumn(width=220)
    columns = dict.fromkeys(["IS", "IS low", "IS high", "IS of real faces", "KL nats", "KL / ln K"], three)
    table = compare.score_table(scores, labels)
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        column_config=columns | {"run": run, "recognised as requested": percent},
    )
    if table["judge and protocol"].nunique() > 1:
        st.caption("Scores of different judges or protocols cannot be compared with each other.")


def show_side_by_side(runs: pd.DataFrame) -> None:
    """Choose runs; everything of them side by side."""
    chosen = choose.several_runs(runs, default=list(runs.id[~runs.literature][:2]))
    if len(chosen) < 2:
        st.info("Choose two or more runs.")
        return
    label = choose.run_label(runs)
    labels = {run_id: label(run_id) for run_id in chosen}
    every = choose.live_unless_held(*runs.status[runs.id.isin(chosen)])
    for part in (curves.show, show_sheets, show_differences, show_scores):
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
