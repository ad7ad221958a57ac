"""Mode collapse: which emotions collapsed and when, their faces at that time, and generated faces among real ones."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts.emotion_heatmap import MEASURES
from dashboard.sections import collapse_among, collapse_faces, collapse_maps, findings

KINDS = ("collapse", "global-collapse", "recovery", "repeats")


def show_findings(labels: Mapping[str, str]) -> None:
    """The runs' findings of this page's kinds; without a probe there cannot be any."""
    without = [label for run_id, label in labels.items() if not data.has_probe(run_id)]
    if without:
        st.info(f"No probe readings, so collapses were not looked for: {choose.plain(', '.join(without))}.")
    if len(without) < len(labels):
        page_findings = data.findings(tuple(labels))
        findings.show(page_findings[page_findings.kind.isin(KINDS)], labels)


def first_runs(trained: pd.DataFrame) -> list[str]:
    """The newest run, and beside it the newest other one in which an emotion collapsed for good."""
    collapses = data.findings(tuple(trained.id))
    collapsed = collapses.run_id[(collapses.kind == "collapse") & (collapses.severity == "alarm")]
    return list(pd.concat((trained.id[:1], trained.id[trained.id.isin(collapsed)], trained.id)).drop_duplicates()[:2])


choose.heading("Mode collapse", "Which emotions collapsed to nearly the same face, when, and did they recover?")
runs = data.runs()
if choose.any_trained(runs):
    trained = runs[~runs.literature]
    chosen = choose.several_runs(trained, default=first_runs(trained))
    label = choose.run_label(runs)
    labels = {run_id: label(run_id) for run_id in chosen}
    measure = st.segmented_control(
        "Measure", list(MEASURES), default="diversity", required=True, key="measure", bind="query-params"
    )
    if not chosen:
        st.info("Choose one or more runs.")
    else:
        every = choose.live_every(*trained.status[trained.id.isin(chosen)])
        choose.fragment(collapse_maps.show, run_every=every)(labels, measure)
        st.subheader("Findings", anchor=False)
        choose.fragment(show_findings, run_every=every)(labels)
        st.subheader("Faces around a collapse", anchor=False)
        which = st.selectbox("Run", chosen, format_func=labels.__getitem__, key="faces_of", bind="query-params")
        choose.fragment(collapse_faces.show, run_every=every)(which)
        st.subheader("Generated faces among real ones", anchor=False)
        choose.fragment(collapse_among.show)(which)
