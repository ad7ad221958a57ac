"""How often people take a generated face for a real one, and a real one for generated: HYPE, with intervals."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fergan_core.rating.session import GENERATED, REAL
from fergan_core.rating.tables import of_single_faces

Z = NormalDist().inv_cdf(0.975)


class Share(NamedTuple):
    """A share of a number of answers with its 95 % interval."""

    value: float
    low: float
    high: float
    answers: int


def share_interval(hits: ArrayLike, raters: Sequence[object]) -> Share:
    """Return the share of hits (bool [n]) with Wilson's interval (Wilson 1927), at the effective number of answers.

    One person's answers are alike: their number is divided by the design effect, the variance of the share over people
    divided by that of as many independent answers (Kish 1965), where that is above 1. NaN without an answer. What one
    person alone has answered gives an interval for that person.
    """
    values = np.asarray(hits, dtype=float)
    count = len(values)
    if not count:
        return Share(np.nan, np.nan, np.nan, 0)
    share = float(values.mean())
    people = pd.Series(values - share).groupby(pd.Series([str(one) for one in raters])).sum()
    independent = share * (1 - share) / count
    effect = 1.0
    if len(people) > 1 and independent > 0:
        between = len(people) / (len(people) - 1) * float((people**2).sum()) / count**2
        effect = max(1.0, between / independent)
    effective = count / effect
    middle = (share + Z**2 / (2 * effective)) / (1 + Z**2 / effective)
    half = Z / (1 + Z**2 / effective) * np.sqrt(share * (1 - share) / effective + Z**2 / (4 * effective**2))
    return Share(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)), count)


def mean_of_two(first: Share, second: Share) -> Share:
    """Return the mean of two shares, its interval made of theirs (MOVER, Zou and Donner 2008, Stat. Med. 27:1693)."""
    value = (first.value + second.value) / 2
    below = np.hypot(first.value - first.low, second.value - second.low) / 2
    above = np.hypot(first.high - first.value, second.high - second.value) / 2
    return Share(value, float(value - below), float(value + above), first.answers + second.answers)


def hype(ratings: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Return HYPE by checkpoint and exposure (Zhou et al. 2019, arXiv:1904.01121): the rate at which people err.

    It is the mean of two rates, so that real and generated faces weigh the same: of the checkpoint's faces that were
    taken for real, and of real faces that were taken for generated. 0.5 is what guessing gives; above, generated faces
    look more real than real ones. With an exposure of 0, until the answer, it is HYPE-infinity.

    Columns: source, label, wished_ms, value, low, high, answers; generated, generated_low, generated_high,
    generated_answers, and the same of real; seconds (median response).
    """
    answers = of_single_faces(ratings, items, "real")
    rows = []
    for (source, label, wished), drawn in answers[answers["kind"] == GENERATED].groupby(
        ["source", "label", "wished_ms"], sort=False
    ):
        real = answers[(answers["kind"] == REAL) & (answers["wished_ms"] == wished)]
        fooled = share_interval(drawn["answer"] == REAL, list(drawn["rater"]))
        doubted = share_interval(real["answer"] == GENERATED, list(real["rater"]))
        row = {"source": source, "label": label, "wished_ms": wished, **mean_of_two(fooled, doubted)._asdict()}
        for name, half in (("generated", fooled), ("real", doubted)):
            row |= {
                name: half.value,
                f"{name}_low": half.low,
                f"{name}_high": half.high,
                f"{name}_answers": half.answers,
            }
        rows.append({**row, "seconds": float(drawn["response_ms"].median()) / 1000})
    order = ["wished_ms", "value"]
    return pd.DataFrame(rows).sort_values(order, ascending=[True, False], ignore_index=True) if rows else pd.DataFrame()
