"""All runs: search, filters, a live table with each run's IS and its newest faces."""

import base64

import pandas as pd
import streamlit as st

from dashboard import choose, data

STATUSES = ("running", "finished", "interrupted", "crashed", "diverged", "failed")


def newest_sheet(row: pd.Series) -> str | None:
    """Return a run's newest sheet as a data address, None where it has none (or its file is gone)."""
    if row.sheet_path is None:
        return None
    try:
        picture = data.sheet_bytes(row.sheet_path, row.sheet_sha256)
    except Exception:
        # A missing file must not hide the table; the run's own page says what is wrong.
        return None
    return "data:image/webp;base64," + base64.b64encode(picture).decode()


def filtered(runs: pd.DataFrame) -> pd.DataFrame:
    """Ask for search words and filters, kept in the address, and apply them."""
    bound = {"bind": "query-params"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Search", key="search", placeholder="name, id or tag", width=240, **bound)
        statuses = st.multiselect("Status", STATUSES, key="status", width=200, **bound)
        known_tags = sorted({tag for tags in runs.tags for tag in tags})
        tags = st.multiselect("Tag", known_tags, key="tag", width=180, **bound)
        presets = st.multiselect("Preset", sorted(runs.preset.unique()), key="preset", width=180, **bound)
        sets = st.multiselect("Data", sorted(runs.data.unique()), key="data", width=180, **bound)
    keep = pd.Series(True, index=runs.index)
    for word in (words or "").lower().split():
        keep &= [
            word in f"{row.name_} {row.id} {' '.join(row.tags)}".lower()
            for row in runs.rename(columns={"name": "name_"}).itertuples()
        ]
    if statuses:
        keep &= runs.status.isin(statuses)
    if tags:
        keep &= [set(tags) <= set(own) for own in runs.tags]
    if presets:
        keep &= runs.preset.isin(presets)
    if sets:
        keep &= runs.data.isin(sets)
    return runs[keep]


def show_table(chosen: pd.DataFrame) -> None:
    """The table itself, with links to each run's page."""
    scores = data.scores(tuple(chosen.id))
    scores = scores[(scores.metric == "is") & scores.emotion.isna()].sort_values("step")
    lines = {run_id: list(values) for run_id, values in scores.groupby("run_id")["value"]}
    table = pd.DataFrame(
        {
            "faces": [newest_sheet(row) for _, row in chosen.iterrows()],
            "run": [f"/run?run={run_id}#{name}" for run_id, name in zip(chosen.id, chosen.name, strict=True)],
            "status": chosen.status,
            "epoch": [f"{row.epoch}/{row.epochs}" for row in chosen.itertuples()],
            "IS": [lines[i][-1] if i in lines else None for i in chosen.id],
            "IS over epochs": [lines.get(i, []) for i in chosen.id],
            "preset": chosen.preset,
            "data": chosen.data,
            "tags": chosen.tags,
            "begun": pd.to_datetime(chosen.created, unit="s", utc=True),
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        row_height=72,
        height="content",
        column_config={
            "faces": st.column_config.ImageColumn("Newest faces", width="small"),
            "run": st.column_config.LinkColumn("Run", display_text=r"#(.*)$"),
            "IS": st.column_config.NumberColumn("IS", format="%.3f"),
            "IS over epochs": st.column_config.LineChartColumn("IS over epochs", y_min=1),
            "tags": st.column_config.ListColumn("Tags"),
            "begun": st.column_config.DatetimeColumn("Begun", format="distance"),
        },
    )
    st.caption(f"{len(table)} runs. IS by each run's own judge: compare runs of one data set alone.")


def live_table() -> None:
    """Filters and table, read anew while a run is training."""
    chosen = filtered(data.runs())
    if chosen.empty:
        st.info("No run answers to these filters.")
    else:
        show_table(chosen)


st.title("Runs")
runs = data.runs()
choose.any_trained(runs)
if len(runs):
    st.fragment(live_table, run_every=choose.live_every(*runs.status))()
