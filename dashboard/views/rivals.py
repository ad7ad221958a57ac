"""Rivals: methods and recipes compared where they had spent equally much; what a face costs; their faces."""

import streamlit as st

from dashboard import choose, data
from dashboard.parts import rivals_budget, rivals_cost, rivals_faces

PARTS = {
    "At an equal budget": rivals_budget.show,
    "What a face costs": rivals_cost.show,
    "Faces": rivals_faces.show,
}

st.title("Rivals")
part = choose.part(*PARTS)
runs = data.runs()
if choose.any_trained(runs):
    trained = runs[~runs.literature]
    alike = trained[trained.data_hash == trained.data_hash.iloc[0]]
    first = alike[alike.parent.isna()].drop_duplicates("preset")
    chosen = choose.several_runs(trained, default=list(first.id[:4]))
    if len(chosen) < 2:
        st.info("Choose two runs or more, of two recipes or methods; best as many seeds of each.")
    else:
        table = trained.set_index("id", drop=False).loc[chosen].reset_index(drop=True)
        if table.data_hash.nunique() > 1:
            names = ", ".join(sorted(table.data.unique()))
            st.warning(choose.plain(f"These runs learnt from different data ({names}): what differs can be its doing."))
        st.fragment(PARTS[part], run_every=choose.live_every(*table.status))(table)
