"""The birthday test: how soon does a generator repeat itself (Arora & Zhang 2017, arXiv:1706.08224)?

Among s faces drawn evenly from n different ones, s(s-1)/(2n) pairs are expected to be the same face. Two faces count
as the same, as duplicates, where their features are closer than almost all real faces are to any other.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics import intervals
from fergan_core.metrics.checks import checked_features
from fergan_core.metrics.distances import Keys, nearest

QUANTILE = 0.01


@dataclass(frozen=True)
class Duplicates:
    """How far faces repeat each other.

    share      of faces that have a duplicate in the set: 0 to 1, lower is better
    pairs      of duplicates, of M(M-1)/2
    support    number of different faces that would give as many pairs, M(M-1)/(2 pairs); higher is better. With no
               pair it is M(M-1)/2, what one pair gives: read it as `more than`
    """

    share: float
    pairs: int
    support: float


def duplicate_threshold(real: Tensor) -> float:
    """Return the distance below which two faces are duplicates, from real features [N,D], best of the training faces.

    It is the 1 % quantile of the distance from each different face to its nearest: repeated faces are taken once, so
    that exact duplicates in the data do not make it 0. It shrinks as N grows: keep one reference for all scores.
    Raises UsageError for fewer than 2 different faces.
    """
    (real,) = checked_features("duplicates", real)
    different = torch.unique(real, dim=0)
    if len(different) < 2:
        raise UsageError(f"duplicates: the {len(real)} real faces are all the same; give 2 or more different ones")
    return float(torch.quantile(nearest(different, different, 1, exclude_self=True)[0], QUANTILE))


def duplicates(fake: Tensor, threshold: float) -> Duplicates:
    """Count duplicates among fake [M,D], no farther apart than `threshold` > 0.

    Real faces as many, by the same threshold, are what to compare with: real data holds duplicates of its own, and the
    share rises with M.
    """
    (fake,) = checked_features("duplicates", fake)
    if not 0 < threshold < torch.inf:
        raise UsageError(f"duplicates: the threshold is {threshold}; give a distance above 0, as of real faces")
    found = torch.zeros(len(fake), dtype=torch.int64)
    space, squared = Keys(fake), torch.full((len(fake),), threshold**2, dtype=torch.float64)
    for chunk in space.chunks(fake):
        near = space.in_balls_of_queries(chunk, squared[chunk.rows])
        close = near.within(squared[near.keys]) & (near.queries + chunk.rows.start != near.keys)
        found[chunk.rows] = near.queries[close].bincount(minlength=len(chunk.queries))
    pairs = int(found.sum()) // 2
    return Duplicates(
        share=float((found > 0).double().mean()),
        pairs=pairs,
        support=len(fake) * (len(fake) - 1) / (2 * max(1, pairs)),
    )


def interval_of_share(share: float, faces: int) -> intervals.Interval:
    """Return a share of `faces` that have duplicates with its 95 % interval: that of a share of half as many trials.

    Duplicates come in pairs. A jackknife would say that of faces without a pair none can ever be found.
    """
    return intervals.interval_of_share(share, faces / 2)
