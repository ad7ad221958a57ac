"""On which scale runs' scores are compared: as they are, by their logarithm, or, shares, by their log odds.

A score's spread over seeds grows with it where it is positive and skewed, such as FID, and shrinks towards 0 and 1
where it is a share, such as coverage. Groups of unequal spread would be told apart by that alone (docs/intervals.md has
how often). What is compared is then the typical run, the mean on the scale turned back: as a ratio of geometric means,
or as a difference of shares in points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

Kind = Literal["difference", "ratio", "share"]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """The scale that is asked for; of shares also of how many faces each was counted, None where that is not known."""

    kind: Kind = "difference"
    faces: int | None = None

    def applied(self, *groups: Sequence[float]) -> tuple[Kind, list[Values]]:
        """Return the groups' scores on this scale, and its kind: 'difference', as they are, where it cannot be had.

        Logarithms cannot of a score of 0 or below. Log odds cannot of a share beyond 0 and 1, nor of 0 or 1 itself
        of an unknown number of faces; of a known one, none counts as half a face and all as all but half (of a share
        of fewer real faces that is further out than it need be, which makes a verdict more careful).
        """
        values = [np.asarray(group, dtype=np.float64) for group in groups]
        every = np.concatenate(values)
        if self.kind == "ratio" and (every > 0).all():
            return "ratio", [np.log(group) for group in values]
        if self.kind == "share" and (every >= 0).all() and (every <= 1).all():
            half = 0.5 / self.faces if self.faces else 0.0
            if half or ((every > 0) & (every < 1)).all():
                return "share", [logit(np.clip(group, half, 1 - half)) for group in values]
        return "difference", values

    def mean(self, values: Sequence[float]) -> float:
        """Return the typical score of one group: the mean on this scale, turned back."""
        kind, (scaled,) = self.applied(values)
        return turned_back(kind, float(scaled.mean()))


PLAIN = Scale()


def faces_of(scores: pd.DataFrame) -> int | None:
    """Return how many faces scores of one protocol are each of, the registry's `count`; None where it is not known."""
    counts = scores["count"].dropna()
    return None if counts.empty else int(counts.max())


def turned_back(kind: Kind, mean: float) -> float:
    """Return the score that a mean on a scale stands for."""
    return math.exp(mean) if kind == "ratio" else float(expit(mean)) if kind == "share" else mean


def apart(kind: Kind, means: tuple[float, float], difference: float) -> float:
    """Say how far apart two scores are whose means on a scale differ by `difference`: a ratio, or points of a share.

    Log odds are put half to either side of the two means' middle, which stays as it is: of the means' own difference
    that is the difference of the shares, and it is 0 only for 0.
    """
    if kind == "ratio":
        return math.exp(difference)
    if kind == "share":
        middle = sum(means) / 2
        return float(expit(middle + difference / 2) - expit(middle - difference / 2))
    return difference


def in_words(ratios: Sequence[str], shares: Sequence[str]) -> str:
    """Say in words which scores, by their titles, are compared as ratios and which by log odds; '' for none."""
    sentences = []
    if ratios:
        sentences.append(f"{_listed(ratios)}: compared as a ratio, by logarithms; the means compared are geometric.")
    if shares:
        sentences.append(
            f"{_listed(shares)}: tested by log odds, since shares spread less near 0 and 1; means and differences are "
            "those of the log odds, turned back into shares and points."
        )
    return " ".join(sentences)


def _listed(titles: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(titles[:-1]), titles[-1])))
