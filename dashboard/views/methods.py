"""The page Methods: methods and recipes compared at an equal budget; what a face costs; their faces."""

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.sections import methods_budget, methods_cost, methods_faces
from fergan_core.analysis import comparison

PARTS = {
    "At an equal budget": methods_budget.show,
    "What a face costs": methods_cost.show,
    "Faces": methods_faces.show,
}


def opening(trained: pd.DataFrame) -> list[str]:
    """Return the best scored run of each preset, five at most, with its other seeds, of one dataset.

    That is the dataset which the most methods learnt from, of several such the one of the best run. Where no run has a
    score, the newest ones.
    """
    scored = data.best_first(trained, "evaluations") or list(trained.id)
    table = trained.set_index("id", drop=False).loc[scored].reset_index(drop=True)
    forked = table.parent.notna()
    originals = table if forked.all() else table[~forked]
    methods = originals.groupby("data_hash", sort=False).method.nunique()
    alike = originals[originals.data_hash == methods.idxmax()]
    first = alike.drop_duplicates("preset")[:5]
    alike = alike[alike.preset.isin(first.preset)]
    seeds = comparison.group_by_recipe(alike, data.recipes(tuple(alike.id)))
    best = set(first.id)
    return [run_id for run_ids in seeds.values() if not best.isdisjoint(run_ids) for run_id in run_ids]


choose.heading("Methods", "Which method draws better faces at an equal budget, and what does a face cost?")
part = choose.part(*PARTS)
runs = data.runs()
if choose.any_trained(runs):
    trained = runs[~runs.literature]
    chosen = choose.several_runs(trained, default=opening(trained))
    if len(chosen) < 2:
        st.info("Choose two or more runs of two recipes or methods, ideally with equally many seeds of each.")
    else:
        table = trained.set_index("id", drop=False).loc[chosen].reset_index(drop=True)
        if table.data_hash.nunique() > 1:
            names = ", ".join(sorted(table.data.unique()))
            st.warning(
                choose.plain(
                    f"These runs were trained on different data ({names}), which alone may explain a difference."
                )
            )
        choose.fragment(PARTS[part], run_every=choose.live_every(*table.status))(table)
