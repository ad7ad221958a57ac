"""Verdicts on recipes at an equal budget: by several scores as one family, and where another judge contradicts them."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from fergan_core.analysis import comparison, elsewhere, families, scales
from fergan_core.analysis.comparison import PairedComparison
from fergan_core.metrics.catalogue import CATALOGUE, Metric

METRICS = ("fid", "fid_pixels", "fid_random", "accuracy", "coverage", "recall")

Verdict = tuple[str, PairedComparison, list[str]]  # its score's key, and where it is contradicted


def verdicts_of(
    of_all_protocols: pd.DataFrame,
    scores: pd.DataFrame,
    at_budget: pd.DataFrame,
    number: Callable[[Metric, float], str],
) -> list[Verdict]:
    """Compare every two rivals by each of METRICS, as one family; with sentences on where they are the other way round.

    `scores` are of the one protocol by which `at_budget`, as `comparison.matched` returns it, compares; `number` writes
    a score in these sentences.
    """
    faces = scales.faces_of(scores)

    def compared(rows: pd.DataFrame) -> dict[str, list[PairedComparison]]:
        metrics = [CATALOGUE[key] for key in METRICS]
        return comparison.family(
            rows, [(one.key, one.direction, scales.Scale(one.compared_by, faces)) for one in metrics]
        )

    comparisons = compared(at_budget)
    others = elsewhere.by_other_judges(of_all_protocols, scores, at_budget)
    by_others = {place: compared(rows) for place, rows in others.items()}
    found = []
    for key, pairs in comparisons.items():
        places = {place: comparisons[other] for other, place in elsewhere.other_spaces(key).items()}
        places |= {place: by_other[key] for place, by_other in by_others.items()}
        formatted = partial(number, CATALOGUE[key])
        found += [(key, pair, elsewhere.contradictions(pair, places, formatted)) for pair in pairs]
    return found


def how_tested(found: Sequence[Verdict]) -> list[str]:
    """Say on which scales verdicts were tested, and that they were corrected for their number."""
    ratios, shares = (
        list(dict.fromkeys(CATALOGUE[key].title for key, pair, _ in found if pair.kind == kind))
        for kind in ("ratio", "share")
    )
    counted = max((pair.compared for _, pair, _ in found), default=0)
    return [sentence for sentence in (scales.in_words(ratios, shares), families.corrected(counted)) if sentence]
