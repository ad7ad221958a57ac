"""Findings as a list: when, how bad, and a sentence; each run under its name."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from dashboard import choose
from dashboard.rows import rows_of
from fergan_core.analysis.findings import KINDS

BADGES = {"alarm": "red", "warning": "orange", "info": "gray"}
SHOWN = 30


def title(kind: str) -> str:
    """Return what a kind of finding is called."""
    name = KINDS.get(kind, kind)
    return name[0].upper() + name[1:]


def show(table: pd.DataFrame, labels: Mapping[str, str]) -> None:
    """List the runs' findings in order of their steps, the gravest first among those of one step."""
    if table.empty:
        st.success("No findings.", icon=":material/check:")
        return
    for row in rows_of(table.head(SHOWN)):
        whose = f"{choose.plain(labels[row.run_id])}: " if len(labels) > 1 else ""
        badge = f":{BADGES.get(row.severity, 'gray')}-badge[{choose.plain(title(row.kind))}]"
        st.markdown(f"{badge} {whose}{choose.plain(row.sentence)}")
    if len(table) > SHOWN:
        st.caption(f"{len(table) - SHOWN} more.")
