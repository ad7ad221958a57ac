"""Mode collapse: which emotions collapsed and when, with their faces then; generated faces among real ones."""

import streamlit as st

from dashboard import choose, data
from dashboard.sections import collapse_among, collapse_events, collapse_maps, collapse_runs

choose.heading("Mode collapse", "Which emotions collapsed to nearly the same face, when, and did they recover?")
runs = data.runs()
if choose.any_trained(runs):
    trained = runs[~runs.literature]
    label = choose.run_label(runs)
    collapsed = collapse_runs.of_registry(trained)
    first = [*collapsed.run_id[:1], *data.best_first(trained)]
    chosen = choose.several_runs(trained, default=first[:1])
    labels = {run_id: label(run_id) for run_id in chosen}
    if not chosen:
        st.info("Choose one or more runs.")
    else:
        every = choose.live_every(*trained.status[trained.id.isin(chosen)])
        choose.fragment(collapse_events.show, run_every=every)(labels)
        st.header("Each emotion over the training", anchor=False)
        choose.fragment(collapse_maps.show, run_every=every)(labels)
    collapse_runs.show(collapsed, {run_id: label(run_id) for run_id in collapsed.run_id}, chosen)
    if chosen:
        st.header("Generated faces among real ones", anchor=False)
        which = chosen[0] if len(chosen) == 1 else st.selectbox(
            "Of the run", chosen, format_func=labels.__getitem__, key="faces_of", bind="query-params"
        )  # fmt: skip
        choose.fragment(collapse_among.show)(which)
