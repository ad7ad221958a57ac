"""One run: how it stands, its live curves, its forks, its recipe and where it comes from, notes and tags."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.rows import rows_of
from dashboard.sections import curves, fields, forks, run_actions, run_notes
from fergan_core.protocols import newest
from fergan_core.recipe import UNITS

HEADLINE = {"is": ("IS", "{:.3f}"), "accuracy": ("Recognised as requested", "{:.0%}")}


def show_state(run_id: str) -> None:
    """Status, progress and curves: what changes while the run trains."""
    run = data.run(run_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(run["status"], color=choose.STATUS_COLOURS.get(run["status"], "gray"))
        device = f", on {run['device']}" if run["device"] else ""
        st.text(f"{run['preset']} on {run['data']}, seed {run['seed']}{device}")
    if run["reason"]:
        st.warning(choose.sentence(run["reason"]))
    above = st.container(horizontal=True)
    scores = data.scores((run_id,))
    scores = scores[scores.emotion.isna() & scores.metric.isin(list(HEADLINE))]
    if len(scores):
        scores = choose.one_protocol(scores)
    with above:
        for label, value, remark in numbers(run, scores):
            st.metric(label, value, width=190, help=remark)
    if run["literature"]:
        return
    if run["status"] == "running" and run["steps"]:
        st.progress(min(1.0, run["step"] / run["steps"]), text=f"step {run['step']:,} of {run['steps']:,}")
    curves.panels(run_id)


def numbers(run: dict[str, Any], scores: pd.DataFrame) -> list[tuple[str, str, str | None]]:
    """List (name, value, remark) of the run's progress and scores, `scores` being of one protocol."""
    entries: list[tuple[str, str, str | None]] = [("Epoch", f"{run['epoch']} / {run['epochs']}", None)]
    if run["images_seen"]:
        entries.append(("Images seen", f"{run['images_seen']:,}", None))
    overall = newest(scores)
    for metric, (label, form) in HEADLINE.items():
        for row in rows_of(overall[overall.metric == metric]):
            real = "" if pd.isna(row.real) else f"; real faces: {form.format(row.real)}"
            remark = choose.plain(f"At epoch {row.epoch}, judge {row.judge}{real}")
            entries.append((label, form.format(row.value), remark))
    return entries


def show_origin(run: dict[str, Any]) -> None:
    """Recipe, provenance and checkpoints, as tables."""
    recipe, provenance, saved = st.tabs(["Recipe", "Provenance", "Checkpoints"])
    fields.show(recipe, run["recipe"], UNITS)
    begun = choose.when(run["created"])
    fields.show(provenance, {"run": run["id"], "begun": begun, "dataset": run["dataset"]} | run["provenance"])
    checkpoints = data.checkpoints(run["id"])
    if checkpoints.empty:
        saved.text("None yet.")
        return
    table = checkpoints[["epoch", "step", "images_seen", "sha256"]]
    table.insert(3, "megabytes", (checkpoints["bytes"] + checkpoints["state_bytes"].fillna(0).astype(float)) / 1e6)
    size = st.column_config.NumberColumn("megabytes", format="%.1f", help="Weights and training state together")
    saved.dataframe(table, hide_index=True, width="stretch", column_config={"megabytes": size})


choose.heading("Run", "How did one training go, and what came of it?")
runs = data.runs()
if choose.any_trained(runs):
    run_id = choose.one_run(runs, data.best_first(runs))
    run_actions.show_done()
    run = data.run(run_id)
    if not run["literature"]:
        run_actions.show_buttons([run_id])
    run_notes.show_tags(run)
    run_notes.show_notes(run)
    status = str(runs.set_index("id").loc[run_id, "status"])
    choose.fragment(show_state, run_every=choose.live_unless_held(status))(run_id)
    forks.show(run_id)
    show_origin(run)
