"""The claims, the studies and scores that test them, and what a verdict says."""

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
    """A claim about GANs, the study whose runs test it, and the commands that train them."""

    key: str
    title: str
    study: str
    commands: tuple[str, ...]


# All sizes see about 103,000 images and are scored at least four times; the largest first after a quarter of them.
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
    """A score by which claims are tested: a share (higher is better) or a distance (lower is better).

    Both are compared on the scale `badness`, on which higher is worse: a share's negative, whose differences are
    points, or a distance's logarithm, whose differences are ratios.
    """

    key: str
    title: str
    kind: Literal["share", "distance"]

    def badness(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return values on a scale on which higher is worse; a distance of 0 becomes minus infinity."""
        numbers = np.asarray(values, dtype=float)
        if self.kind == "share":
            return -numbers
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log(numbers), dtype=float)

    def natural(self, badness: float) -> float:
        """Return the score's value at a badness."""
        return 0.0 - badness if self.kind == "share" else float(np.exp(badness))  # and not -0.0

    def margin(self, badness: float) -> float:
        """Return the difference in badness that a score worse by a tenth makes: less is too little for a claim."""
        return 0.1 * self.natural(badness) if self.kind == "share" else float(np.log(1.1))

    def written(self, badness: float) -> str:
        """Format the score's value at a badness."""
        value = self.natural(badness)
        return f"{value:.1%}" if self.kind == "share" else f"{value:,.3g}"

    def difference(self, worse: float, low: float, high: float) -> str:
        """Format a difference in badness with the ends of its interval, in points of a share or times a distance."""
        if self.kind == "distance":
            ratio, low_ratio, high_ratio = (f"{np.exp(value):.2f}" for value in (worse, low, high))
            return f"{ratio} times as high (95 % interval {low_ratio} to {high_ratio})"
        if worse < 0:
            low, high = -high, -low
        direction = "lower" if worse >= 0 else "higher"
        return f"{direction} by {100 * abs(worse):.1f} points (95 % interval {100 * low:.1f} to {100 * high:.1f})"

    def interval(self, low: float, high: float) -> tuple[float, float]:
        """Return an interval of badness in the score's own terms: a difference of shares, or a ratio of distances."""
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
    """What a study says about a claim, in a sentence with its numbers, and the runs that this rests on.

    `strength` is None without a decision, and 'suggested' below five seeds. `low` and `high` are the ends of the 95 %
    interval of what `interval_of` names, None where there is none. `protocol` describes the protocol of the scores.
    `table` is what the claim's figure shows.
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
        """Return everything but the table as plain JSON values."""
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
