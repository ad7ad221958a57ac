"""NDB and the Jensen-Shannon divergence: do fakes fall into the bins of real faces as real faces do?

Bins are the cells of k-means on real, training features, each dimension standardised (Richardson & Weiss 2018,
arXiv:1805.12462, section 3). A bin is different where a two-proportion z-test of its share among real and among fake
faces rejects at the 5 % level.

ndb  share of bins that are different: 0 to 1; faces drawn like the real ones get 0.05
js   Jensen-Shannon divergence of the two histograms, in nats: 0 (equal) to ln 2 (no bin in common)

Lower is better, down to what other real faces reach. NDB rises with the number of fakes, as a test's power does, so
compare it only at one number, and not at all where many bins are too small to be tested (`check_testable`). Where
fakes are distributed like real faces it has only a few small values, and its jackknife interval is often too narrow.
"""

from dataclasses import dataclass

import torch
from scipy.cluster.vq import vq
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.checks import checked_features, checked_groups
from fergan_core.metrics.distances import rounding

BINS = 100
Z_LEVEL = 1.959963984540054  # two-sided, alpha = 0.05
EXPECTED, TESTABLE = 5, 0.8  # fakes that a bin must expect, and the share of bins that must (Cochran 1954)
TOLERANCE = 1e-4  # k-means stops when a round makes its cost less by no more than this share


@dataclass(frozen=True)
class Bins:
    """K cells: centres float64 [K,D] of standardised features, counts of real faces int64 [K]; mean and scale [D]."""

    centres: Tensor
    counts: Tensor
    mean: Tensor
    scale: Tensor


@dataclass(frozen=True)
class Binned:
    """NDB as a share of bins and JS in nats, and both with each group left out: float64 [G]."""

    ndb: float
    js: float
    ndb_without: Tensor
    js_without: Tensor


def closest(features: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Return the squared distance float64 [N] of each of features [N,D] to the closest of the centres [K,D], and which
    centre that is, int64 [N]. Both sets are float64."""
    labels, distances = vq(features.numpy(), centres.numpy())
    return torch.from_numpy(distances).square(), torch.from_numpy(labels).long()


def _first_centres(features: Tensor, k: int, seed: int) -> Tensor:
    """Draw k different faces as centres, each in proportion to its squared distance from those before (k-means++)."""
    generator = torch.Generator().manual_seed(seed)
    centred = features - features.mean(0)
    # Faces that differ by little more than rounding are one face to k-means: more than rounding adds is subtracted.
    lengths = centred.square().sum(1) * (1 - 9 * rounding(features.shape[1]))
    squared = torch.ones(len(features), dtype=torch.float64)
    chosen: list[int] = []
    while len(chosen) < k:
        if not bool(squared.any()):
            raise UsageError(f"k-means: {len(chosen)} different faces do not fill {k} bins; give more faces")
        chosen.append(int(torch.multinomial(squared, 1, generator=generator)))
        distance = torch.addmv(lengths + lengths[chosen[-1]], centred, centred[chosen[-1]], alpha=-2)
        distance.clamp_(min=0)
        squared = distance if len(chosen) == 1 else torch.minimum(squared, distance)
    return features[chosen]


def kmeans(features: Tensor, k: int, seed: int = 0) -> Tensor:
    """Return k centres float64 [k,D] of features [N,D], each with a face of its own (Lloyd 1982 from k-means++).

    Where a round empties a cell, its centre moves to the face that is farthest from its own centre.
    Raises UsageError for fewer than k different faces.
    """
    # Not SciPy's kmeans2: it leaves emptied cells empty, and its k-means++ is slow, 12.6 s in all beside 0.8 s for 100
    # centres of 10,000 faces of 128 features (`python -m benchmarks distances`). Its bins would be others, too, so that
    # NDB, JS and C_T would no longer compare with those recorded before.
    (features,) = checked_features("k-means", features, at_least=1)
    centres = _first_centres(features, k, seed)
    previous_cost = torch.inf
    while True:
        squared, labels = closest(features, centres)
        counts = torch.bincount(labels, minlength=k)
        if not bool(counts.all()):
            centres[counts.argmin()] = features[squared.argmax()]
            continue
        cost = float(squared.sum())
        if cost >= previous_cost * (1 - TOLERANCE):
            return centres
        previous_cost = cost
        centres = torch.zeros_like(centres).index_add_(0, labels, features) / counts[:, None]


def make_bins(real: Tensor, k: int = BINS, seed: int = 0) -> Bins:
    """Divide the space of real features [N,D] into k bins, each with a real face; a constant dimension is not scaled.

    Raises UsageError for features that are not finite or fewer than k different faces.
    """
    (real,) = checked_features("bins", real)
    mean, scale = real.mean(0), real.std(0)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    standardised = (real - mean) / scale
    centres = kmeans(standardised, k, seed)
    return Bins(centres, torch.bincount(closest(standardised, centres)[1], minlength=k), mean, scale)


def assign(bins: Bins, features: Tensor) -> Tensor:
    """Return the bin of each face, int64 [M], from features [M,D]."""
    (features,) = checked_features("bins", features, at_least=1)
    if features.shape[1] != len(bins.mean):
        raise UsageError(f"bins: features are [M,{features.shape[1]}] and the bins of {len(bins.mean)} dimensions")
    return closest((features - bins.mean) / bins.scale, bins.centres)[1]


def check_testable(bins: Bins, fakes: int) -> None:
    """Raise UsageError where a block of `fakes` is too small for the bins' z-tests.

    The normal approximation needs 5 expected faces in a cell; Cochran (1954, Biometrics 10(4):417) lets a fifth of the
    cells have fewer. With fewer a test also detects nothing: a bin that expects fewer than 4 fakes counts as equal even
    when it has none, so that the worst generators would get an NDB near 0.
    """
    shares = bins.counts.double() / bins.counts.sum()
    enough = float((shares * fakes >= EXPECTED).double().mean())
    if enough < TESTABLE:
        raise UsageError(
            f"NDB: of a block of {fakes:,} faces {enough:.0%} of the {len(shares)} bins expect {EXPECTED} or more, and "
            f"its test needs {TESTABLE:.0%} of them; score more faces, or see JS"
        )


def different_share(real: Tensor, fake: Tensor) -> Tensor:
    """Share of bins that differ, float64 [...], from counts of real [K] and fake faces [...,K] (pooled z-test)."""
    of_real, of_fake = real.sum().double(), fake.sum(-1, keepdim=True).double()
    pooled = (real + fake) / (of_real + of_fake)
    error = (pooled * (1 - pooled) * (1 / of_real + 1 / of_fake)).sqrt()
    # A bin that has no face, or all of them, has no error and no difference: 0 > 0 is false.
    return ((real / of_real - fake / of_fake).abs() > Z_LEVEL * error).double().mean(-1)


def jensen_shannon(real: Tensor, fake: Tensor) -> Tensor:
    """Jensen-Shannon divergence in nats, 0 to ln 2, float64 [...], of counts of real [K] and fake faces [...,K]."""
    p, q = real.double() / real.sum(), fake.double() / fake.sum(-1, keepdim=True)
    middle = (p + q) / 2
    halves = (torch.xlogy(p, p) + torch.xlogy(q, q)) / 2
    return (halves - torch.xlogy(middle, middle)).sum(-1).clamp(min=0.0)


def binned(bins: Bins, fake: Tensor, groups: Tensor) -> Binned:
    """NDB and JS of fake [M,D], and without each of the fakes' groups int64 [M]; the bins and real counts are fixed."""
    labels = assign(bins, fake)
    count, k = checked_groups("bins", groups, len(labels)), len(bins.counts)
    by_group = torch.bincount(groups * k + labels, minlength=count * k).view(count, k)
    counts = by_group.sum(0)
    return Binned(
        ndb=float(different_share(bins.counts, counts)),
        js=float(jensen_shannon(bins.counts, counts)),
        ndb_without=different_share(bins.counts, counts - by_group),
        js_without=jensen_shannon(bins.counts, counts - by_group),
    )
