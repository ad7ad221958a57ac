"""Does a training converge? FID over its evaluations, seed by seed: drift, progress, jumps beyond the judge's noise.

Everything is in logarithms of FID, so that a difference is a ratio. A quarter is a quarter of the evaluations, and
running means are over a quarter. A training that converges stays at its best FID. It has not converged where it moves
away from its best, where FID still falls (which is not divergence: the training was too short to tell), or where FID
jumps.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from fergan_core.analysis.claims.claim import SCORES, Verdict
from fergan_core.analysis.claims.study import LEAST, Pool, Study, counted, pool, untold
from fergan_core.analysis.t_intervals import TInterval, mean_interval

EVALUATIONS = 12  # below which quarters are too short
REST = 0.05  # relative change below which FID counts as settled
_LIMIT = float(np.log1p(REST))
# The median absolute difference of two independent standard normal numbers.
_CHANGE = 0.6744897501960817 * float(np.sqrt(2))
_KEY = "convergence"


@dataclass(frozen=True)
class Settling:
    """How one training ends, in logarithms of FID.

    `drift`: the last quarter's mean less the lowest mean of the quarter-long windows before it, less what choosing the
    lowest yields by chance. `fall`: the third quarter's mean less the last one's. `swing`: the median absolute change
    from one evaluation to the next in the second half; `noise`: how much of it the sampling of faces explains,
    according to the scores' intervals, NaN where there are none.
    """

    drift: float
    fall: float
    swing: float
    noise: float

    @property
    def excess(self) -> float:
        """Return swing squared less noise squared, which may be negative; swing squared where the noise is unknown."""
        return self.swing**2 - (0.0 if np.isnan(self.noise) else self.noise**2)


def settling(fid: ArrayLike, low: ArrayLike, high: ArrayLike) -> Settling:
    """Return how a series of EVALUATIONS or more FIDs ends; `low` and `high` are their 95 % intervals' ends, or NaN."""
    logs = np.log(np.asarray(fid, dtype=float))
    count, width = len(logs), len(logs) // 4
    means = sliding_window_view(logs, width).mean(axis=1)
    earlier, last = means[:-width], means[-1]
    late = slice(count // 2, None)
    swing = float(np.median(np.abs(np.diff(logs[late]))))
    ends = np.stack([np.asarray(low, dtype=float), np.asarray(high, dtype=float)])[:, late]
    intervals = ends[:, (ends > 0).all(axis=0)]
    noise = _CHANGE * float(np.median(np.diff(np.log(intervals), axis=0))) / 3.92 if intervals.size else float("nan")
    drift = float(last - earlier.min()) - swing / _CHANGE * _luck(count, width)
    return Settling(drift, float(means[-1 - width] - last), swing, noise)


@lru_cache(maxsize=64)
def _luck(count: int, width: int) -> float:
    """Return the mean uncorrected drift of `count` independent standard normal numbers, by 4,000 simulations.

    The lowest of many windows lies below their mean by chance alone: uncorrected, a settled FID would seem to drift.
    """
    means = sliding_window_view(np.random.default_rng(0).standard_normal((4_000, count)), width, axis=1).mean(axis=2)
    return float((means[:, -1] - means[:, :-width].min(axis=1)).mean())


def convergence(study: Study) -> Verdict:
    """Return the verdict on 'GANs do not converge': whether FID settles in the runs of one recipe.

    By means over the seeds with t intervals. The claim holds where the drift or the unexplained swing is above REST,
    or most runs broke off; it cannot be told where FID still falls; it does not hold where drift, fall and swing are
    below REST and no run broke off.
    """
    pooled = pool(study, SCORES["fid"], setting=(), evaluations=EVALUATIONS)
    if pooled is None:
        return untold(study, _KEY)
    broken, ended = len(pooled.broken), len(pooled.runs)
    if ended >= LEAST and broken > ended / 2:
        return pooled.verdict(
            _KEY, "holds", f"Most trainings do not finish: {broken} of {counted(ended, 'run')} broke off.",
            smallest=ended, table=_table(pooled),
        )  # fmt: skip
    endings = [settling(rows["value"], rows["low"], rows["high"]) for _, rows in pooled.scores.groupby("run_id")]
    if len(endings) < LEAST:
        sentence = (
            f"This takes at least {LEAST} seeds with at least {EVALUATIONS} evaluations; the study has {len(endings)}."
        )
        return pooled.verdict(_KEY, "cannot tell", sentence, table=_table(pooled))
    return _of_seeds(pooled, endings, broken)


def _of_seeds(pooled: Pool, endings: list[Settling], broken: int) -> Verdict:
    drift, fall, excess = (
        mean_interval([getattr(ending, name) for ending in endings]) for name in ("drift", "fall", "excess")
    )
    swing, noise = (float(np.mean([getattr(ending, name) for ending in endings])) for name in ("swing", "noise"))
    best = f"after allowing for chance, FID in the last quarter is {_times(drift)} that of the best earlier quarter"
    down = f"it falls by {_percents(fall)} per quarter"
    explained = (
        "how much of this is the judge's noise is unknown"
        if np.isnan(noise)
        else f"the judge's noise alone accounts for {np.expm1(noise):.1%}"
    )
    jumps = f"from one evaluation to the next it changes by {np.expm1(swing):.1%} ({explained})"
    excluded = (
        f" {broken} of {counted(len(pooled.runs), 'run')} broke off; the numbers are the others'." if broken else ""
    )
    ratio = (float(np.exp(drift.low)), float(np.exp(drift.high)))
    of_drift, table = "FID of the last quarter divided by that of the best earlier quarter", _table(pooled)
    if drift.low > _LIMIT:
        return pooled.verdict(
            _KEY, "holds", f"It moves away from its best: {best}.{excluded}",
            smallest=len(endings), interval=ratio, of=of_drift, table=table,
        )  # fmt: skip
    if fall.low > _LIMIT:
        return pooled.verdict(
            _KEY, "cannot tell", f"It is still improving, which is not divergence: FID falls by {_percents(fall)} per "
            f"quarter, and a longer training may settle.{excluded}",
            smallest=len(endings), interval=_shares(fall)[1:], of="decrease of FID from the third quarter to the last",
            table=table,
        )  # fmt: skip
    if excess.low > _LIMIT**2 and not np.isnan(noise):
        return pooled.verdict(
            _KEY, "holds", f"It does not settle: {best}, but {jumps}.{excluded}",
            smallest=len(endings), interval=(_jump(excess.low), _jump(excess.high)),
            of="change of FID between evaluations that the judge's noise does not explain", table=table,
        )  # fmt: skip
    settled = drift.high < _LIMIT and fall.high < _LIMIT and excess.high < _LIMIT**2 and not broken
    begin = "It settles" if settled else f"It is unclear whether it settles to within {REST:.0%}"
    return pooled.verdict(
        _KEY, "does not hold" if settled else "cannot tell", f"{begin}: {best}, {down}, and {jumps}.{excluded}",
        smallest=len(endings), interval=ratio, of=of_drift, table=table,
    )  # fmt: skip


def _table(pooled: Pool) -> pd.DataFrame:
    """Return the figure's table: run_id, seed, epoch, value, real, and `mean`, the running mean over a quarter."""
    parts = [pooled.scores.iloc[:0].assign(mean=[])]
    for _, rows in pooled.scores.groupby("run_id"):
        means = np.log(rows["value"]).rolling(max(1, len(rows) // 4)).mean()
        parts.append(rows.assign(mean=np.exp(means)))
    return pd.concat(parts)[["run_id", "seed", "epoch", "value", "mean", "real"]].reset_index(drop=True)


def _times(logs: TInterval) -> str:
    value, low, high = np.exp(logs[:3])
    return f"{value:.2f} times (95 % interval {low:.2f} to {high:.2f})"


def _shares(fall: TInterval) -> tuple[float, float, float]:
    """Return a fall in logarithms, and its interval, as shares of what it falls from."""
    value, low, high = -np.expm1(-np.asarray(fall[:3]))
    return float(value), float(low), float(high)


def _percents(fall: TInterval) -> str:
    value, low, high = _shares(fall)
    return f"{value:.1%} (95 % interval {low:.1%} to {high:.1%})"


def _jump(excess: float) -> float:
    """Return a squared change of log FID as a relative change of FID; 0 where it is negative."""
    return float(np.expm1(np.sqrt(max(0.0, excess))))
