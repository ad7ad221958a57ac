"""The alarms of runs: the findings of that severity, and runs that broke off without one."""

import pandas as pd

BROKE_OFF = ("diverged", "failed")  # on their own account; an interrupted or crashed run was ended from outside

COLUMNS = ["run_id", "kind", "emotion", "step", "until", "epoch"]


def alarms(runs: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """Return the runs' alarms in order of their steps.

    `runs` has columns id, status, step, epoch; `findings` run_id, kind, severity, step, epoch, numbers. Columns of the
    result: run_id, kind, emotion ('' where it concerns no single one), step, until (the last step known to be
    affected), epoch. A run that broke off without an alarm gets one at its last step; its kind is the status.
    """
    alarm_rows = findings[(findings["severity"] == "alarm") & findings["run_id"].isin(runs["id"])]
    broken = runs[runs["status"].isin(BROKE_OFF) & ~runs["id"].isin(alarm_rows["run_id"])]
    rows = [
        (run_id, kind, numbers.get("emotion", ""), step, numbers.get("until", step), epoch)
        for run_id, kind, step, epoch, numbers in alarm_rows[["run_id", "kind", "step", "epoch", "numbers"]].to_numpy()
    ]
    rows += [
        (run_id, status, "", step, step, epoch)
        for run_id, status, step, epoch in broken[["id", "status", "step", "epoch"]].to_numpy()
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"step": int, "until": int, "epoch": int})
    return table.sort_values("step", kind="stable", ignore_index=True)
