"""The four scores that count neighbours: precision, recall, density, coverage.

A face's ball reaches to its k-th nearest other face of its own set, and the ball's surface belongs to it.

precision  share of fakes inside the ball (k = 3) of some real face (arXiv:1904.06991, eq. 1 and 2): 0 to 1
recall     share of real faces inside the ball (k = 3) of some fake (the same, sets exchanged): 0 to 1
density    mean over fakes of the number of real balls (k = 5) around them, by k (arXiv:2002.09797, eq. 4): 0 and up,
           expected to be 1 where fakes and real faces are drawn alike
coverage   share of real faces with a fake inside their ball (k = 5) (the same, eq. 6): 0 to 1

Higher is better, to what real faces reach against other real faces: density above that is crowding. Precision and
density say how real the fakes look, recall and coverage how much of the real faces' variety they show.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.errors import UsageError
from fergan_core.metrics.checks import checked_features, checked_groups
from fergan_core.metrics.distances import Keys, nearest

PRECISION_K = 3
DENSITY_K = 5
SPARE = 5  # neighbours kept beyond the k-th, for when a group that holds some of the nearest is left out


@dataclass(frozen=True)
class Neighbourhoods:
    """Precision and density of each fake face, float64 [M]; recall and coverage, and both without each group, [G]."""

    precision: Tensor
    density: Tensor
    recall: float
    coverage: float
    recall_without: Tensor
    coverage_without: Tensor


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
    # Without a group no other fake's ball shrinks, and few grow: beyond the balls of all, only the rims count.
    own, widest = fake_radii[0], fake_radii.amax(0)
    precise = torch.zeros(len(fake), dtype=torch.bool)
    balls = torch.zeros(len(fake), dtype=torch.int64)
    filled, recalled, regained = torch.zeros(3, count, len(real), dtype=torch.bool)
    space = Keys(real)
    for group in torch.unique(groups).tolist():
        members = (groups == group).nonzero().squeeze(1)
        for chunk in space.chunks(fake[members]):
            faces = members[chunk.rows]
            near = space.in_balls_of_keys(chunk, outer)
            inside = near.within(outer[near.keys])
            balls[faces] = near.queries[inside].bincount(minlength=len(faces))
            filled[group, near.keys[inside]] = True
            precise[faces[near.queries[near.within(inner[near.keys])]]] = True
            around = space.in_balls_of_queries(chunk, widest[faces])
            held = around.within(own[faces[around.queries]])
            recalled[group, around.keys[held]] = True
            rims = (~held).nonzero().squeeze(1)
            reached = around.squared(rims) <= fake_radii[1:, faces[around.queries[rims]]]
            for other in range(count):
                regained[other, around.keys[rims[reached[other]]]] = True
    return Neighbourhoods(
        precision=precise.double(),
        density=balls.double() / DENSITY_K,
        recall=float(recalled.any(0).double().mean()),
        coverage=float(filled.any(0).double().mean()),
        recall_without=(_by_others(recalled) | regained).double().mean(1),
        coverage_without=_by_others(filled).double().mean(1),
    )


def _by_others(reached: Tensor) -> Tensor:
    """Return what some other group has reached, bool [G,N], from what each has."""
    return reached.sum(0) > reached.long()
