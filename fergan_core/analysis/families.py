"""Correction for multiple comparisons: of many verdicts some would come out by chance alone.

A family is all verdicts that one page or command shows at once, of whatever pairs and scores: a reader of the list
looks for those that say something.
"""

from collections.abc import Sequence

import numpy as np

LEVEL = 0.05  # probability that a family in which nothing differs has a verdict that says otherwise


def levels(p_values: Sequence[float]) -> list[float]:
    """Return the level at which each comparison of a family is tested, from their p-values in any order.

    Holm's procedure (1979, Scand. J. Statist. 6:65): of m, the smallest p is tested at LEVEL / m, the next at
    LEVEL / (m - 1), until one is not rejected; all that follow have its level. An interval of confidence 1 - level then
    excludes 'no difference' exactly where Holm's procedure rejects it, and covers the truth at least 95 % of the time.
    """
    if not len(p_values):
        return []
    # Not by statsmodels, which takes a second to import and at each call collects the garbage of the whole process.
    values = np.asarray(p_values, dtype=float)
    each = LEVEL / np.arange(len(values), 0, -1)
    kept = ~(np.sort(values) <= each)
    rejected = int(kept.argmax()) if kept.any() else len(values)
    ranks = values.argsort(kind="stable").argsort(kind="stable")
    return [float(level) for level in LEVEL / (len(values) - np.minimum(ranks, rejected))]


def corrected(count: int) -> str:
    """Say that so many verdicts were corrected for their number; '' for a single one."""
    if count < 2:
        return ""
    return (
        f"These are {count} comparisons at once. So that all of them together raise a false alarm at most 5 times in "
        "100, verdicts and intervals are corrected for their number (Holm's procedure): the more comparisons, the "
        "wider the intervals."
    )
