"""The claims, the studies that try them, the scores they are tried by, and what a verdict says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Answer = Literal["holds", "does not hold", "cannot tell", "not tried"]
Strength = Literal["shown", "suggested"]

_SWEEP = "python -m trainers.sweep --study"


@dataclass(frozen=True)
class Claim:
    """A sentence about GANs, the study whose runs try it, and the commands that train them."""

    key: str
    title: str
    study: str
    commands: tuple[str, ...]


# All sizes see about 103,000 images, and are scored four times on the way or more, the largest after a quarter of it.
_SIZES = tuple(
    f"{_SWEEP} claim-data --data fer2013.csv --preset quick --seeds 5 --vary images={images} epochs={epochs} "
    f"eval_every={every} checkpoint_every={every}"
    for images, epochs, every in ((200, 512, 128), (1000, 104, 26), (5000, 20, 5), (28000, 4, 1))
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "convergence",
        "GANs do not converge",
        "claim-convergence",
        (
            f"{_SWEEP} claim-convergence --data fer2013.csv --preset quick --seeds 5 "
            "--set epochs=24 eval_every=2 checkpoint_every=6 --vary loss=non-saturating",
        ),
    ),
    Claim("data", "GANs collapse with little data", "claim-data", _SIZES),
    Claim("steps", "GANs collapse with few steps", "claim-data", _SIZES),
    Claim(
        "parameters",
        "GANs depend on their parameters",
        "claim-parameters",
        (
            f"{_SWEEP} claim-parameters --data synthfer --preset quick --seeds 5 --vary loss=non-saturating,hinge "
            "spectral_norm=none,discriminator d_lr=5e-5,2e-4,8e-4 --set images=4000 epochs=9 eval_every=0 "
            "checkpoint_every=9",
        ),
    ),
)
STUDIES: tuple[str, ...] = tuple(dict.fromkeys(claim.study for claim in CLAIMS))
_BY_KEY: Mapping[str, Claim] = {claim.key: claim for claim in CLAIMS}


def claim(key: str) -> Claim:
    """Return the claim of a key."""
    return _BY_KEY[key]


@dataclass(frozen=True)
class Score:
    """A score that claims are tried by: a share, of which more is better, or a distance, of which less is.

    Both are compared as their `badness`, a scale on which runs' spreads are alike and differences can be said: a
    share's negative, whose differences are points; a distance's logarithm, whose differences are ratios.
    """

    key: str
    title: str
    kind: Literal["share", "distance"]

    def badness(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return values as numbers that are the higher, the worse; no finite one of a distance of 0."""
        numbers = np.asarray(values, dtype=float)
        if self.kind == "share":
            return -numbers
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log(numbers), dtype=float)

    def natural(self, badness: float) -> float:
        """Return the value that has such a badness."""
        return 0.0 - badness if self.kind == "share" else float(np.exp(badness))  # and not -0.0

    def margin(self, badness: float) -> float:
        """Return how much more badness a tenth worse is: less than that is not a difference worth a claim."""
        return 0.1 * self.natural(badness) if self.kind == "share" else float(np.log(1.1))

    def written(self, badness: float) -> str:
        """Write the value that has such a badness."""
        value = self.natural(badness)
        return f"{value:.1%}" if self.kind == "share" else f"{value:,.3g}"

    def difference(self, worse: float, low: float, high: float) -> str:
        """Write how much worse something is, in badness, with its interval."""
        if self.kind == "distance":
            times = [f"{np.exp(end):.2f}" for end in (worse, low, high)]
            return f"{times[0]} times as high (95 % interval {times[1]} to {times[2]})"
        direction, (least, most) = ("lower", (low, high)) if worse >= 0 else ("higher", (-high, -low))
        return f"{direction} by {100 * abs(worse):.1f} points (95 % interval {100 * least:.1f} to {100 * most:.1f})"

    def interval(self, low: float, high: float) -> tuple[float, float]:
        """Return how much worse in the score's own terms: points of a share as a share, ratios of a distance."""
        return (low, high) if self.kind == "share" else (float(np.exp(low)), float(np.exp(high)))


SCORES: Mapping[str, Score] = {
    score.key: score
    for score in (
        Score("coverage", "coverage", "share"),
        Score("recall", "recall", "share"),
        Score("fid", "FID", "distance"),
    )
}


@dataclass(frozen=True)
class Verdict:
    """What the registry says of a claim, in a sentence with its numbers, and what that rests on.

    `strength` is None where nothing is told, and 'suggested' below five seeds. `low` and `high` are the ends of the
    95 % interval of what `interval_of` says, None where there is none. `protocol` says in words
    what its scores have in common. `table` is what the claim's figure shows.
    """

    claim: Claim
    verdict: Answer
    strength: Strength | None
    sentence: str
    low: float | None = None
    high: float | None = None
    interval_of: str = ""
    run_ids: tuple[str, ...] = ()
    seeds: int = 0
    data: str = ""
    protocol: str = ""
    table: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return all but the table as plain JSON values."""
        return {
            "claim": self.claim.key,
            "title": self.claim.title,
            "verdict": self.verdict,
            "strength": self.strength,
            "sentence": self.sentence,
            "interval": None if self.low is None else [self.low, self.high],
            "interval_of": self.interval_of,
            "runs": list(self.run_ids),
            "seeds": self.seeds,
            "data": self.data,
            "protocol": self.protocol,
            "study": self.claim.study,
            "commands": list(self.claim.commands),
        }
