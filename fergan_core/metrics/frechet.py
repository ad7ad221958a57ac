"""The Fréchet distance of Gaussians fitted to two sets of features, plain and extrapolated to infinitely many faces.

FID (Heusel et al. 2017, arXiv:1706.08500, eq. 6) is 0 and up, lower is better, in squared units of the features:
it cannot be compared between judges. It has a bias proportional to 1/N, which differs between generators, so only sets
of the same number of faces compare. FID-infinity (Chong & Forsyth 2020, arXiv:1911.07023) removes the fakes' part of
that bias. In both the real set is held fixed, and its part of the bias stays.
"""

import math
import operator
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.checks import checked_features, members


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean float64 [D] and unbiased covariance float64 [D,D] of the features of `count` faces."""

    mean: Tensor
    covariance: Tensor
    count: int


def statistics(features: Tensor) -> Statistics:
    """Return the statistics of features [N,D], N >= 2, all finite."""
    (features,) = checked_features("FID", features)
    mean = features.mean(0)
    centred = features - mean
    return Statistics(mean, centred.mT @ centred / (len(features) - 1), len(features))


def fid_from_statistics(real: Statistics, fake: Statistics) -> float:
    """FID of two sets' statistics of one width: 0 and up, lower is better, 0 for the same statistics.

    It is finite for collapsed features too: for fakes all alike it is their squared distance to the real mean plus
    the trace of the real covariance. It is exact to about 1e-6 of the largest variance, and much better where no
    variance is as small as 1e-8 of it. Raises UsageError for statistics of different widths.
    """
    if real.mean.shape != fake.mean.shape:
        raise UsageError(f"FID: statistics of {len(real.mean)} and {len(fake.mean)} features; give sets of one width")
    return float(_distances(real, _root(real.covariance), fake.mean[None], fake.covariance[None]))


def fid(real: Tensor, fake: Tensor) -> float:
    """FID of real features [N,D] and fake features [M,D]: 0 and up, lower is better."""
    return fid_from_statistics(statistics(real), statistics(fake))


def fid_without(real: Statistics, fake: Tensor, groups: Tensor) -> Tensor:
    """FID with each group of fake faces [M,D] left out: float64 [G], from groups int64 [M] of 0..G-1."""
    fake = _checked_fake(real, fake)
    inside = members("FID", groups, len(fake))
    centre = fake.mean(0)
    membership = 1 - torch.eye(len(inside), dtype=torch.float64)
    return _fids(real, _root(real.covariance), centre, _moments(fake - centre, inside), membership)


def fid_infinity(real: Statistics, fake: Tensor, *, seed: int = 0, sizes: int = 15) -> float:
    """FID of infinitely many fake faces, from M >= 4 D of them [M,D]: lower is better; may be slightly below 0.

    `sizes` subsets, from the larger of M/10 and 2 D faces up to all of them, are the first faces of one shuffled order
    (Chong & Forsyth shuffle again for each). The result is the value at 0 of a least-squares line through the FIDs as a
    function of 1/size (section 3).
    Raises UsageError for too few faces.
    """
    fake = _checked_fake(real, fake)
    return float(_infinity(real, fake, torch.zeros(len(fake)), torch.ones(1, 1), seed, sizes))


def fid_infinity_without(real: Statistics, fake: Tensor, groups: Tensor, *, seed: int = 0, sizes: int = 15) -> Tensor:
    """FID-infinity with each group of fake faces [M,D] left out: float64 [G], from groups int64 [M] of 0..G-1.

    The subsets are those of `fid_infinity` without the group's faces; the line is through the remaining sizes.
    """
    fake = _checked_fake(real, fake)
    count = len(members("FID-infinity", groups, len(fake)))
    return _infinity(real, fake, groups, 1 - torch.eye(count), seed, sizes)


def _checked_fake(real: Statistics, fake: Tensor) -> Tensor:
    """Check fake features [M,D] for FID against the real statistics, and return them as float64."""
    (fake,) = checked_features("FID", fake)
    if fake.shape[1] != len(real.mean):
        raise UsageError(f"FID: statistics of {len(real.mean)} and {fake.shape[1]} features; give sets of one width")
    return fake


def _without_rounding(eigenvalues: Tensor) -> Tensor:
    """Set those eigenvalues [...,D] to 0 that may be rounding: up to D eps of the largest, and all below 0.

    A square root would turn 1e-16 into 1e-8, once for each direction that a collapsed set does not use.
    """
    rounding = eigenvalues.amax(-1, keepdim=True) * (eigenvalues.shape[-1] * torch.finfo(torch.float64).eps)
    return torch.where(eigenvalues > rounding.clamp(min=0.0), eigenvalues, 0.0)


def _root(covariance: Tensor) -> Tensor:
    """Symmetric square root [D,D] of a covariance [D,D]."""
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors * _without_rounding(eigenvalues).sqrt() @ vectors.mT
    return root


def _distances(real: Statistics, root: Tensor, means: Tensor, covariances: Tensor) -> Tensor:
    """FID of the real set, `root` being its covariance's, and each fake mean [R,D] and covariance [R,D,D]: [R].

    C_real C_fake has the eigenvalues of root C_fake root, which is symmetric: its square root's trace is real.
    """
    shared = _without_rounding(torch.linalg.eigvalsh(root @ covariances @ root)).sqrt().sum(-1)
    spread = real.covariance.trace() + covariances.diagonal(dim1=-2, dim2=-1).sum(-1)
    return ((means - real.mean).square().sum(-1) + spread - 2 * shared).clamp(min=0.0)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Of each of G groups of centred features: counts [G], sums [G,D] and sums of outer products [G,D,D]."""

    counts: Tensor
    sums: Tensor
    products: Tensor

    def __add__(self, other: "_Moments") -> "_Moments":
        return _Moments(self.counts + other.counts, self.sums + other.sums, self.products + other.products)


def _moments(centred: Tensor, inside: list[Tensor]) -> _Moments:
    """Moments of features float64 [M,D], centred so that squares lose no digits, of the rows of each index."""
    rows = [centred[index] for index in inside]
    return _Moments(
        torch.tensor([len(group) for group in rows], dtype=torch.float64),
        torch.stack([group.sum(0) for group in rows]),
        torch.stack([group.mT @ group for group in rows]),
    )


def _fids(real: Statistics, root: Tensor, centre: Tensor, moments: _Moments, membership: Tensor) -> Tensor:
    """FID of each union of groups, float64 [R]: `membership` [R,G] is 1 for a group that is in it, else 0.

    The remaining groups are added, not one subtracted from the sum of all, so that no outlier's rounding enters.
    """
    counts, sums = membership @ moments.counts, membership @ moments.sums
    if float(counts.min()) < 2:
        raise UsageError(f"FID: a group left out leaves {int(counts.min())} faces; give more faces or smaller groups")
    means = sums / counts[:, None]
    squares = (
        torch.tensordot(membership, moments.products, 1) - counts[:, None, None] * means[:, :, None] * means[:, None]
    )
    return _distances(real, root, means + centre, squares / (counts - 1)[:, None, None])


def _subset_sizes(count: int, width: int, sizes: int) -> list[int]:
    """Return the subsets' sizes, evenly from the larger of count/10 and 2 width up to count, all different."""
    enough = max(4 * width, 2 * sizes)
    if sizes < 2 or count < enough:
        raise UsageError(
            f"FID-infinity: {count} faces of {width} features are too few for {sizes} sizes; "
            f"give {enough} faces or more, and two sizes or more"
        )
    least = max(math.ceil(count / 10), 2 * width)
    return [round(least + (count - least) * step / (sizes - 1)) for step in range(sizes)]


def _infinity(real: Statistics, fake: Tensor, groups: Tensor, membership: Tensor, seed: int, sizes: int) -> Tensor:
    """FID-infinity of each union of groups [M] that `membership` [R,G] describes: float64 [R].

    Each subset contains the one before, so that moments add up and every face is multiplied once.
    """
    ends = _subset_sizes(len(fake), fake.shape[1], sizes)
    order = torch.randperm(len(fake), generator=torch.Generator().manual_seed(seed))
    root, centre = _root(real.covariance), fake.mean(0)
    shuffled, group_of, membership = (fake - centre)[order], groups.cpu()[order], membership.double()
    added = (
        _moments(shuffled[start:end], [group_of[start:end] == group for group in range(membership.shape[1])])
        for start, end in pairwise([0, *ends])
    )
    places, values = [], []
    for moments in accumulate(added, operator.add):
        values.append(_fids(real, root, centre, moments, membership))
        places.append(1 / (membership @ moments.counts))
    return _at_zero(torch.stack(places, 1), torch.stack(values, 1))


def _at_zero(places: Tensor, values: Tensor) -> Tensor:
    """Height at 0 of each row's least-squares line through values [R,S] at places [R,S]: float64 [R]."""
    offset = places - places.mean(1, keepdim=True)
    slope = (offset * values).sum(1) / offset.square().sum(1)
    return values.mean(1) - slope * places.mean(1)
