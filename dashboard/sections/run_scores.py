"""The scores that stand for a run: FID, recognised as requested and IS, with intervals and real faces' values."""

import math

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.rows import rows_of
from fergan_core import protocols
from fergan_core.registry.summaries import HEADLINE

TITLES = {"fid": "FID", "accuracy": "Recognised as requested", "is": "IS"}


def text_of(metric: str, value: float) -> str:
    """Write a score as people do: FID in three digits, IS in three decimals, a share in percent."""
    if metric == "accuracy":
        return f"{value:.0%}".replace("%", "\u00a0%")
    return f"{value:.3f}" if metric == "is" else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def interval_of(metric: str, low: float | None, high: float | None) -> str:
    """Write a 95 % interval as 'low to high', '' where there is none."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{text_of(metric, low)} to {text_of(metric, high)}"


def of_run(run_id: str) -> pd.DataFrame:
    """Return the scores that stand for a run, by metric; empty where it has none."""
    table = data.headlines()
    return table[table.run_id == run_id].set_index("metric", drop=False)


def show(run_id: str, *, beside: bool = False) -> None:
    """The run's scores, below each other or `beside` each other, and by which judge and protocol they are."""
    scores = of_run(run_id)
    if scores.empty:
        yet = "No score yet: a run is scored every `--eval-every` epochs, or afterwards by `fergan evaluate RUN`."
        st.caption(yet if choose.can_draw(run_id) else choose.NO_OWN_SCORE)
        return
    with st.container(horizontal=beside, gap="medium"):
        for metric in HEADLINE:
            for row in rows_of(scores[scores.metric == metric]):
                with st.container(width=220 if beside else "stretch", gap=None):
                    _show_score(metric, row)
    words = protocols.words(scores.iloc[0])
    st.caption(choose.plain(f"Epoch {scores.epoch.iloc[0]}, by {words}."))
    st.page_link(
        "views/scores.py",
        label="All its scores",
        icon=":material/scoreboard:",
        query_params={"runs": run_id},
    )


def _show_score(metric: str, row: pd.Series) -> None:
    st.metric(TITLES[metric], text_of(metric, row.value), help=choose.measure_help(metric))
    interval = interval_of(metric, row.low, row.high)
    remarks = [f"95\u00a0%: {interval}"] if interval else []
    if row.real is not None and not math.isnan(row.real):
        remarks.append(f"real faces: {text_of(metric, row.real)}")
    if remarks:
        st.caption("  \n".join(map(choose.plain, remarks)))
