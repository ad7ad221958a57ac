"""The Mode collapse page's list of all runs in which something collapsed; a click on one shows it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.components.run_table import Column
from dashboard.sections import listed_runs

COLUMNS = (
    Column("name", "Run"),
    Column("epoch", "First at epoch", "The epoch in which the first emotion collapsed", number=True),
    Column("emotions", "Emotions that collapsed"),
    Column(
        "whole", "As a whole at", "The first epoch in which three of five emotions were collapsed at once", number=True
    ),
    Column("sheets", "Sheets", "Two or more show the faces before and after", number=True),
)


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
    columns = ["run_id", "emotions", "epoch", "whole", "alarms", "sheets"]
    table = pd.DataFrame(rows, columns=columns).astype({"whole": "Int64"})
    order = pd.DataFrame({"few": table.sheets < 2, "alarms": -table.alarms})
    return table.loc[order.sort_values(["few", "alarms"], kind="stable").index].reset_index(drop=True)


def of_registry(trained: pd.DataFrame) -> pd.DataFrame:
    """Return `collapsed_runs` of the trained runs that are not in the trash."""
    return collapsed_runs(data.findings(tuple(trained.id)), data.contents().sheets)


def show(table: pd.DataFrame, names: Mapping[str, str], chosen: Sequence[str]) -> None:
    """List the runs, the chosen ones marked; a click on a row chooses its run on this page and on all others."""
    st.header("All runs with a collapse", anchor=False)
    if table.empty:
        st.info("No emotion collapsed in any run of this registry.")
        return
    listed_runs.show(
        table.assign(name=[names[run_id] for run_id in table.run_id]),
        COLUMNS,
        key="collapsed runs",
        label="Runs in which an emotion collapsed, with the epoch and the emotions",
        chosen=chosen,
        on_choose=lambda run_id: choose.choose_runs([run_id]),
    )
    st.caption(f"A click on a row shows above what happened in that run; {listed_runs.BY_KEYBOARD}.")
