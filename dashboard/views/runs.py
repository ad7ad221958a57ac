"""All runs: search, filters, a live table with each run's Inception Score and its newest faces."""

import base64
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts.thumbnail import thumbnail
from dashboard.rows import rows_of
from fergan_core.errors import FerganError
from fergan_core.protocols import preferred_of_each_run, words

# Only the newest runs show faces: those of thousands would weigh more than all else on the page.
MOST_FACES = 200


def newest_faces(runs: pd.DataFrame) -> list[str]:
    """Return each run's newest sheet, one face an emotion, as a data address; '' where it has none."""
    addresses = [""] * len(runs)
    for place, row in enumerate(rows_of(runs.head(MOST_FACES))):
        if row.sheet_path is not None:
            try:
                picture = data.small_sheet(row.sheet_path, row.sheet_sha256, thumbnail)
            except (OSError, FerganError):
                # A damaged file must not hide the table; `fergan runs verify` and the run's own page name it.
                continue
            addresses[place] = "data:image/webp;base64," + base64.b64encode(picture).decode()
    return addresses


def filtered(runs: pd.DataFrame) -> pd.DataFrame:
    """Ask for search words and filters, which the address carries, and apply them."""
    bound: dict[str, Any] = {"bind": "query-params", "persist_state": "session", "width": 170}
    several = bound | {"placeholder": "Any"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Search", key="search", placeholder="Name, id or tag", **bound)
        statuses = st.multiselect("Status", list(choose.STATUS_COLOURS), key="status", **several)
        tags = st.multiselect("Tag", choices(runs.tags.explode()), key="tag", **several)
        presets = st.multiselect("Preset", choices(runs.preset), key="preset", **several)
        sets = st.multiselect("Data", choices(runs.data), key="data", **several)
    keep = pd.Series(True, index=runs.index)
    text = (runs.name + " " + runs.id + " " + runs.tags.str.join(" ")).str.lower()
    for word in words.lower().split():
        keep &= text.str.contains(word, regex=False)
    for column, wished in (("status", statuses), ("preset", presets), ("data", sets)):
        if wished:
            keep &= runs[column].isin(wished)
    if tags:
        keep &= runs.tags.map(lambda run_tags: set(tags) <= set(run_tags)).astype(bool)
    return runs[keep]


def choices(values: pd.Series) -> list[str]:
    """List what a filter offers."""
    return sorted(values.dropna().unique())


def show_table(chosen: pd.DataFrame) -> None:
    """The table itself; a run's name leads to its page."""
    scores = data.scores(tuple(chosen.id))
    scores = preferred_of_each_run(scores[(scores.metric == "is") & scores.emotion.isna()]).sort_values("step")
    lines = scores.groupby("run_id")["value"].agg(list).to_dict()
    by = {run_id: words(run_scores.iloc[0]) for run_id, run_scores in scores.groupby("run_id")}
    table = pd.DataFrame(
        {
            "faces": newest_faces(chosen),
            "status": [[status] for status in chosen.status],
            "run": [f"run?run={row.id}#{quote(row.name)}" for row in rows_of(chosen)],
            "epoch": [f"{row.epoch} / {row.epochs}" for row in rows_of(chosen)],
            "is": [lines[run_id][-1] if run_id in lines else None for run_id in chosen.id],
            "course": [lines.get(run_id, []) for run_id in chosen.id],
            "by": [by.get(run_id, "") for run_id in chosen.id],
            "data": chosen.data.to_list(),
            "preset": chosen.preset.to_list(),
            "tags": chosen.tags.to_list(),
            "begun": pd.to_datetime(chosen.created, unit="s", utc=True).to_list(),
        }
    )
    column = st.column_config
    st.dataframe(
        table,
        hide_index=True,
        row_height=58,  # of two rows of pills, in a taller one, a single pill would not stand in the middle
        placeholder="–",
        height="content" if len(table) <= 10 else 700,
        alt="Runs, newest first, with their newest faces, status, Inception Score and settings",
        column_config={
            # A telephone shows the first three.
            "faces": column.ImageColumn("Newest faces", width=120, alignment="left", help="One face of each emotion"),
            "status": column.MultiselectColumn(
                "Status", options=list(choose.STATUS_COLOURS), color=list(choose.STATUS_COLOURS.values()), width=98
            ),
            "run": column.LinkColumn("Run", display_text=r"#(.*)$", alignment="left", width=200),
            "epoch": column.TextColumn("Epoch", alignment="right", width=82),
            "is": column.NumberColumn("IS", format="%.3f", width=62),
            "course": column.LineChartColumn("IS over epochs", y_min=1, width=110),
            "by": column.TextColumn("IS by", width=170, help="Judge and protocol of the score and its curve"),
            "data": column.TextColumn("Data", width=80),
            "preset": column.TextColumn("Preset", width=95),
            "tags": column.ListColumn("Tags"),
            "begun": column.DatetimeColumn("Begun", format="distance", width=120),
        },
    )
    st.caption(caption(list(by.values())))


def caption(protocols: Sequence[str]) -> str:
    """Say by which judges and protocols the scores are; `protocols` has each run's, in words."""
    counts = Counter(protocols)
    if not counts:
        return "No run here has an Inception Score yet."
    if len(counts) == 1:
        return choose.plain(f"IS by {protocols[0]}.")
    most = "; ".join(f"{protocol} ({count} run{'s' if count > 1 else ''})" for protocol, count in counts.most_common(3))
    more = "; others" if len(counts) > 3 else ""
    return choose.plain(
        f"IS by {most}{more}. Only scores by one judge and protocol, of runs on one dataset, can be compared: see IS "
        "by."
    )


def show_runs() -> None:
    """Filters and table, read anew every few seconds: a run that begins appears by itself."""
    runs = data.runs()
    choose.any_trained(runs)
    if runs.empty:
        return
    chosen = filtered(runs)
    if chosen.empty:
        st.info("No run matches these filters.")
    else:
        show_table(chosen)


choose.heading("Runs", "Which runs are there, how far are they, and how good is each?")
choose.fragment(show_runs, run_every=choose.LIVE_SECONDS)()
