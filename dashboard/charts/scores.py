"""Scores -> the Inception Score over the epochs, and accuracy emotion by emotion; pure functions of tables.

All take the registry's score table: run_id, run_name, epoch, judge, judge_sha256, count, prior, seed, truncation,
metric, emotion, value, low, high, real.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from dashboard.charts.curves import Line, reference
from dashboard.charts.lines import without_number
from dashboard.charts.palette import FAINT_INK
from fergan_core.emotions import EMOTIONS
from fergan_core.protocols import by_words, words

# One quantity in three readings: the mean KL divergence of p(y|x) from p(y) over K emotions.
READINGS: dict[str, str] = {
    "is": "IS = exp(KL)",
    "kl_nats": "KL in nats",
    "kl_ratio": "KL / ln K",
}

# One a line of real faces.
_REAL_DASHES = ("dash", "dot", "dashdot")


def inception_lines(
    scores: pd.DataFrame, reading: str, colours: Mapping[str, str], literature: Collection[str], x: pd.Series
) -> dict[str, Line]:
    """Return one reading's curves by the run's id, each with its interval's band, from scores of one protocol a run.

    `x` is where each row of the scores stands, by the table's index, NaN where that is unknown; `colours` are by run
    id. Runs in `literature` are drawn as points alone: their judge is not known.
    """
    chosen = scores[scores.metric == reading].assign(x=x).dropna(subset=["x"]).sort_values("x", kind="stable")
    differing = _what_differs(chosen[~chosen.run_id.isin(literature)])
    found: dict[str, Line] = {}
    for key, rows in chosen.groupby("run_id", sort=False):
        run_id = str(key)
        name = str(rows.run_name.iloc[0])
        if different := differing.get(words(rows.iloc[0])):
            name += f" ({different})"
        points = rows[["x", "value", "low", "high"]].astype(float).reset_index(drop=True)
        found[run_id] = Line(
            name + without_number(points["value"], "epochs"),
            colours[run_id],
            points.assign(mean=points["value"], runs=1),
            kind="points" if run_id in literature else "curve",
        )
    return found


def real_lines(scores: pd.DataFrame, reading: str) -> list[Line]:
    """Return the real images' value, of each judge and wherever else it differs."""
    with_real = scores[scores.metric == reading].dropna(subset=["real"])
    groups = with_real.assign(real=with_real.real.round(4)).groupby(["judge", "judge_sha256", "real"], sort=False)
    judges = with_real.judge_sha256.nunique()
    found = []
    for place, ((judge, _, _), rows) in enumerate(groups):
        # By one judge it differs where runs learned other emotions or were scored under another prior.
        runs = list(rows.run_name.unique())
        whose = [str(judge)] if judges > 1 else []
        if len(groups) > judges:
            whose.append(runs[0] if len(runs) == 1 else f"{len(runs)} runs")
        value = float(rows.real.iloc[0])
        name = f"real faces {value:.2f}" + (f" ({', '.join(whose)})" if whose else "")
        found.append(reference(name, FAINT_INK, value, _REAL_DASHES[place % len(_REAL_DASHES)]))
    return found


def _what_differs(scores: pd.DataFrame) -> dict[str, str]:
    """Return by protocol in words those words that not all the protocols of a table share."""
    parts = {protocol: protocol.split(", ") for protocol in by_words(scores)}
    shared = set.intersection(*map(set, parts.values())) if parts else set()
    return {
        protocol: ", ".join(word for word in its_words if word not in shared) for protocol, its_words in parts.items()
    }


def emotion_lines(scores: pd.DataFrame, colours: Mapping[str, str], x: pd.Series) -> dict[str, list[Line]]:
    """Return by emotion how many faces that were asked to show it the judge reads as it: a curve a run, and real faces.

    `x` and `colours` are as for the large chart, of whose legend this one then needs no copy.
    """
    needed = ["run_id", "run_name", "emotion", "value", "real"]
    chosen = scores.loc[(scores.metric == "accuracy") & scores.emotion.notna(), needed]
    chosen = chosen.assign(x=x).dropna(subset=["x"]).sort_values("x", kind="stable")
    charts: dict[str, list[Line]] = {}
    for emotion in EMOTIONS:
        of_emotion = chosen[chosen.emotion == emotion]
        if of_emotion.empty:
            continue
        real = sorted(of_emotion.real.dropna().round(4).unique())
        charts[emotion] = [reference(f"real faces {value:.0%}", FAINT_INK, float(value), "dash") for value in real]
        for run_id, rows in of_emotion.groupby("run_id", sort=False):
            value = rows["value"].to_numpy(float)
            columns = {"x": rows["x"].to_numpy(float), "value": value, "mean": value, "low": np.nan, "high": np.nan}
            points = pd.DataFrame({**columns, "runs": 1})
            charts[emotion].append(Line(str(rows.run_name.iloc[0]), colours[str(run_id)], points))
    return charts


def by_judge(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Take scores apart by judge, named with its weights' hash where two of them share the name."""
    rows = scores.groupby(["judge", "judge_sha256"])
    weights = scores.groupby("judge").judge_sha256.nunique().to_dict()
    return {
        str(judge) if weights[judge] == 1 else f"{judge} ({str(sha256)[:8]})": of_judge
        for (judge, sha256), of_judge in rows
    }
