"""One run: its newest faces and scores, its findings, its curves, its recipe and where it comes from."""

import streamlit as st

from dashboard import choose, data
from dashboard.sections import (
    curves,
    findings,
    forks,
    run_actions,
    run_faces,
    run_launch,
    run_notes,
    run_progress,
    run_recipe,
    run_scores,
)


def show_live(run_id: str) -> None:
    """Status, faces, scores, findings and curves: what changes while the run trains."""
    run = data.run(run_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(run["status"], color=choose.STATUS_COLOURS.get(run["status"], "gray"))
        device = f", on {run['device']}" if run["device"] else ""
        seen = f"; {data.how_far(run)}" + (f", {run['images_seen']:,} images seen" if run["images_seen"] else "")
        seed = f", seed {run['seed']}" if choose.can_draw(run_id) or "seed" in run["recipe"] else ""
        st.text(f"{run['preset']} on {run['data']}{seed}{device}{'' if run['literature'] else seen}")
    if run["reason"]:
        st.warning(choose.sentence(run["reason"]))
    if run["status"] == "running":
        run_progress.show(run)
    if run["literature"]:
        run_scores.show(run_id, beside=True)
        return
    faces, scores = st.columns([5, 2], gap="medium")
    with faces:
        run_faces.show(run_id, run["status"])
    with scores:
        run_scores.show(run_id)
    st.header("Findings", anchor=False)
    if "batch_size" in run["recipe"]:
        findings.show(findings.of_run(run_id)[1])
    else:
        st.info("Not looked for: they are dated in images, and nothing tells how many a step of this run has.")
    st.header("Curves", anchor=False)
    curves.panels(run_id)


choose.heading("Run", "How did one training go, and what came of it?")
runs = data.runs()
if choose.any_trained(runs):
    run_actions.offer_restore(st.query_params.get("run", ""))
    run_id = choose.one_run(runs, data.best_first(runs))
    run_actions.show_done()
    run = data.run(run_id)
    if not run["literature"]:
        choose.fragment(run_actions.show_buttons)([run_id])
        run_launch.show(run_id)
    run_notes.show_tags(run)
    choose.fragment(show_live, run_every=choose.live_unless_held(run["status"]))(run_id)
    run_notes.show_notes(run)
    if not run["literature"]:
        run_recipe.show(run)
    forks.show(run_id)
    run_recipe.show_provenance(run)
    if not run["literature"]:
        run_recipe.show_checkpoints(run_id)
