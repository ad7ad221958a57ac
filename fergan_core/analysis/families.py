"""Verdicts that are read together: the more there are, the surer some of them must be, or chance alone finds one.

A family is all verdicts that one page or command shows at once, whatever pairs and scores they are of: whoever reads
the list looks for the one that says something.
"""

from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests

LEVEL = 0.05  # how often a family in which nothing differs may have a verdict that says otherwise


def levels(p_values: Sequence[float]) -> list[float]:
    """Return the level at which each comparison of a family is tested, from their p-values in any order.

    By Holm's procedure (1979, Scand. J. Statist. 6:65): of m, the least p is tested at LEVEL / m, the next at
    LEVEL / (m - 1), until one fails; all others have that one's level. So an interval of confidence 1 - level leaves
    out 'no difference' exactly where Holm's procedure rejects it, and each holds the truth 95 times in 100 or more.
    """
    if not len(p_values):
        return []
    values = np.asarray(p_values, dtype=float)
    rejected = multipletests(values, LEVEL, method="holm")[0]
    ranks = values.argsort(kind="stable").argsort(kind="stable")
    return [float(level) for level in LEVEL / (len(values) - np.minimum(ranks, rejected.sum()))]


def corrected(count: int) -> str:
    """Say in words what a family of so many verdicts was corrected for; '' for a single one."""
    if count < 2:
        return ""
    return (
        f"{count} comparisons are read here at once. So that all of them together raise a false alarm at most 5 times "
        "in 100, verdicts and intervals are corrected for their number (Holm): the more are shown, the wider are the "
        "intervals."
    )
