"""Scales on which runs' scores are compared: as they are, as logarithms, or, for shares, as log odds.

The spread of a positive, skewed score such as FID grows with the score; that of a share such as coverage shrinks
towards 0 and 1. Unequal spread alone would make groups seem to differ (docs/intervals.md says how often). What is
compared is the typical run, the mean on the scale turned back: by the ratio of geometric means, or by the difference
of shares in points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

Kind = Literal["difference", "ratio", "share"]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """The requested scale, and for shares the number of faces each is a share of, None where that is not known."""

    kind: Kind = "difference"
    faces: int | None = None

    def applied(self, *groups: Sequence[float]) -> tuple[Kind, list[Values]]:
        """Return the kind of scale used and the groups' scores on it; 'difference', as they are, where it is undefined.

        Logarithms are undefined for scores of 0 or below, log odds for shares beyond 0 and 1. Shares of 0 and 1 need a
        known number of faces: none then counts as half a face, and all as half a face fewer. (Where a share is of fewer
        faces than `faces`, that is further out than need be, which errs on the side of caution.)
        """
        values = [np.asarray(group, dtype=np.float64) for group in groups]
        pooled = np.concatenate(values)
        if self.kind == "ratio" and (pooled > 0).all():
            return "ratio", [np.log(group) for group in values]
        if self.kind == "share" and (pooled >= 0).all() and (pooled <= 1).all():
            half = 0.5 / self.faces if self.faces else 0.0
            if half or ((pooled > 0) & (pooled < 1)).all():
                return "share", [scipy.special.logit(np.clip(group, half, 1 - half)) for group in values]
        return "difference", values

    def mean(self, values: Sequence[float]) -> float:
        """Return the typical score of one group: the mean on this scale, turned back."""
        kind, (scaled,) = self.applied(values)
        return turned_back(kind, float(scaled.mean()))


PLAIN = Scale()


def faces_of(scores: pd.DataFrame) -> int | None:
    """Return the number of faces behind each score of one protocol (the registry's `count`); None if not recorded."""
    counts = scores["count"].dropna()
    return None if counts.empty else int(counts.max())


def turned_back(kind: Kind, mean: float) -> float:
    """Return a mean on a scale as a score: exp of a mean logarithm, the share of mean log odds, or the mean itself."""
    return math.exp(mean) if kind == "ratio" else float(scipy.special.expit(mean)) if kind == "share" else mean


def apart(kind: Kind, means: tuple[float, float], difference: float) -> float:
    """Return a difference on a scale in the score's own terms: a ratio, a difference of shares, or as it is.

    A difference of log odds is laid symmetrically around the middle of the two means. For the means' own difference
    that gives the difference of the two shares, and it is 0 only for 0.
    """
    if kind == "ratio":
        return math.exp(difference)
    if kind == "share":
        middle = sum(means) / 2
        return float(scipy.special.expit(middle + difference / 2) - scipy.special.expit(middle - difference / 2))
    return difference


def in_words(ratios: Sequence[str], shares: Sequence[str]) -> str:
    """Say which scores, by their titles, are compared as ratios and which by log odds; '' for none."""
    sentences = []
    if ratios:
        sentences.append(f"{_listed(ratios)}: compared as a ratio of geometric means.")
    if shares:
        sentences.append(
            f"{_listed(shares)}: tested on log odds, because shares vary less near 0 and 1; means and differences are "
            "converted back to shares and points."
        )
    return " ".join(sentences)


def _listed(titles: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(titles[:-1]), titles[-1])))
