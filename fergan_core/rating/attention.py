"""Who may not have attended: people are flagged, with the reason, and their answers stay among the results."""

import pandas as pd

TOO_FAST_MS = 200  # a median below is faster than people react to a choice of two
MOST_FAILED = 1 / 3  # of the checks with one right answer
_LEAST_CHECKS = 2


def people(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each person: rater, answers, unanswered (shown, but left before an answer), checks, failed,
    repeats, same (repeats answered as before), median_ms, and `reasons`, a sentence or ''.

    Flagged is who fails more than a third of two checks or more, or takes less than 200 ms a face in the median.
    Repeats flag nobody: who cannot tell real from generated faces answers half of them otherwise than before.
    """
    rows = []
    for rater, shown in ratings.groupby("rater", sort=False):
        answered = shown[shown["answer"].notna()]
        judged = answered[~answered["practice"].astype(bool)]
        noise = judged[judged["check"] == "noise"]
        failed = int((noise["answer"] != noise["expected"]).sum())
        repeats, same = _repeats(judged)
        counted = judged[judged["check"] == ""]
        median = float(counted["response_ms"].median()) if len(counted) else float("nan")
        row = {"rater": rater, "answers": len(counted), "unanswered": int(shown["answer"].isna().sum())}
        row |= {"checks": len(noise), "failed": failed, "repeats": repeats, "same": same, "median_ms": median}
        rows.append({**row, "reasons": _reasons(len(noise), failed, median)})
    columns = ["rater", "answers", "unanswered", "checks", "failed", "repeats", "same", "median_ms", "reasons"]
    return pd.DataFrame(rows, columns=columns)


def _repeats(judged: pd.DataFrame) -> tuple[int, int]:
    """Return how many faces came again and were answered both times, and how many of them in the same way."""
    first = judged[judged["check"] == ""]
    before = {(row["task"], tuple(row["items"])): row["answer"] for row in first.to_dict("records")}
    again = [
        (before[key], row["answer"])
        for row in judged[judged["check"] == "repeat"].to_dict("records")
        if (key := (row["task"], tuple(row["items"]))) in before
    ]
    return len(again), sum(bool(one == other) for one, other in again)


def _reasons(checks: int, failed: int, median_ms: float) -> str:
    reasons = []
    if checks >= _LEAST_CHECKS and failed / checks > MOST_FAILED:
        reasons.append(f"failed {failed} of {checks} attention checks")
    if median_ms < TOO_FAST_MS:
        reasons.append(f"answered in {median_ms:.0f} ms in the median")
    return "; ".join(reasons)
