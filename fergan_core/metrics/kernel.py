"""The kernel distance of two sets of features, KID: the squared maximum mean discrepancy under a cubic kernel.

KID (Binkowski et al. 2018, arXiv:1801.01401, section 3) is unbiased, so it compares sets of different sizes and suits
one emotion's few faces. Lower is better; two samples of one distribution give 0 on average, and so a value below 0
about half the time. Its unit is the kernel's: it cannot be compared between judges.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.checks import checked_features, members
from fergan_core.metrics.intervals import pair_means

_BLOCK = 2_000_000  # kernel values held at once: 16 MB
_LEAST, _LARGEST = 0.01, 1e10  # of squared features, for a kernel in float32


@dataclass(frozen=True, eq=False)
class JackknifedKid:
    """KID of all faces, and with each group of the fake faces left out, float64 [G]."""

    value: float
    without: Tensor


def kernel_mean(features: Tensor) -> float:
    """Mean kernel of all pairs of different faces in features [N,D], N >= 2: a set's own part of KID.

    For a fixed reference, compute it once: `kid` and `jackknifed_kid` take it as `real_mean`.
    """
    (features,) = checked_features("KID", features)
    return _mean_of_pairs(features)


def kid(real: Tensor, fake: Tensor, *, real_mean: float | None = None) -> float:
    """KID of real features [N,D] and fake features [M,D]: unbiased, lower is better (Binkowski et al. 2018, eq. 4)."""
    real, fake = checked_features("KID", real, fake)
    real_part = _mean_of_pairs(real) if real_mean is None else real_mean
    return real_part + _mean_of_pairs(fake) - 2 * _kernel_sum(fake, real) / (len(fake) * len(real))


def jackknifed_kid(real: Tensor, fake: Tensor, groups: Tensor, *, real_mean: float | None = None) -> JackknifedKid:
    """KID as `kid` gives it, and its value with each group of fake faces left out, from groups int64 [M] of 0..G-1.

    The kernel of each pair of faces is computed once: all values follow from its sums between groups and the real set.
    """
    real, fake = checked_features("KID", real, fake)
    parts = [fake[index] for index in members("KID", groups, len(fake))]
    real_part = _mean_of_pairs(real) if real_mean is None else real_mean
    across = torch.tensor([_kernel_sum(part, real) for part in parts], dtype=torch.float64)
    counts = torch.tensor([len(part) for part in parts], dtype=torch.float64)
    membership = torch.cat([torch.ones(1, len(parts)), 1 - torch.eye(len(parts))]).double()
    pairs = pair_means(parts, _sum_of_pairs, _kernel_sum)
    values = real_part + pairs - 2 * (membership @ across) / ((membership @ counts) * len(real))
    return JackknifedKid(float(values[0]), values[1:])


def kid_subsets(
    real: Tensor, fake: Tensor, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Mean and standard deviation of KID over random subsets of `size` faces of either set, as papers report it.

    The deviation is that of one subset's KID and shrinks with `size` only; subsets share faces. It is for comparison
    with papers and not an error of the mean. Raises UsageError for fewer faces than `size`.
    """
    real, fake = checked_features("KID", real, fake)
    if subsets < 1 or not 2 <= size <= min(len(real), len(fake)):
        raise UsageError(
            f"KID: {subsets} subsets of {size} out of {len(real)} real and {len(fake)} fake faces; "
            "give one or more, of two faces up to the smaller set"
        )
    real, fake = (features.to(_kind_for(real, fake)) for features in (real, fake))
    random = np.random.RandomState(seed)  # this generator, fakes first: torch-fidelity's draws for the same seed
    values = []
    for _ in range(subsets):
        some_fake = fake[torch.from_numpy(random.choice(len(fake), size, replace=False))]
        some_real = real[torch.from_numpy(random.choice(len(real), size, replace=False))]
        between = _kernel_sum(some_fake, some_real) / size**2
        values.append(_mean_of_pairs(some_real) + _mean_of_pairs(some_fake) - 2 * between)
    return float(np.mean(values)), float(np.std(values))


def _kind_for(*sets: Tensor) -> torch.dtype:
    """Return float32 where its rounding, summed over a million kernel values, is negligible beside a subset's spread.

    The kernel's cube must fit, and x.y/D must not vanish beside the 1 that is added: otherwise return float64.
    """
    squares = [features.square() for features in sets]
    fits = all(float(square.max()) < _LARGEST and float(square.mean()) > _LEAST for square in squares)
    return torch.float32 if fits else torch.float64


def _kernel(left: Tensor, right: Tensor) -> Tensor:
    """Cubic kernel (x.y/D + 1)^3 of features [L,D] and [R,D]: [L,R]."""
    return torch.addmm(left.new_ones(1), left, right.mT, alpha=1 / left.shape[1]).pow_(3)


def _kernel_sum(left: Tensor, right: Tensor) -> float:
    """Sum of the kernel over all pairs of a face of the left set and one of the right, a block of rows at a time."""
    rows = max(1, _BLOCK // max(1, len(right)))
    return math.fsum(float(_kernel(block, right).sum(dtype=torch.float64)) for block in torch.split(left, rows))


def _sum_of_pairs(features: Tensor) -> float:
    """Sum of the kernel over all ordered pairs of different faces: half of the pairs, twice."""
    rows = max(1, _BLOCK // len(features))
    total = 0.0
    for start in range(0, len(features), rows):
        block = features[start : start + rows]
        diagonal = (block.double().square().sum(1) / block.shape[1] + 1).pow(3).sum()
        within = _kernel(block, block).sum(dtype=torch.float64) - diagonal
        total += float(within) + 2 * _kernel_sum(block, features[start + rows :])
    return total


def _mean_of_pairs(features: Tensor) -> float:
    """Mean of the kernel over all pairs of different faces among checked features [N,D]."""
    return _sum_of_pairs(features) / (len(features) * (len(features) - 1))
