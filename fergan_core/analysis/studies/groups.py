"""Two groups of runs, seeds of two recipes: is their difference more than the seeds'?

Skewed scores such as FID, and shares, are compared on a scale of their own (`analysis.scales`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import gammaln
from scipy.stats import t as student

from fergan_core.analysis.families import LEVEL, levels
from fergan_core.analysis.scales import PLAIN, Kind, Scale, apart, turned_back
from fergan_core.analysis.t_intervals import difference_interval, varies
from fergan_core.errors import UsageError

ENOUGH = 5  # runs a group below which nothing is more than suggested
_POWER = 0.8
_MOST = 1000

Verdict = Literal["shows", "suggests", "cannot tell"]


@dataclass(frozen=True)
class Difference:
    """The second group's mean less the first one's, with its interval by Welch's t.

    The test and `effect` are on the scale `kind`. Where it is 'ratio', means are geometric, and `difference`, `low` and
    `high` are of the second mean divided by the first; where it is 'share', all are of log odds, turned back into
    shares. The interval is a 95 % one, or wider in a family (see `family`); `p` is
    the test's p-value, 1 where neither group varies. `effect` is Hedges' g, the difference in pooled standard
    deviations (Hedges 1981, eq. 6), NaN where neither varies; `needed` how many runs each group needs in all for a
    difference of this size to be shown four times out of five, None where it is shown, or where 1,000 are too few (a
    difference that few runs told of is likely smaller: read it as a least number); `verdict` 'shows' where the interval
    leaves 'no difference' out and both groups have ENOUGH runs. Where neither group varies nothing can be told: these
    are not runs of different seeds.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    effect: float
    verdict: Verdict
    needed: int | None
    kind: Kind
    p: float


def family(pairs: Sequence[tuple[Sequence[float], Sequence[float], Scale]]) -> list[Difference]:
    """Compare scores of two groups that are read together, each as `compare`'s arguments; corrected for their number.

    `needed` is for the score alone, without the others.
    """
    uncorrected = [compare(*pair) for pair in pairs]
    corrected_levels = levels([difference.p for difference in uncorrected])
    return [
        replace(compare(*pair, level=level), needed=difference.needed)
        for pair, difference, level in zip(pairs, uncorrected, corrected_levels, strict=True)
    ]


def compare(
    first: Sequence[float], second: Sequence[float], scale: Scale = PLAIN, *, level: float = LEVEL
) -> Difference:
    """Compare a score of two groups of runs; UsageError for fewer than 2 runs in one, or a score that is not a number.

    `scale` is asked for, and not taken where it cannot be had. The interval's confidence is 1 - `level`.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if min(len(a), len(b)) < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise UsageError(f"comparison: groups of {len(a)} and {len(b)} runs; give two or more each, all with the score")
    kind, (a, b) = scale.applied(first, second)
    difference, low, high, p = difference_interval(a, b, level)
    differs = (varies(a) or varies(b)) and (low > 0 or high < 0)
    enough = min(len(a), len(b)) >= ENOUGH
    verdict: Verdict = "cannot tell" if not differs else "shows" if enough else "suggests"
    needed = None if verdict == "shows" else _needed(a, b, difference)
    means = (float(a.mean()), float(b.mean()))
    one, other = (turned_back(kind, mean) for mean in means)
    by, least, most = (apart(kind, means, value) for value in (difference, low, high))
    return Difference(one, other, by, least, most, _hedges(a, b), verdict, needed, kind, p)


def _hedges(a: np.ndarray, b: np.ndarray) -> float:
    freedom = len(a) + len(b) - 2
    if not varies(a) and not varies(b):
        return math.nan
    pooled = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / freedom)
    # Exact, by gamma functions: the usual 1 - 3/(4m - 1) is near it only.
    unbiased = math.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    return float((b.mean() - a.mean()) / pooled * unbiased)


def _needed(a: np.ndarray, b: np.ndarray, difference: float) -> int | None:
    """Return the least number of runs a group by which such means and spreads are told apart with _POWER."""
    if not varies(a) and not varies(b):
        return None
    of_a, of_b = float(a.var(ddof=1)), float(b.var(ddof=1))
    least = max(ENOUGH, min(len(a), len(b)) + (min(len(a), len(b)) >= ENOUGH))
    counts = np.arange(least, _MOST)
    freedom = (counts - 1) * (of_a + of_b) ** 2 / (of_a**2 + of_b**2)
    reach = student.isf(LEVEL / 2, freedom) + student.ppf(_POWER, freedom)
    sufficient = abs(difference) >= reach * np.sqrt((of_a + of_b) / counts)
    return int(counts[sufficient.argmax()]) if sufficient.any() else None
