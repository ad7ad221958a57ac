"""The four scores that count neighbours: precision, recall, density, coverage.

A face's ball reaches to its k-th nearest other face of its own set, and the ball's surface belongs to it.

precision  share of fakes inside the ball (k = 3) of some real face (arXiv:1904.06991, eq. 1 and 2): 0 to 1
recall     share of real faces inside the ball (k = 3) of some fake (the same, sets exchanged): 0 to 1
density    mean over fakes of the number of real balls (k = 5) around them, by k (arXiv:2002.09797, eq. 4): 0 and up,
           expected to be 1 where fakes and real faces are drawn alike
coverage   share of real faces with a fake inside their ball (k = 5) (the same, eq. 6): 0 to 1

Higher is better, up to what real faces score against other real faces: a higher density means that fakes crowd
together. Precision and density measure how real the fakes look, recall and coverage how much of real variety they show.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.metrics.checks import checked_features
from fergan_core.metrics.distances import CHUNK, Keys, nearest
from fergan_core.metrics.intervals import Interval, interval_of_share

PRECISION_K = 3
DENSITY_K = 5


@dataclass(frozen=True)
class Reached:
    """The share of real faces that fakes reach, 0 to 1, and its effective number of independent trials."""

    share: float
    trials: float


@dataclass(frozen=True)
class Neighbourhoods:
    """Precision and density of each fake face, float64 [M]; recall and coverage of all of them."""

    precision: Tensor
    density: Tensor
    recall: Reached
    coverage: Reached


def neighbourhoods(real: Tensor, fake: Tensor) -> Neighbourhoods:
    """Precision, recall, density and coverage of fake [M,D] against real [N,D].

    Precision and density are means over the fakes of what is returned for each. Raises UsageError for fewer than 6.
    """
    real, fake = checked_features("neighbourhoods", real, fake, at_least=DENSITY_K + 1)
    real_radii = nearest(real, real, DENSITY_K, exclude_self=True)[0].square()
    inner, outer = real_radii[:, PRECISION_K - 1], real_radii[:, DENSITY_K - 1]
    fake_radii = nearest(fake, fake, PRECISION_K, exclude_self=True)[0][:, -1].square()
    precise = torch.zeros(len(fake), dtype=torch.bool)
    filled, recalled = torch.zeros(2, len(fake), len(real), dtype=torch.bool)
    space = Keys(real)
    for chunk in space.chunks(fake):
        near = space.in_balls_of_keys(chunk, outer)
        inside = near.within(outer[near.keys])
        filled[chunk.rows][near.queries[inside], near.keys[inside]] = True
        precise[chunk.rows][near.queries[near.within(inner[near.keys])]] = True
        radii = fake_radii[chunk.rows]
        around = space.in_balls_of_queries(chunk, radii)
        held = around.within(radii[around.queries])
        recalled[chunk.rows][around.queries[held], around.keys[held]] = True
    return Neighbourhoods(
        precision=precise.double(),
        density=filled.sum(1).double() / DENSITY_K,
        recall=_reached(recalled, PRECISION_K),
        coverage=_reached(filled, DENSITY_K),
    )


def interval_of_reached(blocks: Sequence[Reached]) -> Interval:
    """Return the mean share of blocks with its 95 % interval over the sampling of fakes; the real faces are fixed."""
    share = sum(block.share for block in blocks) / len(blocks)
    return interval_of_share(share, len(blocks) ** 2 / sum(1 / block.trials for block in blocks))


def _reached(reached: Tensor, ordinary: int) -> Reached:
    """Return the share of real faces that some fake reaches, bool [M,N], and its effective number of trials.

    A fake reaches several real faces at once, so that N of them are not N trials. Each reached face is shared equally
    among the fakes that reach it; fakes with shares s make clusters of mean size sum s^2 / sum s, by which N is divided
    (the design effect of clusters, Kish 1965, section 5.4, here weighted by their size). One more fake is added, which
    reaches as much as the best one and an `ordinary` one together, as such a fake may not have been sampled yet.
    """
    reaching = reached.sum(0)
    weights = torch.where(reaching > 0, 1 / reaching.double(), torch.zeros(len(reaching), dtype=torch.float64))
    shares = torch.cat([part.double() @ weights for part in torch.split(reached, max(1, CHUNK // len(weights)))])
    next_reach = float(shares.max()) + ordinary
    cluster_size = (float(shares.square().sum()) + next_reach**2) / (float(shares.sum()) + next_reach)
    return Reached(float((reaching > 0).double().mean()), len(reaching) / max(1.0, cluster_size))
