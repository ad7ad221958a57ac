"""The birthday test: how many of its faces does a generator repeat (Arora & Zhang 2017, arXiv:1706.08224)?

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
    """Return the distance below which two faces are duplicates, from real features [N,D], ideally training faces'.

    It is the 1 % quantile of the distance from each distinct face to its nearest: repeated faces count once, so
    that exact duplicates in the data do not make it 0. It shrinks as N grows: use one reference for all scores.
    Raises UsageError for fewer than 2 different faces.
    """
    (real,) = checked_features("duplicates", real)
    different = torch.unique(real, dim=0)
    if len(different) < 2:
        raise UsageError(f"duplicates: the {len(real)} real faces are all the same; give 2 or more different ones")
    return float(torch.quantile(nearest(different, different, 1, exclude_self=True)[0], QUANTILE))


def duplicates(fake: Tensor, threshold: float) -> Duplicates:
    """Count duplicates among fake [M,D], no farther apart than `threshold` > 0.

    Compare with the same number of real faces by the same threshold: real data has duplicates too, and the share rises
    with M. Raises UsageError for a threshold that is not above 0 and finite.
    """
    (fake,) = checked_features("duplicates", fake)
    if not 0 < threshold < torch.inf:
        raise UsageError(f"duplicates: the threshold is {threshold}; give a distance above 0, as of real faces")
    duplicate_counts = torch.zeros(len(fake), dtype=torch.int64)
    space, squared = Keys(fake), torch.full((len(fake),), threshold**2, dtype=torch.float64)
    for chunk in space.chunks(fake):
        pairs_near = space.in_balls_of_queries(chunk, squared[chunk.rows])
        different = pairs_near.queries + chunk.rows.start != pairs_near.keys
        duplicate = pairs_near.within(squared[pairs_near.keys]) & different
        duplicate_counts[chunk.rows] = pairs_near.queries[duplicate].bincount(minlength=len(chunk.queries))
    pairs = int(duplicate_counts.sum()) // 2
    return Duplicates(
        share=float((duplicate_counts > 0).double().mean()),
        pairs=pairs,
        support=len(fake) * (len(fake) - 1) / (2 * max(1, pairs)),
    )


def interval_of_share(share: float, faces: int) -> intervals.Interval:
    """Return a share of `faces` that have duplicates with its 95 % interval, that of a share of half as many trials.

    Duplicates come in pairs, so `faces` are half as many trials. A jackknife's interval would have no width where no
    face has a duplicate.
    """
    return intervals.interval_of_share(share, faces / 2)
