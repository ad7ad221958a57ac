"""How different the faces of one set are from each other: MS-SSIM of their pixels, distance of their features.

Both are measured within one emotion, and compared with the same number of real faces of it: a generator that draws one
face for an emotion has an MS-SSIM near 1 and a distance near 0. Noise looks diverse in both, so a value beyond real
faces' is not a better one (Odena et al. 2017, arXiv:1610.09585, section 4.2).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pdist

from fergan_core.errors import UsageError
from fergan_core.metrics.checks import checked_features, members
from fergan_core.metrics.intervals import pair_means

_SIZE = 48
_TAPS, _SIGMA = 11, 1.5
# The first three of the five published weights, which sum to 1, as there is room for three scales: 48, 24, 12.
_PUBLISHED = torch.tensor([0.0448, 0.2856, 0.3001], dtype=torch.float64)
_WEIGHTS = _PUBLISHED / _PUBLISHED.sum()
_LUMINANCE, _CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # C1 and C2
_PAIRS_AT_ONCE = 250  # five float64 maps of each: 23 MB
_EXACT = "donot_use_mm_for_euclid_dist"  # summed from differences, so that copies have distance 0


@dataclass(frozen=True, eq=False)
class Diversity:
    """The mean over pairs of a set's faces, and that mean with each group of faces left out, float64 [G]."""

    value: float
    without: Tensor


def ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """Multi-scale structural similarity of each pair of faces [N,48,48] in 0..255: float64 [N], 0 to 1, 1 for copies.

    Wang, Simoncelli & Bovik 2003, equation 7, with three scales (see _WEIGHTS), the luminance at the last, their
    11-pixel Gaussian window wherever it fits completely, and contrasts below 0 set to 0, as they have no real power.
    Raises UsageError for other shapes or greys, and for unequal numbers of faces.
    """
    first, second = _checked_faces(first), _checked_faces(second)
    if len(first) != len(second):
        raise UsageError(f"MS-SSIM: {len(first)} and {len(second)} faces are not pairs; give as many of both")
    parts = zip(torch.split(first, _PAIRS_AT_ONCE), torch.split(second, _PAIRS_AT_ONCE), strict=True)
    return torch.cat([_ms_ssim(a.double(), b.double()) for a, b in parts])


def ms_ssim_diversity(images: Tensor, groups: Tensor, *, pairs: int = 3000, seed: int = 0) -> Diversity:
    """Mean MS-SSIM of random pairs of different faces in images [N,48,48] of 0..255: 0 to 1, lower is more diverse.

    Both faces of a pair are of one group, and the groups int64 [N] of 0..G-1 are dealt at random: so the groups' means
    are independent, and leaving groups out gives a valid error although pairs share faces. A group has pairs / G of
    them: random matchings of all its faces, one after the other, or all its pairs where that is fewer.
    Raises UsageError for fewer than two faces in a group or no pair.
    """
    images = _checked_faces(images)
    inside = members("MS-SSIM", groups, len(images))
    smallest = min(len(index) for index in inside)
    if smallest < 2 or pairs < 1:
        raise UsageError(
            f"MS-SSIM: {pairs} pairs of {len(images)} faces in {len(inside)} groups; give one or more, and two faces "
            "or more to a group"
        )
    chosen = [index[_pairs(len(index), math.ceil(pairs / len(inside)), seed)] for index in inside]
    first, second = torch.cat(chosen).unbind(1)
    similarities = torch.split(ms_ssim(images[first], images[second]), [len(pair) for pair in chosen])
    means = torch.stack([values.mean() for values in similarities])
    return Diversity(float(means.mean()), (means.sum() - means) / (len(means) - 1))


def pairwise_distance(features: Tensor) -> float:
    """Mean Euclidean distance of all pairs of different faces in features [N,D], N >= 2: 0 (all alike) and up.

    All N (N - 1) / 2 distances are held at once, in float64.
    """
    (features,) = checked_features("pairwise distance", features)
    return _sum_of_pairs(features) / (len(features) * (len(features) - 1))


def jackknifed_distance(features: Tensor, groups: Tensor) -> Diversity:
    """Mean distance as `pairwise_distance` gives it, and with each group left out, from groups int64 [N] of 0..G-1.

    Each pair is measured once: all values follow from the sums of distances within and between groups. Evaluations
    recorded before `pdist` summed the pairs may differ in the last digit (2e-16 of the value).
    """
    (features,) = checked_features("pairwise distance", features)
    parts = [features[index] for index in members("pairwise distance", groups, len(features))]
    values = pair_means(parts, _sum_of_pairs, _distance_sum)
    return Diversity(float(values[0]), values[1:])


def _checked_faces(images: Tensor) -> Tensor:
    """Check faces [N,48,48], N >= 1, for finite greys of 0..255, and return them on the CPU."""
    if images.ndim != 3 or images.shape[1:] != (_SIZE, _SIZE) or len(images) < 1:
        raise UsageError(f"MS-SSIM: faces have shape {list(images.shape)}; give [N,48,48], N >= 1")
    least, most = (float(end) for end in images.aminmax())
    if not (least >= 0 and most <= 255):
        raise UsageError(f"MS-SSIM: greys reach from {least:g} to {most:g}; give 0 to 255")
    return images.cpu()


def _window(size: int) -> Tensor:
    """Matrix [size-10,size] that takes the Gaussian mean at every place where its 11 pixels fit whole."""
    taps = torch.exp(-((torch.arange(_TAPS) - _TAPS // 2).double() ** 2) / (2 * _SIGMA**2))
    places = size - _TAPS + 1
    matrix = torch.zeros(places, size, dtype=torch.float64)
    for place in range(places):
        matrix[place, place : place + _TAPS] = taps / taps.sum()
    return matrix


def _ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """MS-SSIM of pairs float64 [N,48,48]: halved by 2x2 means from scale to scale."""
    value = torch.ones(len(first), dtype=torch.float64)
    for scale, weight in enumerate(_WEIGHTS):
        if scale:
            first, second = (avg_pool2d(faces, 2) for faces in (first, second))
        window = _window(first.shape[-1])
        maps = torch.stack([first, second, first * first, second * second, first * second])
        mean_1, mean_2, square_1, square_2, product = window @ maps @ window.mT
        spread = square_1 - mean_1**2 + square_2 - mean_2**2
        similar = (2 * (product - mean_1 * mean_2) + _CONTRAST) / (spread + _CONTRAST)
        if scale == len(_WEIGHTS) - 1:
            similar = similar * (2 * mean_1 * mean_2 + _LUMINANCE) / (mean_1**2 + mean_2**2 + _LUMINANCE)
        value = value * similar.mean((1, 2)).clamp(min=0.0) ** weight
    return value


def _pairs(size: int, count: int, seed: int) -> Tensor:
    """Choose `count` pairs of different faces out of `size`, or all there are: int64 [pairs,2]."""
    if count >= size * (size - 1) // 2:
        return torch.combinations(torch.arange(size))
    generator = torch.Generator().manual_seed(seed)
    half = size // 2
    matchings = [torch.randperm(size, generator=generator)[: 2 * half] for _ in range(math.ceil(count / half))]
    return torch.cat(matchings).view(-1, 2)[:count]


def _distance_sum(left: Tensor, right: Tensor) -> float:
    """Sum of the distances of every row of one set to every row of the other."""
    return float(torch.cdist(left, right, compute_mode=_EXACT).sum())


def _sum_of_pairs(features: Tensor) -> float:
    """Sum of the distances of all ordered pairs of rows: half of the pairs, twice."""
    return 2 * float(pdist(features).sum())
