"""Memorisation: are fakes closer to training faces than unseen real faces are?

C_T (Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675, sections 3 and 4) answers for the set, as a z-score:
about 0 where fakes are as far from the training faces as unseen real ones are, well below 0 where they copy, above 0
where they are farther away. Authenticity (Alaa et al. 2021, arXiv:2102.08921, section 4.3) answers for each fake: it is
the share of fakes that are farther from their nearest training face than that face is from its own nearest other; 0 to
1, higher is better. C_T grows with the number of faces in a cell, as z-scores do: compare it at one number of fakes,
unseen faces and cells, and compare both with what other unseen real faces score. Neither detects copies that the
features do not distinguish; always look at the neighbours too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy import special
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.bins import closest, kmeans
from fergan_core.metrics.checks import checked_features, checked_groups
from fergan_core.metrics.distances import nearest
from fergan_core.metrics.intervals import Interval, interval_of_blocks, interval_of_share

ENOUGH = 20  # faces in a cell from which a rank sum is about normal, as the paper has it


@dataclass(frozen=True)
class TrainingSet:
    """Training faces float64 [N,D], centres of cells [C,D]; each unseen real face's distance and cell, [T]."""

    faces: Tensor
    centres: Tensor
    unseen_distances: Tensor
    unseen_cells: Tensor


@dataclass(frozen=True)
class Copying:
    """C_T, what its interval needs, and for each fake, [M], 1 if it is authentic, else 0.

    `least` and `most` float64 [1+G], of all fakes and then without each group, are the smallest and largest C_T where
    each cell counts with some probability of holding 20 fakes in another draw, within that probability's bounds.
    `step` is how much one fake can change C_T, by moving from before all unseen faces of its cell to behind them;
    `distances` and `indices` [M] are of each fake's nearest training face.
    """

    ct: float
    least: Tensor
    most: Tensor
    step: float
    authentic: Tensor
    distances: Tensor
    indices: Tensor


def training_set(train: Tensor, test: Tensor, *, cells: int, seed: int = 0) -> TrainingSet:
    """Measure unseen real faces [T,D] against training faces [N,D], in the cells of k-means on the latter.

    A cell with fewer than 20 unseen faces is dropped, and its faces join the neighbouring cells, so that each cell can
    be tested.
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

    Ties count half, and the variance is not corrected for them: the score is then a little too close to 0.
    """
    spread = (fakes * unseen * (fakes + unseen + 1) / 12).sqrt()
    return (rank_sum - fakes * unseen / 2) / spread


def _weights(fakes: Tensor, unseen: Tensor) -> Tensor:
    """Return each cell's weight [C]: its unseen faces, or 0 with fewer than 20 fakes; UsageError if all are 0.

    That is the paper's rule for cells too small for a rank sum to be about normal (section 4).
    """
    weights = torch.where(fakes >= ENOUGH, unseen, torch.zeros_like(unseen))
    if not bool(weights.any()):
        raise UsageError(
            f"copying: {int(fakes.sum())} fakes put {ENOUGH} in none of {len(unseen)} cells; give more faces"
        )
    return weights


def _ct(beaten: Tensor, fakes: Tensor, unseen: Tensor, weights: Tensor) -> Tensor:
    """C_T [...] from the cells' U [...,C], fakes [...,C], unseen faces [C] and weights [C]: their mean z by weight."""
    counts = (weights > 0) & (fakes > 0)
    scores = torch.where(counts, z_score(beaten, fakes, unseen), torch.zeros_like(beaten))
    used = torch.where(counts, weights, torch.zeros_like(beaten))
    return (used * scores).sum(-1) / used.sum(-1)


def _rates(fakes: Tensor) -> Tensor:
    """Return bounds of the probability that another draw puts 20 fakes into each cell [C]: float64 [2,C].

    They are the probabilities at both ends of the 95 % interval of the cell's share of the fakes; those within 0.001 of
    0 or 1 are rounded to it.
    """
    total = int(fakes.sum())
    ends = [interval_of_share(count / total, total) for count in fakes.tolist()]
    rates = torch.tensor(
        [[float(special.bdtrc(ENOUGH - 1, total, end)) for end in (interval.low, interval.high)] for interval in ends],
        dtype=torch.float64,
    )
    return torch.where(rates < 1e-3, 0.0, torch.where(rates > 1 - 1e-3, 1.0, rates)).T


def _extreme(beaten: Tensor, fakes: Tensor, unseen: Tensor, largest: bool) -> Tensor:
    """C_T [1+G] of U and fakes [1+G,C], all and without each group, by the rates that make the first least or largest.

    A weighted mean whose weights are bounded is largest with the upper bounds for all values above some threshold and
    the lower bounds for the others: C thresholds are tried.
    """
    low, high = _rates(fakes[0])
    scores = torch.where(fakes[0] > 0, z_score(beaten[0], fakes[0], unseen), torch.zeros_like(unseen))
    order = scores.argsort(descending=largest)
    candidates = []
    for above in range(1, len(order) + 1):
        rates = low.clone()
        rates[order[:above]] = high[order[:above]]
        if bool(rates.any()):
            candidates.append(_ct(beaten, fakes, unseen, rates * unseen))
    choose = max if largest else min
    return choose(candidates, key=lambda values: float(values[0]))


def _step(fakes: Tensor, unseen: Tensor, weights: Tensor) -> float:
    """Return how much one fake can change C_T, the largest of all cells, from fakes, unseen faces and weights [C]."""
    moved = z_score(unseen, fakes, unseen) - z_score(torch.zeros_like(unseen), fakes, unseen)
    return float(torch.where(weights > 0, weights * moved, torch.zeros_like(moved)).max() / weights.sum())


def _beaten(reference: TrainingSet, distances: Tensor, cells: Tensor) -> Tensor:
    """Count, for each fake [M], the unseen faces of its cell that are nearer to a training face; ties count half."""
    beaten = torch.zeros(len(distances), dtype=torch.float64)
    for cell in range(len(reference.centres)):
        unseen = reference.unseen_distances[reference.unseen_cells == cell].sort().values
        in_cell = cells == cell
        nearer = torch.searchsorted(unseen, distances[in_cell])
        as_near = torch.searchsorted(unseen, distances[in_cell], right=True)
        beaten[in_cell] = (nearer + as_near).double() / 2
    return beaten


def _authentic(train: Tensor, distances: Tensor, indices: Tensor) -> Tensor:
    """1 for each fake farther from its nearest training face than that is from its nearest other, else 0: float64 [M].

    A face that is in the training set twice counts once: were its twin another face, each near-copy of it would pass
    for authentic.
    """
    chosen, place = torch.unique(indices, return_inverse=True)
    # The nearest of all different faces is the face itself, at distance 0.
    gaps = nearest(train[chosen], torch.unique(train, dim=0), 2)[0][:, 1]
    return (distances > gaps[place]).double()


def copying(reference: TrainingSet, fake: Tensor, groups: Tensor) -> Copying:
    """C_T and authenticity of fake [M,D], and what C_T's interval needs, from its groups int64 [M].

    The nearest training face is searched in the complete set, across cells. An exact duplicate among the training faces
    changes no distance to the nearest; of two, `indices` names either.
    Raises UsageError where no cell holds 20 fakes; 20 fakes for each cell are always enough.
    """
    _, fake = checked_features("copying", reference.faces, fake)
    count = checked_groups("copying", groups, len(fake))
    distances, indices = (column[:, 0] for column in nearest(fake, reference.faces, 1))
    cells, size = closest(fake, reference.centres)[1], len(reference.centres)
    unseen = torch.bincount(reference.unseen_cells, minlength=size).double()
    place = groups * size + cells
    beaten = torch.bincount(place, _beaten(reference, distances, cells), minlength=count * size).view(count, size)
    fakes = torch.bincount(place, minlength=count * size).view(count, size).double()
    # All fakes, then without each group.
    beaten, fakes = (torch.cat([by_group.sum(0)[None], by_group.sum(0) - by_group]) for by_group in (beaten, fakes))
    weights = _weights(fakes[0], unseen)
    return Copying(
        ct=float(_ct(beaten[0], fakes[0], unseen, weights)),
        least=_extreme(beaten, fakes, unseen, largest=False),
        most=_extreme(beaten, fakes, unseen, largest=True),
        step=_step(fakes[0], unseen, weights),
        authentic=_authentic(reference.faces, distances, indices),
        distances=distances,
        indices=indices,
    )


def interval_of_ct(blocks: Sequence[Copying]) -> Interval:
    """Return the mean C_T of blocks of fakes with its 95 % interval over their drawing.

    The lower end is the jackknife's (with `step`) of `least`, the upper end that of `most`: a cell with about 20 fakes
    counts in some draws and not in others, so that C_T jumps, which a jackknife of one draw does not show.
    """
    value = sum(block.ct for block in blocks) / len(blocks)
    step = max(block.step for block in blocks)
    least, most = (
        interval_of_blocks(
            torch.stack([values[0] for values in ends]), torch.stack([values[1:] for values in ends]), step=step
        )
        for ends in ([block.least for block in blocks], [block.most for block in blocks])
    )
    return Interval(value, min(least.low, value), max(most.high, value))
