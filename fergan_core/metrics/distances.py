"""Distances of every face of one set to every face of another, as fast as a matrix product and as exact as a sum.

A product in float32 gives a lower bound of each squared distance. Only the pairs that the bound leaves undecided
are summed from differences in float64, so that a face on a ball's surface is inside, and identical faces are at
distance 0.

Neither PyTorch nor SciPy gives the same at this speed. For the nearest of 25,841 training faces of each of 10,000
fakes, 128 features, `nearest` takes 3.3 s on one thread; torch.cdist's product in float64 takes 5.2 s, and a face is up
to 8e-7 from itself; scipy's cdist sums differences in 64 s; its cKDTree takes 173 s, as a tree prunes almost nothing in
128 dimensions (`python -m benchmarks distances`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.checks import checked_features

CHUNK = 2**22  # distances held at a time: 16 MiB in float32
_SUMMED = 2**16  # pairs whose differences are summed at a time: 64 MiB for 128 features
_SPARE = 4  # candidates for nearest beyond the k-th, to show that no other can be nearer
_LEAST, _MOST = 1e-12, 1e12  # of features whose squares float32 holds, with room for a sum of many


def rounding(width: int, kind: torch.dtype = torch.float64) -> float:
    """Bound the rounding of |a|^2 + |b|^2 - 2ab, as a share of |a|^2 + |b|^2, for features of `width` numbers.

    The product rounds `width` + 2 times by half an eps of terms that sum to at most twice |a|^2 + |b|^2 (Higham 2002,
    section 3.1); the remaining 6 cover the rounding of the numbers themselves to `kind`.
    """
    return (width + 8) * torch.finfo(kind).eps


@dataclass(frozen=True)
class Chunk:
    """Some queries, which rows they are, and lower bounds [B,M] of their squared distances to all keys."""

    rows: slice
    queries: Tensor
    lengths: Tensor
    squared: Tensor


@dataclass(frozen=True)
class Pairs:
    """Pairs that may be close: their query in the chunk and their key, int64 [P], and what decides whether they are."""

    queries: Tensor
    keys: Tensor
    _bounds: Tensor
    _lengths: Tensor
    _chunk: Chunk
    _features: Tensor

    def within(self, radii: Tensor) -> Tensor:
        """Return which pairs are no farther apart than the squared radii float64 [P] of their balls: bool [P].

        The bound decides, or where it cannot the distance itself: see `_slack`.
        """
        slack = _slack(self._features.shape[1], self._chunk.squared.dtype, self._lengths + radii)
        inside = self._bounds <= radii - slack
        unsure = ((self._bounds <= radii + slack) & ~inside).nonzero().squeeze(1)
        inside[unsure] = self.squared(unsure) <= radii[unsure]
        return inside

    def squared(self, which: Tensor) -> Tensor:
        """Return the squared distances float64 of some of the pairs, from indices int64.

        The most that rounding can add is subtracted, so that a face on a ball's surface is never outside.
        """
        parts = zip(torch.split(self.queries[which], _SUMMED), torch.split(self.keys[which], _SUMMED), strict=True)
        exact = [(self._chunk.queries[query] - self._features[key]).square().sum(1) for query, key in parts]
        return (1 - rounding(self._features.shape[1])) * torch.cat(exact)


def _slack(width: int, kind: torch.dtype, reach: Tensor) -> Tensor:
    """Return how far below a squared distance its bound may lie, for a face in a ball about c.

    `reach` is |c|^2 + squared radius. Such a face has a squared length of at most twice the reach, so that its pair's
    |a|^2 + |b|^2 is at most three times it; the bound contains the rounding once and has it subtracted once. The factor
    is doubled to cover the rounding of the radius.
    """
    return 12 * rounding(width, kind) * reach + torch.finfo(kind).tiny


class Keys:
    """Features float64 [M,D] to which distances are measured, by products in `kind`."""

    def __init__(self, keys: Tensor, kind: torch.dtype = torch.float32) -> None:
        self._keys = keys
        # Centred at the median the terms are small, and no outlier moves it.
        self._centre = keys.median(0).values
        centred = keys - self._centre
        self._lengths = centred.square().sum(1)
        self._kind = kind if _fits(centred) else torch.float64
        self._kept = 1 - rounding(keys.shape[1], self._kind)
        ones = torch.ones(len(keys), 1, dtype=torch.float64)
        self._factor = torch.cat([-2 * centred, self._kept * self._lengths[:, None], ones], 1).to(self._kind).T

    def chunks(self, queries: Tensor) -> Iterator[Chunk]:
        """Yield consecutive rows of queries float64 [N,D]."""
        centred = queries - self._centre
        if self._kind != torch.float64 and not _fits(centred):
            yield from Keys(self._keys, torch.float64).chunks(queries)
            return
        lengths = centred.square().sum(1, keepdim=True)
        factor = torch.cat([centred, torch.ones_like(lengths), self._kept * lengths], 1).to(self._kind)
        size = max(1, min(1024, CHUNK // len(self._keys)))
        for start in range(0, len(queries), size):
            rows = slice(start, min(start + size, len(queries)))
            yield Chunk(rows, queries[rows], lengths[rows], factor[rows] @ self._factor)

    def in_balls_of_keys(self, chunk: Chunk, radii: Tensor) -> Pairs:
        """Return candidate pairs, all whose query lies in the key's ball among them, from squared radii float64 [M]."""
        return self._pairs(chunk, radii, self._lengths)

    def in_balls_of_queries(self, chunk: Chunk, radii: Tensor) -> Pairs:
        """Return candidate pairs, all whose key lies in the query's ball among them, from squared radii float64 [B]."""
        return self._pairs(chunk, radii[:, None], chunk.lengths)

    def _pairs(self, chunk: Chunk, radii: Tensor, lengths: Tensor) -> Pairs:
        kind = chunk.squared.dtype
        widest = radii + _slack(self._keys.shape[1], kind, lengths + radii)
        queries, keys = (chunk.squared <= widest.to(kind)).nonzero(as_tuple=True)
        around = lengths.expand(chunk.squared.shape)[queries, keys]
        return Pairs(queries, keys, chunk.squared[queries, keys], around, chunk, self._keys)


def _fits(centred: Tensor) -> bool:
    """Return whether float32 can represent the squares of these features and their sum."""
    return bool(_LEAST < centred.abs().max() < _MOST)


def nearest(queries: Tensor, keys: Tensor, k: int, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """Return distances float64 [N,k], ascending, and indices int64 [N,k] of each query's k nearest keys.

    Queries [N,D], keys [M,D]. With `exclude_self` the queries are the keys, and no face is its own neighbour, while
    another identical face is. Distances are summed from differences, so that identical faces are at exactly 0.
    Raises UsageError for features that are not finite or k above the number of keys.
    """
    queries, keys = checked_features("nearest neighbours", queries, keys, at_least=1)
    most = len(keys) - int(exclude_self)
    if not 1 <= k <= most:
        raise UsageError(f"nearest neighbours: {k} requested among {most} faces; give more faces")
    excluded = torch.arange(len(queries)) if exclude_self else None
    distances, indices, sure = _nearest(Keys(keys), queries, keys, k, excluded)
    if not bool(sure.all()):
        again = _nearest(
            Keys(keys, torch.float64), queries[~sure], keys, k, None if excluded is None else excluded[~sure]
        )
        distances[~sure], indices[~sure], _ = again
    return distances, indices


def _nearest(
    space: Keys, queries: Tensor, keys: Tensor, k: int, excluded: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what `nearest` does, and for which queries that is certain, bool [N].

    `excluded` int64 [N] is each query's own place among the keys, None where queries are not among them.
    """
    distances = torch.empty(len(queries), k, dtype=torch.float64)
    indices = torch.empty(len(queries), k, dtype=torch.int64)
    sure = torch.ones(len(queries), dtype=torch.bool)
    candidate_count = min(k + _SPARE, len(keys))
    for chunk in space.chunks(queries):
        if excluded is not None:
            chunk.squared.scatter_(1, excluded[chunk.rows, None], torch.inf)
        bounds, candidates = chunk.squared.topk(candidate_count, largest=False)
        exact = (chunk.queries[:, None] - keys[candidates]).square().sum(2)
        exact.masked_fill_(bounds.isinf(), torch.inf)
        near, order = exact.sort(1)
        distances[chunk.rows] = near[:, :k].sqrt()
        indices[chunk.rows] = candidates.gather(1, order[:, :k])
        if candidate_count < len(keys):
            sure[chunk.rows] = near[:, k - 1] <= bounds[:, -1].clamp(min=0)
    return distances, indices, sure
