"""Memorising: are fakes closer to training faces than real faces are that were never trained on?

C_T (Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675, sections 3 and 4) asks it of the whole set, in z-scores:
about 0 where fakes are as far from the training faces as unseen real ones are, well below 0 where they copy, above
where they are farther off. Authenticity (Alaa et al. 2021, arXiv:2102.08921, section 4.3) asks it of each fake:
the share of fakes that are farther from their nearest training face than that is from its own nearest other; 0 to 1,
higher is better. C_T grows with the number of faces in a cell, as z-scores do: compare it at one number of fakes,
unseen faces and cells, and both with what other unseen real faces get. Both are blind to copies that their features
do not see; always look at the neighbours too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import binom
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.bins import closest, kmeans
from fergan_core.metrics.checks import checked_features, checked_groups
from fergan_core.metrics.distances import nearest
from fergan_core.metrics.intervals import Interval, interval_of_blocks, interval_of_share

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
    """C_T, what its interval needs, and for each fake, [M], 1 if it is authentic, else 0.

    `least` and `most` float64 [1+G] are C_T of all fakes, then without each group, where each cell counts as often as
    it would in other draws of fakes: the rates, within what the draw allows, are those that make C_T least and most.
    `step` is by how much one fake can move C_T, from before all unseen faces of its cell to behind them; `distances`
    and `indices` [M] tell each fake's nearest training face.
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
    """Return how much each cell [C] counts: its unseen faces, none with fewer than 20 fakes; UsageError if none does.

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
    """Return the least and most often that each cell [C] of this many fakes holds 20 in other draws: float64 [2,C].

    A cell's share of the fakes is known as far as its 95 % interval goes. Rates within 1 in 1,000 of never or always
    are never or always.
    """
    total = int(fakes.sum())
    ends = [interval_of_share(count / total, total) for count in fakes.tolist()]
    rates = torch.tensor(
        [[float(binom.sf(ENOUGH - 1, total, end)) for end in (one.low, one.high)] for one in ends], dtype=torch.float64
    )
    return torch.where(rates < 1e-3, 0.0, torch.where(rates > 1 - 1e-3, 1.0, rates)).T


def _extreme(beaten: Tensor, fakes: Tensor, unseen: Tensor, largest: bool) -> Tensor:
    """C_T [1+G] of U and fakes [1+G,C], all and without each group, by the rates that make the first least or largest.

    Of a weighted mean whose weights lie between two ends each, the greatest has the upper ends for all values above
    some value and the lower ends for the others: only that many ways need be tried.
    """
    low, high = _rates(fakes[0])
    scores = torch.where(fakes[0] > 0, z_score(beaten[0], fakes[0], unseen), torch.zeros_like(unseen))
    order = scores.argsort(descending=largest)
    found = []
    for above in range(1, len(order) + 1):
        rates = low.clone()
        rates[order[:above]] = high[order[:above]]
        if bool(rates.any()):
            found.append(_ct(beaten, fakes, unseen, rates * unseen))
    choose = max if largest else min
    return choose(found, key=lambda values: float(values[0]))


def _step(fakes: Tensor, unseen: Tensor, weights: Tensor) -> float:
    """Return by how much one fake can move C_T, of cells' fakes, unseen faces and weights [C]: the most of any cell."""
    moved = z_score(unseen, fakes, unseen) - z_score(torch.zeros_like(unseen), fakes, unseen)
    return float(torch.where(weights > 0, weights * moved, torch.zeros_like(moved)).max() / weights.sum())


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

    A face that is in the training set twice is taken once: its twin is not another face, or each near-copy of it would
    pass for authentic.
    """
    chosen, place = torch.unique(indices, return_inverse=True)
    # The nearest of all different faces is the face itself, at distance 0.
    gaps = nearest(train[chosen], torch.unique(train, dim=0), 2)[0][:, 1]
    return (distances > gaps[place]).double()


def copying(reference: TrainingSet, fake: Tensor, groups: Tensor) -> Copying:
    """C_T and authenticity of fake [M,D], and what C_T's interval needs, from its groups int64 [M].

    The nearest training face is sought in the whole set, also across a cell's border. An exact duplicate among the
    training faces changes no distance to the nearest; of two, `indices` names either.
    Raises UsageError where no cell holds 20 fakes: 20 times as many as cells always do.
    """
    _, fake = checked_features("copying", reference.faces, fake)
    count = checked_groups("copying", groups, len(fake))
    distances, indices = (found[:, 0] for found in nearest(fake, reference.faces, 1))
    cells, size = closest(fake, reference.centres)[1], len(reference.centres)
    unseen = torch.bincount(reference.unseen_cells, minlength=size).double()
    place = groups * size + cells
    beaten = torch.bincount(place, _beaten(reference, distances, cells), minlength=count * size).view(count, size)
    fakes = torch.bincount(place, minlength=count * size).view(count, size).double()
    # First all fakes, then without each group.
    beaten, fakes = (torch.cat([own.sum(0)[None], own.sum(0) - own]) for own in (beaten, fakes))
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

    The ends are the jackknife's with `step`, of `least` and of `most`: where a cell has about 20 fakes it counts in
    some draws and not in others, and C_T jumps with it, which no jackknife of one draw sees.
    """
    value = sum(one.ct for one in blocks) / len(blocks)
    step = max(one.step for one in blocks)
    least, most = (
        interval_of_blocks(torch.stack([own[0] for own in ends]), torch.stack([own[1:] for own in ends]), step=step)
        for ends in ([one.least for one in blocks], [one.most for one in blocks])
    )
    return Interval(value, min(least.low, value), max(most.high, value))
