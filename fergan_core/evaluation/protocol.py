"""The protocol of an evaluation, and which emotions it requests of a generator."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fergan_core.errors import DataError, UsageError
from fergan_core.metrics.intervals import GROUPS
from fergan_core.protocols import BESIDE_JUDGE
from fergan_core.recipe import Sampling

FINAL_COUNT = 10_000
LIGHT_COUNT = 2_000  # of evaluations in training, every few epochs


@dataclass(frozen=True)
class Protocol:
    """What an evaluation's scores depend on besides the weights: judge, number of faces, seed, emotions, truncation.

    `prior` 'natural' requests each emotion as often as it is in the report part of the data, 'balanced' all equally
    often, among the generator's emotions only. Latents are multiplied by `truncation`, above 0 to 1.
    `seed` draws the faces and also puts them, or those of a file, into the order in which they are cut into blocks,
    splits and prefixes: the order that they come in changes no digit.
    `sampling` replaces the recipe's sampler, steps and guidance, for a generator that has several.
    Raises UsageError for fewer than 20 faces, an unknown prior or a truncation outside of its range.
    """

    judge: str
    count: int = FINAL_COUNT
    seed: int = 0
    prior: Literal["natural", "balanced"] = "natural"
    truncation: float = 1.0
    sampling: Sampling | None = None

    def __post_init__(self) -> None:
        if self.count < GROUPS:
            raise UsageError(f"--count: {self.count} faces are too few for an interval; ask for {GROUPS} or more")
        if self.prior not in ("natural", "balanced"):
            raise UsageError(f"--prior: unknown prior '{self.prior}'; use natural or balanced")
        if not 0 < self.truncation <= 1:
            raise UsageError(f"--truncation: {self.truncation} is not above 0 and at most 1; 1 leaves latents as drawn")

    def as_dict(self) -> dict[str, Any]:
        """Return what the registry stores of the protocol besides the judge."""
        plain = {name: getattr(self, name) for name in BESIDE_JUDGE}
        return plain if self.sampling is None else plain | {"sampling": asdict(self.sampling)}


def apportion(shares: Sequence[float], count: int) -> list[int]:
    """Split `count` >= 0 into whole parts in proportion to shares >= 0, by largest remainder (ties: the first).

    Raises DataError where all shares are 0.
    """
    total = sum(shares)
    if total <= 0:
        raise DataError("there are no labelled real faces of the generator's emotions; use --prior balanced")
    exact = [share * count / total for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_remainder[: count - sum(parts)]:
        parts[index] += 1
    return parts


def requested(codes: Sequence[int], shares: Sequence[float], protocol: Protocol) -> Tensor:
    """Return the emotions to request: int64 [count], FER2013 codes in these shares, shuffled by the protocol's seed."""
    counts = apportion(shares, protocol.count)
    labels = np.repeat(np.asarray(codes, dtype=np.int64), counts)
    return torch.from_numpy(np.random.default_rng(protocol.seed).permutation(labels))


def keeping_prior(
    labels: NDArray[np.integer[Any]], codes: Sequence[int], shares: Sequence[float], most: int, seed: int
) -> NDArray[np.int64]:
    """Choose images int64 [n] whose emotions have these shares: as many as `labels` allow, at most `most`."""
    held = [int((labels == code).sum()) for code in codes]
    total = sum(shares)
    possible = min((have * total / share for share, have in zip(shares, held, strict=True) if share > 0), default=0)
    counts = apportion(shares, min(most, int(possible + 1e-9)))
    chooser = np.random.default_rng(seed)
    chosen = [
        chooser.permutation(np.flatnonzero(labels == code))[:number] for code, number in zip(codes, counts, strict=True)
    ]
    return chooser.permutation(np.concatenate(chosen)).astype(np.int64)
