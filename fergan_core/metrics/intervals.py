"""Intervals of scores over the sampling of faces; judge, reference faces and training are held fixed.

Shares have Clopper and Pearson's interval, counts that of a gamma distribution: where none or all of the faces count,
the sample shows no spread although the score is still uncertain. docs/intervals.md lists how often each contains the
truth.

Other scores have the bootstrap where they are a mean over faces, the delete-a-group jackknife elsewhere. A bootstrap
resample repeats points. That does not bias a mean, but it does bias a distance between sets, an entropy of a kernel or
a count of neighbours, as a repeated point is its own nearest neighbour. Those scores are recomputed with each of G
groups of faces left out instead (the delete-a-group jackknife, Kott 2001, J. Official Statistics 17(4):521; it is also
valid for statistics that are not smooth: Shao & Wu 1989, Ann. Statist. 17(3):1176).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from scipy import special
from torch import Tensor

from fergan_core.errors import UsageError

GROUPS = 20


@dataclass(frozen=True)
class Interval:
    """A value with the two ends of its 95 % interval."""

    value: float
    low: float
    high: float


def groups_of(count: int, seed: int = 0, groups: int = GROUPS) -> Tensor:
    """Deal `count` >= groups faces into groups of equal size (give or take one) at random: int64 [count], 0..groups-1.

    Raises UsageError for fewer faces than groups.
    """
    if count < groups:
        raise UsageError(f"jackknife: {count} faces do not fill {groups} groups; give {groups} or more")
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    dealt = torch.empty(count, dtype=torch.int64)
    dealt[shuffled] = torch.arange(count) % groups
    return dealt


def jackknife_error(without: Tensor) -> float:
    """Return a score's standard error from its values with each group left out, float64 [G]: sqrt((G-1)/G sum d^2).

    Deviations are from the groups' mean, so that a bias that grows with fewer faces does not count as spread.
    """
    groups = len(without)
    deviations = without.double() - without.double().mean()
    return math.sqrt((groups - 1) / groups * float(deviations.square().sum()))


def interval_of_blocks(
    values: Tensor, without: Tensor, low: float = -math.inf, high: float = math.inf, *, step: float = 0.0
) -> Interval:
    """Return the mean of a score's values on B disjoint blocks of faces [B], with its 95 % interval within low..high.

    `without` float64 [B,G] holds each block's values with a group left out; the ends are Student's with B (G - 1)
    degrees of freedom. `step`, how much one face can change a block's value, is added to each block's standard error
    (root of the sum of squares), for a score that has no spread where all faces are at one extreme.
    """
    blocks, groups = without.shape
    error = math.sqrt(sum(jackknife_error(row) ** 2 + step**2 for row in without)) / blocks
    value = float(values.double().mean())
    reach = float(special.stdtrit(blocks * (groups - 1), 0.975)) * error
    return Interval(value, max(low, value - reach), min(high, value + reach))


def interval_of_share(share: float, trials: float) -> Interval:
    """Return a share, 0 to 1, of `trials` > 0 independent ones with its 95 % interval (Clopper & Pearson 1934).

    For dependent trials `trials` is their effective number, which need not be whole (Korn & Graubard 1998, Survey
    Methodology 24(2):193). Coverage is 95 % or more at any share, where that of Wilson's interval falls to 83 % near 0
    and 1.
    """
    hits = share * trials
    low = float(special.betaincinv(hits, trials - hits + 1, 0.025)) if hits > 0 else 0.0
    high = float(special.betaincinv(hits + 1, trials - hits, 0.975)) if hits < trials else 1.0
    return Interval(share, min(low, share), max(high, share))


def interval_of_counts(counts: Tensor, ordinary: float = 1.0) -> Interval:
    """Return the mean of counts float64 [N], 0 and up, one for each face and possibly mostly 0, with its 95 % interval.

    The ends are those of a gamma distribution with the counts' mean and variance, as for a weighted sum of Poisson
    counts (Fay & Feuer 1997, Stat. Med. 16:791). To both variances, and to the upper mean, one more face is added whose
    count is the largest observed plus an `ordinary` one, as such a face may not have been sampled yet.
    """
    number = len(counts)
    mean = float(counts.double().mean())
    error = float(counts.double().var()) / number if number > 1 else 0.0
    unseen = (float(counts.max()) + ordinary) / number
    spread = error + unseen**2
    low = float(special.gammaincinv(mean**2 / spread, 0.025)) * spread / mean if mean > 0 else 0.0
    upper = mean + unseen
    high = float(special.gammaincinv(upper**2 / spread, 0.975)) * spread / upper
    return Interval(mean, min(low, mean), max(high, mean))


def interval_of_mean(values: Tensor) -> Interval:
    """Return the mean of values [N], N >= 1, one per face, and Student's 95 % interval; 0 wide if all are equal."""
    numbers = values.double()
    mean = float(numbers.mean())
    if len(numbers) < 2 or bool((numbers == numbers[0]).all()):
        return Interval(mean, mean, mean)
    reach = float(special.stdtrit(len(numbers) - 1, 0.975) * numbers.std() / math.sqrt(len(numbers)))
    return Interval(mean, mean - reach, mean + reach)


def pair_means(
    parts: Sequence[Tensor], within: Callable[[Tensor], float], between: Callable[[Tensor, Tensor], float]
) -> Tensor:
    """Mean over all ordered pairs of different faces, of all groups and without each: float64 [1+G].

    `parts` are the groups' features. `within` sums over the ordered pairs of one group, `between` over the pairs of a
    face of one group and a face of another: each pair is measured once for all the means.
    """
    sums = torch.zeros(len(parts), len(parts), dtype=torch.float64)
    for row, part in enumerate(parts):
        sums[row, row] = within(part)
        for column in range(row):
            sums[row, column] = sums[column, row] = between(part, parts[column])
    counts = torch.tensor([len(part) for part in parts], dtype=torch.float64)
    membership = torch.cat([torch.ones(1, len(parts)), 1 - torch.eye(len(parts))]).double()
    faces = membership @ counts
    means: Tensor = ((membership @ sums) * membership).sum(1) / (faces * (faces - 1))
    return means
