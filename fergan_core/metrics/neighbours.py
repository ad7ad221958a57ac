"""Nearest neighbours of features, and the four scores that count them: precision, recall, density, coverage.

A face's ball reaches to its k-th nearest other face of its own set, and the ball's surface belongs to it.

precision  share of fakes inside the ball (k = 3) of some real face (arXiv:1904.06991, eq. 1 and 2): 0 to 1
recall     share of real faces inside the ball (k = 3) of some fake (the same, sets exchanged): 0 to 1
density    mean over fakes of the number of real balls (k = 5) around them, by k (arXiv:2002.09797, eq. 4): 0 and up,
           expected to be 1 where fakes and real faces are drawn alike
coverage   share of real faces with a fake inside their ball (k = 5) (the same, eq. 6): 0 to 1

Higher is better, to what real faces reach against other real faces: density above that is crowding. Precision and
density say how real the fakes look, recall and coverage how much of the real faces' variety they show.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.checks import checked_features, checked_groups

PRECISION_K = 3
DENSITY_K = 5
SPARE = 5  # neighbours kept beyond the k-th, for when a group that holds some of the nearest is left out
CHUNK = 2**21  # distances held at a time: 16 MiB in float64


@dataclass(frozen=True)
class Neighbourhoods:
    """Precision and density of each fake face, float64 [M]; recall and coverage, and both without each group, [G]."""

    precision: Tensor
    density: Tensor
    recall: float
    coverage: float
    recall_without: Tensor
    coverage_without: Tensor


def rounding(width: int) -> float:
    """Bound the rounding of |a|^2 + |b|^2 - 2ab, a share of |a|^2 + |b|^2, for float64 features of `width` numbers."""
    return 4 * width * torch.finfo(torch.float64).eps


def squared_chunks(queries: Tensor, keys: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield squared distances float64 [B,M] of consecutive rows of queries [N,D] to all keys [M,D], both float64.

    |a|^2 + |b|^2 - 2ab about the keys' median, where the terms are small and which no outlier moves: a matrix product,
    many times as fast as summing differences. What rounding may add is taken off, so that a face on a ball's surface
    is never outside, and an identical one is at 0 or a little below.
    """
    centre = keys.median(0).values
    keys = keys - centre
    kept = 1 - rounding(keys.shape[1])
    lengths = kept * keys.square().sum(1)
    rows = max(1, min(1024, CHUNK // len(keys)))
    for start in range(0, len(queries), rows):
        part = queries[start : start + rows] - centre
        squared = torch.addmm(lengths, part, keys.T, alpha=-2)
        squared += kept * part.square().sum(1, keepdim=True)
        yield slice(start, start + len(part)), squared


def nearest(queries: Tensor, keys: Tensor, k: int, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """Return distances float64 [N,k], ascending, and indices int64 [N,k] of each query's k nearest keys.

    Queries [N,D], keys [M,D]. With `exclude_self` queries are the keys, and none is its own neighbour, while an
    identical other face is. The distances are summed from differences: of identical faces it is exactly 0.
    Raises UsageError for features that are not finite or k above the number of keys.
    """
    queries, keys = checked_features("nearest neighbours", queries, keys, at_least=1)
    most = len(keys) - int(exclude_self)
    if not 1 <= k <= most:
        raise UsageError(f"nearest neighbours: {k} asked for among {most} faces; give more faces")
    distances = torch.empty(len(queries), k, dtype=torch.float64)
    indices = torch.empty(len(queries), k, dtype=torch.int64)
    for rows, squared in squared_chunks(queries, keys):
        if exclude_self:
            squared.diagonal(rows.start).fill_(torch.inf)
        found = squared.topk(k, largest=False, sorted=False).indices
        exact = (queries[rows, None] - keys[found]).square().sum(2).sqrt()
        distances[rows], order = exact.sort(1)
        indices[rows] = found.gather(1, order)
    return distances, indices


def _radii(faces: Tensor, groups: Tensor, count: int) -> Tensor:
    """Squared radius of each face's ball of PRECISION_K among all, and among all but each of G groups: [1+G,M].

    A face that is itself left out has -inf. Where a group holds so many of a face's nearest that those kept
    do not suffice, the face's neighbours are sought again.
    """
    kept = min(PRECISION_K + SPARE, len(faces) - 1)
    distances, indices = nearest(faces, faces, kept, exclude_self=True)
    radii = torch.full((1 + count, len(faces)), -torch.inf, dtype=torch.float64)
    radii[0] = distances[:, PRECISION_K - 1]
    for group in range(count):
        left = groups != group
        if int(left.sum()) <= PRECISION_K:
            few = int(left.sum())
            raise UsageError(
                f"neighbourhoods: without group {group} there are {few} fakes; give more than {PRECISION_K}"
            )
        rank = (left[indices] & left[:, None]).cumsum(1)
        enough = rank[:, -1] >= PRECISION_K
        place = (rank[enough] < PRECISION_K).sum(1, keepdim=True)
        radii[1 + group, enough] = distances[enough].gather(1, place).squeeze(1)
        scarce = left & ~enough
        if bool(scarce.any()):
            # The face itself is among those left, at distance 0: its k-th nearest other is the (k+1)-th of all.
            radii[1 + group, scarce] = nearest(faces[scarce], faces[left], PRECISION_K + 1)[0][:, -1]
    return torch.where(radii < 0, radii, radii.square())


def neighbourhoods(real: Tensor, fake: Tensor, groups: Tensor) -> Neighbourhoods:
    """Precision, recall, density and coverage of fake [M,D] against real [N,D]; groups int64 [M] of the fakes.

    Precision and density are means over the fakes of what is returned for each. Without a group, the remaining
    fakes have their own balls anew. Raises UsageError for fewer than 6 faces, or where a group leaves fewer than 4.
    """
    real, fake = checked_features("neighbourhoods", real, fake, at_least=DENSITY_K + 1)
    count = checked_groups("neighbourhoods", groups, len(fake))
    real_radii = nearest(real, real, DENSITY_K, exclude_self=True)[0].square()
    inner, outer = real_radii[:, PRECISION_K - 1], real_radii[:, DENSITY_K - 1]
    fake_radii = _radii(fake, groups, count)
    members = F.one_hot(groups, count).float()
    # Without a group no other fake's ball shrinks, and few grow: beyond the balls of all, only the rims count.
    own, widest = fake_radii[0], fake_radii.amax(0)
    precise = torch.zeros(len(fake), dtype=torch.bool)
    balls = torch.zeros(len(fake), dtype=torch.int64)
    inside, around, regained = torch.zeros(3, count, len(real))
    for rows, squared in squared_chunks(fake, real):
        precise[rows] = (squared <= inner).any(1)
        within, held = squared <= outer, squared <= own[rows, None]
        balls[rows] = within.count_nonzero(1)
        inside += members[rows].T @ within.float()
        around += members[rows].T @ held.float()
        fakes, reals = ((squared <= widest[rows, None]) > held).nonzero(as_tuple=True)
        reached = squared[fakes, reals] <= fake_radii[1:, rows][:, fakes]
        regained.index_add_(1, reals, reached.float())
    filled, recalled = inside.sum(0), around.sum(0)
    return Neighbourhoods(
        precision=precise.double(),
        density=balls.double() / DENSITY_K,
        recall=float((recalled > 0).double().mean()),
        coverage=float((filled > 0).double().mean()),
        recall_without=(recalled - around + regained > 0).double().mean(1),
        coverage_without=(filled > inside).double().mean(1),
    )
