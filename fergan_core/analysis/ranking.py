"""Which checkpoint scores best, and which pairs of checkpoints two judges put in opposite orders.

All functions take the registry's score table: run_id, run_name, epoch, step, judge, judge_sha256, count, prior, seed,
truncation, metric, emotion, value, low, high, real.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from fergan_core.protocols import BESIDE_JUDGE, filled, once

Better = Literal["higher", "lower", "real"]

_CHECKPOINT = ["run_id", "run_name", "epoch", "step"]
_JUDGE = ["judge", "judge_sha256"]
_OF_A, _OF_B = "_a", "_b"
_BY_1, _BY_2 = "_1", "_2"


@dataclass(frozen=True)
class Best:
    """The best row of a score table and the next best (None where it is alone), as dicts of the table's columns.

    `apart` tells whether their intervals are disjoint; None where one has no interval.
    """

    first: dict[str, Any]
    second: dict[str, Any] | None
    apart: bool | None


def judge_disagreements(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """List the pairs of checkpoints, a and b, that two judges under the same protocol put in opposite orders.

    Columns: run_id_a, run_name_a, epoch_a, step_a and the same of b, the protocol's, judge_1, judge_sha256_1,
    value_a_1, value_b_1 and the same of judge 2, and `clear`: by both judges the two intervals are disjoint.
    """
    return _disputed(_pairs(scores, metric))


def judge_disagreements_of_runs(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """List such pairs of different runs, each at the last epoch at which two judges scored both runs."""
    pairs = _pairs(scores, metric)
    pairs = pairs[(pairs.run_id_a != pairs.run_id_b) & (pairs.epoch_a == pairs.epoch_b)]
    runs = ["run_id_a", "run_id_b", *BESIDE_JUDGE]
    judges = pairs.groupby([*runs, "epoch_a"], dropna=False).judge_sha256.transform("nunique")
    common = pairs[judges > 1]
    return _disputed(common[common.epoch_a == common.groupby(runs, dropna=False).epoch_a.transform("max")])


def best(scores: pd.DataFrame, metric: str, better: Better, emotion: str | None = None) -> Best | None:
    """Return the best and the next best checkpoint of one protocol's scores; None where no row can be ranked.

    `better` 'real' ranks by the distance from real faces' value, so rows without one are left out.
    """
    rows = _rows(scores, metric, emotion)
    if better == "real":
        rows = rows.dropna(subset=["real"])
    rows = rows.assign(merit=_merit(rows, better)).sort_values("merit", ascending=False, kind="stable")
    if rows.empty:
        return None
    ends = _merit_ends(rows, better)
    ranked = [{str(name): value for name, value in row.items()} for row in rows[scores.columns].to_dict("records")[:2]]
    if len(ranked) < 2:
        return Best(ranked[0], None, None)
    lowest_of_first, highest_of_second = ends[0].iloc[0], ends[1].iloc[1]
    comparable = not (np.isnan(lowest_of_first) or np.isnan(highest_of_second))
    return Best(ranked[0], ranked[1], bool(lowest_of_first > highest_of_second) if comparable else None)


def _rows(scores: pd.DataFrame, metric: str, emotion: str | None) -> pd.DataFrame:
    of_emotion = scores.emotion.isna() if emotion is None else scores.emotion == emotion
    return filled(once(scores[(scores.metric == metric) & of_emotion].dropna(subset=["value"])))


def _pairs(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Put every two checkpoints beside each other, a before b, once for each judge and protocol that scored both."""
    rows = _rows(scores, metric, None)[[*_CHECKPOINT, *_JUDGE, *BESIDE_JUDGE, "value", "low", "high"]]
    pairs = rows.merge(rows, on=[*_JUDGE, *BESIDE_JUDGE], suffixes=(_OF_A, _OF_B))
    same_run = pairs.run_id_a == pairs.run_id_b
    return pairs[(pairs.run_id_a < pairs.run_id_b) | (same_run & (pairs.step_a < pairs.step_b))]


def _disputed(pairs: pd.DataFrame) -> pd.DataFrame:
    """Keep the pairs in whose order two judges differ, a row two judges."""
    pair_columns = [name + side for side in (_OF_A, _OF_B) for name in _CHECKPOINT]
    apart = (pairs.low_a > pairs.high_b) | (pairs.high_a < pairs.low_b)
    rows = pairs[[*pair_columns, *BESIDE_JUDGE, *_JUDGE, "value_a", "value_b"]].assign(apart=apart)
    twice = rows.merge(rows, on=[*pair_columns, *BESIDE_JUDGE], suffixes=(_BY_1, _BY_2))
    # Of (1, 2) and (2, 1), one.
    twice = twice[(twice.judge_1 + twice.judge_sha256_1) < (twice.judge_2 + twice.judge_sha256_2)]
    disputed = twice[(twice.value_a_1 - twice.value_b_1) * (twice.value_a_2 - twice.value_b_2) < 0]
    clear = disputed.apart_1 & disputed.apart_2
    return disputed.drop(columns=["apart_1", "apart_2"]).assign(clear=clear).reset_index(drop=True)


def _merit(rows: pd.DataFrame, better: Better) -> pd.Series:
    """Return a number that is the higher, the better a row is."""
    if better == "higher":
        return rows.value
    return -rows.value if better == "lower" else -(rows.value - rows.real).abs()


def _merit_ends(rows: pd.DataFrame, better: Better) -> tuple[pd.Series, pd.Series]:
    """Return the lower and the upper end of each row's merit; NaN where it has no interval."""
    if better == "higher":
        return rows.low, rows.high
    if better == "lower":
        return -rows.high, -rows.low
    ends = pd.concat([(rows.low - rows.real).abs(), (rows.high - rows.real).abs()], axis=1)
    inside = (rows.low <= rows.real) & (rows.real <= rows.high)
    return -ends.max(axis=1, skipna=False), -ends.min(axis=1, skipna=False).mask(inside, 0.0)
