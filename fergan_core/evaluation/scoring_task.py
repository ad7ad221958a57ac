"""A scoring task: faces, cut into blocks of as many as there are real faces, and the reference they are scored by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

import torch
from torch import Tensor

from fergan_core.evaluation.faces import Reading
from fergan_core.metrics import bins, birthday, copying, frechet, kernel
from fergan_core.metrics.intervals import GROUPS, Interval, groups_of, interval_of_blocks

_CELLS = 3  # of C_T: FER2013's held-out tenth puts hundreds of faces in each


class ReferenceSet:
    """Real faces of all emotions or of one, and what is computed from them once for all tasks.

    `reference` are training faces in the protocol's label prior, `held_out` faces that neither generator nor judge was
    trained on, `trained_on` those that the evaluated run was trained on.
    """

    def __init__(self, reference: Reading, held_out: Reading, trained_on: Reading, seed: int) -> None:
        self.reference, self.held_out, self.trained_on, self.seed = reference, held_out, trained_on, seed

    @cached_property
    def statistics(self) -> frechet.Statistics:
        """Return the training faces' Gaussian."""
        return frechet.statistics(self.reference.features)

    @cached_property
    def in_spaces(self) -> dict[str, frechet.Statistics]:
        """Return the training faces' Gaussian in each space that knows no emotion."""
        return {name: frechet.statistics(features) for name, features in self.reference.spaces.items()}

    @cached_property
    def kernel_mean(self) -> float:
        """Return the training faces' mean kernel, their part of KID."""
        return kernel.kernel_mean(self.reference.features)

    @cached_property
    def bins(self) -> bins.Bins:
        """Return NDB's bins of the training faces."""
        return bins.make_bins(self.reference.features, seed=self.seed)

    @cached_property
    def threshold(self) -> float:
        """Return the distance below which two faces are duplicates."""
        return birthday.duplicate_threshold(self.reference.features)

    @cached_property
    def training_set(self) -> copying.TrainingSet:
        """Return the run's training faces, and the unseen faces' distances to them."""
        return copying.training_set(self.trained_on.features, self.held_out.features, cells=_CELLS, seed=self.seed)


@dataclass(frozen=True)
class ScoringTask:
    """Candidate faces, of all emotions or of one, and the real ones beside them (None where the data cannot be opened).

    `size` is the number of real faces that can be scored in the same way. FID, recall and Vendi depend on the number of
    faces, so the candidates are scored in blocks of that size.
    """

    faces: Reading
    size: int
    seed: int
    real: ReferenceSet | None

    @property
    def reference_set(self) -> ReferenceSet:
        """Return the real faces of a task that has them."""
        assert self.real is not None
        return self.real

    @property
    def manifold(self) -> Tensor:
        """Return the features of as many real training faces as a block has, or as there are."""
        return self.reference_set.reference.features[: self.size]

    @cached_property
    def binned(self) -> list[bins.Binned]:
        """Return how each block fills NDB's bins."""
        return [bins.binned(self.reference_set.bins, block.features, self.groups(len(block))) for block in self.blocks]

    @cached_property
    def blocks(self) -> list[Reading]:
        """Return the candidates in blocks of `size`, without the remainder; fewer than `size` are one block."""
        size = min(self.size, len(self.faces))
        return [self.faces.take(torch.arange(at, at + size)) for at in range(0, len(self.faces) - size + 1, size)]

    def groups(self, count: int) -> Tensor:
        """Deal a number of faces into the jackknife's groups: int64 [count]."""
        return groups_of(count, self.seed, min(GROUPS, count // 2))

    def over_blocks(
        self, score: Callable[[Reading, Tensor], tuple[float, Tensor]], low: float = -inf, high: float = inf
    ) -> Interval:
        """Return the mean over blocks of `score`, which gives a block's value, and its values without each group."""
        return self.of_blocks([score(block, self.groups(len(block))) for block in self.blocks], low, high)

    @staticmethod
    def of_blocks(
        of_each: Sequence[tuple[float, Tensor]], low: float = -inf, high: float = inf, *, step: float = 0.0
    ) -> Interval:
        """Return the mean of blocks' values with its jackknife interval within low..high (see `interval_of_blocks`)."""
        values = torch.tensor([value for value, _ in of_each], dtype=torch.float64)
        return interval_of_blocks(values, torch.stack([without for _, without in of_each]), low, high, step=step)
