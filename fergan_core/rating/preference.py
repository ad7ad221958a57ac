"""Which of two faces people choose: sources ranked by the Bradley-Terry model, with intervals over people."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fergan_core.rating.tables import labels, of_pairs

LEAST_PEOPLE = 3  # for an interval over people
_RESAMPLES = 200
# Wins of each source over each other one before any answer: one that never loses would else have no finite strength.
_PRIOR = 0.5


def ranking(ratings: pd.DataFrame, items: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return the sources of a study, the most chosen first, with their strengths by the Bradley-Terry model.

    A source of strength a is chosen over one of strength b with probability 1 / (1 + exp(b - a)) (Bradley and Terry
    1952); strengths have the mean 0. Intervals, 95 %, are Student's with the deviation of a bootstrap over people,
    whose answers stay together; NaN with fewer than LEAST_PEOPLE. Columns: source, label, strength, low, high,
    comparisons.
    """
    from scipy.special import stdtrit

    answers, names = of_pairs(ratings, items, task), labels(items)
    sources = [source for source in names if source in set(answers["winner"]) | set(answers["loser"])]
    columns = ["source", "label", "strength", "low", "high", "comparisons"]
    if len(sources) < 2:
        return pd.DataFrame(columns=columns)
    by_person = np.stack([_wins(part, sources) for _, part in answers.groupby("rater")])
    strengths = _strengths(by_person.sum(axis=0))
    half = np.full(len(sources), np.nan)
    if (people := len(by_person)) >= LEAST_PEOPLE:
        random = np.random.default_rng(0)
        chosen = random.integers(people, size=(_RESAMPLES, people))
        resampled = np.stack([_strengths(by_person[one].sum(axis=0)) for one in chosen])
        deviation = resampled.std(axis=0, ddof=1) * np.sqrt(people / (people - 1))
        half = stdtrit(people - 1, 0.975) * deviation
    wins = by_person.sum(axis=0)
    comparisons = (wins + wins.T).sum(axis=1).astype(int)
    table = pd.DataFrame(
        {
            "source": sources,
            "label": [names[source] for source in sources],
            "strength": strengths,
            "low": strengths - half,
            "high": strengths + half,
            "comparisons": comparisons,
        }
    )
    return table.sort_values("strength", ascending=False, ignore_index=True)


def _wins(answers: pd.DataFrame, sources: list[str]) -> NDArray[np.float64]:
    """Return how often the source of a row was chosen over that of a column, float [n,n]."""
    wins = np.zeros((len(sources), len(sources)))
    winners, losers = (answers[side].map(sources.index).to_numpy() for side in ("winner", "loser"))
    np.add.at(wins, (winners, losers), 1)
    return wins


def _strengths(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the strengths [n], of mean 0, by iterated Luce spectral ranking (Maystre and Grossglauser 2015)."""
    from choix import ilsr_pairwise_dense

    prior = _PRIOR * (1 - np.eye(len(wins)))
    found = ilsr_pairwise_dense(wins + prior)
    strengths: NDArray[np.float64] = found - found.mean()
    return strengths
