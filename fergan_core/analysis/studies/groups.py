"""Two groups of runs, such as seeds of two recipes: do they differ by more than their seeds do?

Skewed scores such as FID, and shares, are compared on a scale of their own (`analysis.scales`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy

from fergan_core.analysis.families import LEVEL, levels
from fergan_core.analysis.scales import PLAIN, Kind, Scale, apart, turned_back
from fergan_core.analysis.t_intervals import difference_interval, varies
from fergan_core.errors import UsageError

ENOUGH = 5  # runs per group, below which a difference is only suggested
_POWER = 0.8
_MOST_RUNS = 1000

Verdict = Literal["shows", "suggests", "cannot tell"]


@dataclass(frozen=True)
class Difference:
    """The second group's mean less the first one's, with its interval by Welch's t test.

    The test and `effect` are on the scale `kind`. For 'ratio', means are geometric, and `difference`, `low` and `high`
    are the second mean divided by the first; for 'share', all are of log odds, turned back into shares. The interval
    is a 95 % one, or wider in a family (see `family`); `p` is the test's p-value.

    `verdict` is 'shows' where the interval excludes 'no difference' and both groups have ENOUGH runs. `effect` is
    Hedges' g, the difference in pooled standard deviations (Hedges 1981, eq. 6). `needed` is the number of runs that
    each group would need for a difference of this size to be shown four times out of five, None where it is shown or
    1,000 runs are too few; a difference found in few runs tends to be overestimated, so read it as a lower bound.

    Where neither group varies the verdict is 'cannot tell', `p` is 1 and `effect` NaN: these are not independent runs.
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
    """Compare two groups by several scores as one family, corrected for their number; of each `compare`'s arguments.

    `needed` is for each score alone, uncorrected.
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
    """Compare two groups of runs by a score; the interval's confidence is 1 - `level`.

    Where the scores cannot be put on `scale` they are compared as they are. Raises UsageError for fewer than 2 runs in
    a group, or a score that is not finite.
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
    first_mean, second_mean = (turned_back(kind, mean) for mean in means)
    difference, low, high = (apart(kind, means, value) for value in (difference, low, high))
    return Difference(first_mean, second_mean, difference, low, high, _hedges(a, b), verdict, needed, kind, p)


def _hedges(a: np.ndarray, b: np.ndarray) -> float:
    freedom = len(a) + len(b) - 2
    if not varies(a) and not varies(b):
        return math.nan
    pooled = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / freedom)
    # The exact factor, by gamma functions; the usual 1 - 3/(4m - 1) approximates it.
    unbiased = math.exp(math.lgamma(freedom / 2) - math.lgamma((freedom - 1) / 2)) / math.sqrt(freedom / 2)
    return float((b.mean() - a.mean()) / pooled * unbiased)


def _needed(a: np.ndarray, b: np.ndarray, difference: float) -> int | None:
    """Return the smallest number of runs per group by which such means and spreads are told apart with _POWER."""
    if not varies(a) and not varies(b):
        return None
    variance_a, variance_b = float(a.var(ddof=1)), float(b.var(ddof=1))
    smaller = min(len(a), len(b))
    fewest = smaller + 1 if smaller >= ENOUGH else ENOUGH
    counts = np.arange(fewest, _MOST_RUNS)
    freedom = (counts - 1) * (variance_a + variance_b) ** 2 / (variance_a**2 + variance_b**2)
    # The difference needed, in standard errors.
    errors = scipy.stats.t.isf(LEVEL / 2, freedom) + scipy.stats.t.ppf(_POWER, freedom)
    sufficient = abs(difference) >= errors * np.sqrt((variance_a + variance_b) / counts)
    return int(counts[sufficient.argmax()]) if sufficient.any() else None
