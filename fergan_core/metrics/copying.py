"""Memorising: are fakes closer to training faces than real faces are that were never trained on?

C_T (Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675, sections 3 and 4) asks it of the whole set, in z-scores:
about 0 where fakes are as far from the training faces as unseen real ones are, well below 0 where they copy, above
where they are farther off. Authenticity (Alaa et al. 2021, arXiv:2102.08921, section 4.3) asks it of each fake:
the share of fakes that are farther from their nearest training face than that is from its own nearest other; 0 to 1,
higher is better. C_T grows with the number of faces in a cell, as z-scores do: compare it at one number of fakes,
unseen faces and cells, and both with what other unseen real faces get. Both are blind to copies that their features
do not see; always look at the neighbours too.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.bins import closest, kmeans
from fergan_core.metrics.checks import checked_features, checked_groups
from fergan_core.metrics.distances import nearest

ENOUGH = 20  # faces in a cell from which a rank sum is about normal, as the paper has it


@dataclass(frozen=True)
class TrainingSet:
    """Training faces float64 [N,D], centres of cells [C,D]; of unseen real faces [T] the distance and the cell."""

    faces: Tensor
    centres: Tensor
    unseen_distances: Tensor
    unseen_cells: Tensor


@dataclass(frozen=True)
class Copying:
    """C_T and its values without each group, float64 [G], and for each fake, [M], 1 if it is authentic, else 0.

    `ct_step` is by how much one fake can move C_T, from before all unseen faces of its cell to behind them;
    `distances` and `indices` [M] tell each fake's nearest training face.
    """

    ct: float
    ct_without: Tensor
    ct_step: float
    authentic: Tensor
    distances: Tensor
    indices: Tensor


def training_set(train: Tensor, test: Tensor, *, cells: int, seed: int = 0) -> TrainingSet:
    """Measure unseen real faces [T,D] against training faces [N,D], in the cells of k-means on the latter.

    A cell with fewer than 20 unseen faces is given up to those beside it, so that each is fit to be tested.
    Raises UsageError where no cell has 20, or for fewer than `cells` different training faces.
    """
    train, test = checked_features("copying", train, test)
    centres = kmeans(train, cells, seed)
    centres = centres[torch.bincount(closest(test, centres)[1], minlength=cells) >= ENOUGH]
    if len(centres) == 0:
        raise UsageError(f"copying: {len(test)} unseen faces put {ENOUGH} in none of {cells} cells; give more faces")
    return TrainingSet(train, centres, nearest(test, train, 1)[0][:, 0], closest(test, centres)[1])


def z_score(rank_sum: Tensor, fakes: Tensor, unseen: Tensor) -> Tensor:
    """Mann & Whitney's U of `fakes` against `unseen` faces as a z-score (section 3.2); below 0 where U is small.

    Ties count half and leave the variance as it is without them: the score is then a little too near 0.
    """
    spread = (fakes * unseen * (fakes + unseen + 1) / 12).sqrt()
    return (rank_sum - fakes * unseen / 2) / spread


def _weights(fakes: Tensor, unseen: Tensor) -> Tensor:
    """Return how much each cell counts: its unseen faces, none with fewer than 20 fakes; UsageError if none counts."""
    weights = torch.where(fakes >= ENOUGH, unseen, torch.zeros_like(unseen))
    total = weights.sum(-1)
    if not bool(total.all()):
        few = int(fakes.sum(-1)[total == 0].max())
        raise UsageError(f"copying: {few} fakes put {ENOUGH} in none of {len(unseen)} cells; give more faces")
    return weights / total[..., None]


def _ct(beaten: Tensor, fakes: Tensor, unseen: Tensor) -> Tensor:
    """C_T [...] from the cells' U [...,C], fakes [...,C] and unseen faces [C]: mean z by the cells' unseen faces."""
    weights = _weights(fakes, unseen)
    scores = torch.where(weights > 0, z_score(beaten, fakes, unseen), torch.zeros_like(beaten))
    return (weights * scores).sum(-1)


def _step(fakes: Tensor, unseen: Tensor) -> float:
    """Return by how much one fake can move C_T, of cells' fakes [C] and unseen faces [C]: the most of any cell."""
    weights = _weights(fakes, unseen)
    moved = z_score(unseen, fakes, unseen) - z_score(torch.zeros_like(unseen), fakes, unseen)
    return float(torch.where(weights > 0, weights * moved, torch.zeros_like(moved)).max())


def _beaten(reference: TrainingSet, distances: Tensor, cells: Tensor) -> Tensor:
    """Count, for each fake [M], the unseen faces of its cell that are nearer to a training face; ties count half."""
    beaten = torch.zeros(len(distances), dtype=torch.float64)
    for cell in range(len(reference.centres)):
        unseen = reference.unseen_distances[reference.unseen_cells == cell].sort().values
        here = cells == cell
        nearer = torch.searchsorted(unseen, distances[here])
        as_near = torch.searchsorted(unseen, distances[here], right=True)
        beaten[here] = (nearer + as_near).double() / 2
    return beaten


def _authentic(train: Tensor, distances: Tensor, indices: Tensor) -> Tensor:
    """1 for each fake farther from its nearest training face than that is from its nearest other, else 0: float64 [M].

    A face that is in the training set twice is taken once: its twin is no other face, or each near-copy of it would
    pass for authentic.
    """
    chosen, place = torch.unique(indices, return_inverse=True)
    # The nearest of all different faces is the face itself, at distance 0.
    gaps = nearest(train[chosen], torch.unique(train, dim=0), 2)[0][:, 1]
    return (distances > gaps[place]).double()


def copying(reference: TrainingSet, fake: Tensor, groups: Tensor) -> Copying:
    """C_T and authenticity of fake [M,D], the first also without each of its groups int64 [M].

    The nearest training face is sought in the whole set, also across a cell's border. An exact duplicate among the
    training faces changes no distance to the nearest; of two, `indices` names either.
    Raises UsageError where, with a group left out, no cell holds 20 fakes: 20 times as many as cells always do.
    """
    _, fake = checked_features("copying", reference.faces, fake)
    count = checked_groups("copying", groups, len(fake))
    distances, indices = (found[:, 0] for found in nearest(fake, reference.faces, 1))
    cells, size = closest(fake, reference.centres)[1], len(reference.centres)
    unseen = torch.bincount(reference.unseen_cells, minlength=size).double()
    place = groups * size + cells
    beaten = torch.bincount(place, _beaten(reference, distances, cells), minlength=count * size).view(count, size)
    fakes = torch.bincount(place, minlength=count * size).view(count, size).double()
    return Copying(
        ct=float(_ct(beaten.sum(0), fakes.sum(0), unseen)),
        ct_without=_ct(beaten.sum(0) - beaten, fakes.sum(0) - fakes, unseen),
        ct_step=_step(fakes.sum(0), unseen),
        authentic=_authentic(reference.faces, distances, indices),
        distances=distances,
        indices=indices,
    )
