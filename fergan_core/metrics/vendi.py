"""The Vendi score: how many different faces a set amounts to, by the judge's features and without a reference.

It is exp of the Shannon entropy of the eigenvalues of K/N, K being the cosine similarities of all pairs of faces
(Friedman & Dieng 2023, arXiv:2210.02410, definition 3.1): 1 (all alike) to the smaller of N and D (all orthogonal).
Higher is more diverse, noise included, so compare it with the score of the same number of real faces.
"""

import torch
from torch import Tensor

from fergan_core.metrics.checks import checked_features, members


def vendi(features: Tensor) -> float:
    """Vendi score of features [N,D], N >= 1: 1 to min(N, D), higher is more diverse.

    Faces whose features are all 0 are alike, and orthogonal to all others: they count as one more direction.
    """
    directions = _directions(features)
    count, width = directions.shape
    # X X^T and X^T X have the same eigenvalues except zeros, which add no entropy: use the smaller.
    kernel = directions.mT @ directions if width < count else directions @ directions.mT
    return float(_effective_number(kernel / count))


def vendi_without(features: Tensor, groups: Tensor) -> Tensor:
    """Vendi score with each group of faces [N,D] left out: float64 [G], from groups int64 [N] of 0..G-1."""
    directions = _directions(features)
    inside = members("Vendi score", groups, len(directions))
    total = directions.mT @ directions
    values = []
    for index in inside:
        part = directions[index]
        values.append(_effective_number((total - part.mT @ part) / (len(directions) - len(index))))
    return torch.stack(values)


def _directions(features: Tensor) -> Tensor:
    """Check features [N,D] and scale each face's to length 1; all-zero ones get a dimension of their own: float64."""
    (features,) = checked_features("Vendi score", features, at_least=1)
    largest = features.abs().amax(1, keepdim=True)  # divided out first, so that no square is lost or too large
    empty = largest == 0
    if bool(empty.any()):
        features, largest = torch.cat([features, empty.double()], 1), largest + empty
    scaled = features / largest
    lengths: Tensor = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
    return scaled / lengths


def _effective_number(kernel: Tensor) -> Tensor:
    """Exp of the entropy of the eigenvalues of a symmetric matrix of trace 1."""
    eigenvalues = torch.linalg.eigvalsh(kernel).clamp(min=0.0)  # rounding alone makes them negative
    return torch.exp(-torch.xlogy(eigenvalues, eigenvalues).sum())
