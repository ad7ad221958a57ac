"""The Mode collapse page's list of all runs in which something collapsed; a click on one shows it."""

from collections import Counter

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.rows import rows_of

_KEY = "collapsed runs"
_SHOWN = 8  # rows before the list scrolls
COLUMNS = ["run_id", "emotions", "epoch", "whole", "alarms", "sheets"]


def collapsed_runs(findings: pd.DataFrame, sheets: "pd.Series[int]") -> pd.DataFrame:
    """Return a row a run in which an emotion collapsed, with what is to be seen of it: those with sheets before and
    after come first, then those in which most collapsed.

    `findings` are the runs' findings, `sheets` their numbers of sheets by run_id. Columns: run_id, emotions (their
    names, in order of collapse), epoch (of the first), whole (that in which the whole generator collapsed, or None),
    alarms (their number), sheets.
    """
    emotions: dict[str, dict[str, int]] = {}  # with the epochs of their collapses
    whole: dict[str, int] = {}
    alarms: Counter[str] = Counter()
    for run_id, kind, severity, epoch, numbers in findings[
        ["run_id", "kind", "severity", "epoch", "numbers"]
    ].to_numpy():
        alarms[run_id] += severity == "alarm"
        if kind == "collapse":
            emotions.setdefault(run_id, {}).setdefault(numbers["emotion"], epoch)
        elif kind == "global-collapse":
            whole.setdefault(run_id, epoch)
    rows = [
        (run_id, ", ".join(names), min(names.values()), whole.get(run_id), alarms[run_id], sheets.get(run_id, 0))
        for run_id, names in emotions.items()
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"whole": "Int64"})
    order = pd.DataFrame({"few": table.sheets < 2, "alarms": -table.alarms})
    return table.loc[order.sort_values(["few", "alarms"], kind="stable").index].reset_index(drop=True)


def of_registry(trained: pd.DataFrame) -> pd.DataFrame:
    """Return `collapsed_runs` of the trained runs that are not in the trash."""
    return collapsed_runs(data.findings(tuple(trained.id)), data.contents().sheets)


def show(table: pd.DataFrame, names: "dict[str, str]") -> None:
    """List the runs; a click on a row chooses its run on this page and on all others."""
    st.header("All runs with a collapse", anchor=False)
    if table.empty:
        st.info("No emotion collapsed in any run of this registry.")
        return
    shown = table.assign(run=[names[row.run_id] for row in rows_of(table)])

    def follow() -> None:
        picked = st.session_state[_KEY].selection.rows
        if picked and picked[0] < len(table):
            choose.choose_runs([str(table.run_id.iloc[picked[0]])])

    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height="content" if len(shown) <= _SHOWN else 330,
        key=_KEY,
        on_select=follow,
        selection_mode="single-row",
        column_order=["run", "epoch", "emotions", "whole", "sheets"],
        column_config={
            "run": st.column_config.TextColumn("Run", width=230),
            "epoch": number("First at epoch", width=105, help="The epoch in which the first emotion collapsed"),
            "emotions": st.column_config.TextColumn("Emotions that collapsed", width=330),
            "whole": number(
                "As a whole at", width=110, help="The epoch by which three of five emotions had collapsed, if any"
            ),
            "sheets": number("Sheets", width=70, help="Two or more show the faces before and after"),
        },
        alt="Runs in which an emotion collapsed, with the epoch and the emotions",
    )
    st.caption("Tick the box of a row to see what happened in that run; by keyboard Shift+Space on it.")
