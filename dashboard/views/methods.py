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
    """Return the scored runs of five presets at most, the best first, of one dataset: of each preset the recipe that
    was trained with the most seeds, among several such the one of the best run.

    The dataset is the one that the most methods learnt from, of several such the one of the best run. Where no run has
    a score, the newest ones.
    """
    scored = data.best_first(trained, "evaluations") or list(trained.id)
    table = trained.set_index("id", drop=False).loc[scored].reset_index(drop=True)
    forked = table.parent.notna()
    originals = table if forked.all() else table[~forked]
    methods = originals.groupby("data_hash", sort=False).method.nunique()
    alike = originals[originals.data_hash == methods.idxmax()]
    presets = list(alike.preset.drop_duplicates()[:5])
    alike = alike[alike.preset.isin(presets)]
    preset_of = dict(zip(alike.id, alike.preset, strict=True))
    by_preset: dict[str, list[str]] = {}
    for run_ids in comparison.group_by_recipe(alike, data.recipes(tuple(alike.id))).values():
        preset = preset_of[run_ids[0]]
        if len(run_ids) > len(by_preset.get(preset, ())):
            by_preset[preset] = run_ids
    return [run_id for preset in presets for run_id in by_preset[preset]]


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
