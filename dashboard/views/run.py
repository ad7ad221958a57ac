"""One run: how it stands, its live curves, recipe, provenance, notes and tags."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import curves
from fergan_core.errors import FerganError

DARK = st.context.theme.type == "dark"
BADGES = {
    "running": "blue",
    "finished": "green",
    "interrupted": "orange",
    "crashed": "red",
    "diverged": "red",
    "failed": "red",
}


def show_state(run_id: str) -> None:
    """Status, progress and curves: what changes while the run trains."""
    run = data.run(run_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(run["status"], color=BADGES.get(run["status"], "gray"))
        st.text(f"{run['preset']} on {run['data']}, seed {run['seed']}, {run['device'] or 'device not recorded'}")
    if run["reason"]:
        st.warning(choose.plain(run["reason"]))
    if run["literature"]:
        return
    done = min(1.0, run["step"] / run["steps"]) if run["steps"] else 0.0
    seen = f"{run['images_seen']:,} images seen"
    st.progress(done, text=f"epoch {run['epoch']} of {run['epochs']}, step {run['step']:,} of {run['steps']:,}; {seen}")
    points = data.points((run_id,), tuple(name for names in curves.GROUPS.values() for name in names))
    if points.empty:
        st.info("No point yet: they appear a second after the first step.")
        return
    for group in curves.GROUPS:
        st.subheader(group.capitalize() if group[0].islower() else group)
        figure = curves.group_figure(points, group, dark=DARK)
        st.plotly_chart(figure, width="stretch", theme=None, key=group, config={"displaylogo": False})
    st.caption("Lines are means, bands lowest to highest, over at most 500 stretches of steps: no spike is lost.")


def when(seconds: float) -> str:
    """Write a time as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def fields(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Flatten nested values to (dotted name, text) pairs."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            pairs += fields(value, f"{prefix}{name}.")
        else:
            pairs.append((prefix + name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return pairs


def show_table(title: str, values: dict[str, Any]) -> None:
    """One block of names and values."""
    with st.expander(title):
        st.dataframe(pd.DataFrame(fields(values), columns=["field", "value"]), hide_index=True, width="stretch")


def show_words(run: dict[str, Any]) -> None:
    """Notes and tags, and the forms that add to them."""
    st.subheader("Notes and tags")
    if run["tags"]:
        st.text("Tags: " + ", ".join(run["tags"]))
    for note in run["notes"]:
        with st.container(border=True):
            st.text(note["text"])
            st.caption(when(note["created"]))
    if run["literature"]:
        return
    with st.form("words", clear_on_submit=True, border=False):
        tag = st.text_input("Add a tag")
        gone = st.multiselect("Remove tags", run["tags"])
        text = st.text_area("Add a note")
        if st.form_submit_button("Save"):
            try:
                writer = data.registry()
                if tag.strip():
                    writer.tag(run["id"], tag)
                for word in gone:
                    writer.untag(run["id"], word)
                if text.strip():
                    writer.note(run["id"], text)
            except FerganError as error:
                st.error(choose.plain(str(error)))
            else:
                st.rerun()


st.title("Run")
runs = data.runs()
if choose.any_trained(runs):
    run_id = choose.one_run(runs)
    status = runs.set_index("id").loc[run_id, "status"]
    st.fragment(show_state, run_every=choose.live_every(status))(run_id)
    run = data.run(run_id)
    show_table("Recipe", run["recipe"])
    if run["provenance"]:
        show_table("Provenance", {"begun": when(run["created"]), "dataset": run["dataset"]} | run["provenance"])
    saved = data.checkpoints(run_id)
    if len(saved):
        with st.expander(f"{len(saved)} checkpoints"):
            st.dataframe(saved[["epoch", "step", "images_seen", "bytes", "sha256"]], hide_index=True, width="stretch")
    show_words(run)
