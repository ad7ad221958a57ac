"""Rivals: recipes, of one method or of several, compared where they had spent equally much, seed by seed.

All take tables as the registry's reader gives them, and `metrics.catalogue` for which way a score is better.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from fergan_core.analysis.budgets import Budget, at_budget, with_cost
from fergan_core.analysis.families import LEVEL, levels
from fergan_core.analysis.scales import PLAIN, Kind, Scale, apart, turned_back
from fergan_core.analysis.studies.groups import ENOUGH
from fergan_core.analysis.t_intervals import mean_interval
from fergan_core.recipe import key_of, training_fields

Answer = Literal["shows", "suggests", "of these runs", "cannot tell"]
Direction = Literal["higher", "lower"]

_EQUAL = 1.25  # times as much as another had spent, up to which both had spent equally much


@dataclass(frozen=True)
class PairedComparison:
    """One score of two rivals at an equal budget: the means of their pairs, and how much more the second one has.

    With two shared seeds or more `low` and `high` are the ends of the paired difference's 95 % interval by Student's
    t, or of a wider one in a family of `compared` verdicts (see `analysis.families`); with fewer, of one run each,
    those of the scores' own intervals put together, which know nothing of other seeds. NaN where there is none. Where
    `kind` is 'ratio', means are geometric and all three are of the second mean divided by the first; where it is
    'share', all are of log odds, turned back into shares. `p` is the test's p-value, NaN for one run each. `winner` is
    0 or 1, None where it cannot be told.
    """

    rivals: tuple[str, str]
    means: tuple[float, float]
    difference: float
    low: float
    high: float
    pairs: int
    answer: Answer
    winner: int | None
    kind: Kind
    p: float
    compared: int = 1

    def sentence(self, title: str, written: Any = lambda value: f"{value:.3g}") -> str:
        """Say it, and how sure it is; `written` writes a score."""
        first, second = (f"'{name}' {written(mean)}" for name, mean in zip(self.rivals, self.means, strict=True))
        begin = f"{title}: {first}, {second}"
        seeds = f"{self.pairs} pairs of seeds" if self.pairs > 1 else "one run each"
        if self.winner is None:
            return f"{begin}: {seeds} cannot tell which is better."
        if self.kind == "ratio":
            higher = self.difference > 1
            ends = (self.difference, *sorted((self.low, self.high), reverse=not higher))
            size, least, most = (f"{value if higher else 1 / value:.3g}" for value in ends)
            # The ratio is of the second rival to the first, and either may be the better.
            side = "higher" if higher == (self.winner == 1) else "lower"
            best = f"'{self.rivals[self.winner]}' is better: {size} times {side} ({self._interval} {least} to {most})"
        else:
            size, least, most = (
                # A share's difference is in points: 10 % less than 40 % would be 36 %.
                written(value).replace("%", " points")
                for value in (abs(self.difference), *sorted((abs(self.low), abs(self.high))))
            )
            best = f"'{self.rivals[self.winner]}' is better by {size} ({self._interval} {least} to {most})"
        if self.answer == "of these runs":
            return f"{begin}: of these two runs {best}; what other seeds would do is not known."
        return f"{begin}: {seeds} {self.answer.removesuffix('s')} that {best}."

    @property
    def _interval(self) -> str:
        return "95 % interval" if self.compared < 2 or self.pairs < 2 else "95 % interval, corrected,"


def group_by_recipe(runs: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the runs (id, name, preset, data_hash) of each rival, which are those of one recipe and data set.

    A rival is called as its preset; where two share that, as its first run.
    """
    alike: dict[str, list[str]] = {}
    for row in runs.itertuples():
        key = key_of(training_fields(recipes[str(row.id)]), str(row.data_hash))
        alike.setdefault(key, []).append(str(row.id))
    table = runs.set_index("id")
    presets = [str(table.preset[run_ids[0]]) for run_ids in alike.values()]
    names = [
        preset if presets.count(preset) == 1 else str(table.name[run_ids[0]])
        for preset, run_ids in zip(presets, alike.values(), strict=True)
    ]
    return dict(zip(names, alike.values(), strict=True))


def matched(
    scores: pd.DataFrame,
    rivals: Mapping[str, Sequence[str]],
    seeds: Mapping[str, int],
    recipes: Mapping[str, Mapping[str, Any]],
    points: pd.DataFrame,
    budget: Budget,
    at: float | None = None,
) -> pd.DataFrame:
    """Return the rivals' scores where all had spent equally much, of one protocol: a row a run, metric and emotion.

    `points` are the runs' of SPEED and COST. Columns: rival, run_id, seed, epoch, step, spent, metric, emotion, value,
    low, high, real. The budget is `at`, by default what the run that trained least had spent by its last evaluation.
    """
    names = {run_id: name for name, run_ids in rivals.items() for run_id in run_ids}
    rival_scores = scores[scores.run_id.isin(names)]
    rows = at_budget(with_cost(rival_scores, recipes, points), budget, at)
    rows = rows.assign(rival=rows.run_id.map(names), seed=rows.run_id.map(dict(seeds)))
    columns = ["rival", "run_id", "seed", "epoch", "step", "spent", "metric", "emotion", "value", "low", "high", "real"]
    return rows[columns].reset_index(drop=True)


def unequal(scores: pd.DataFrame) -> str:
    """Say so where the scored checkpoints nearest to the budget are not near it; '' where they are."""
    least, most = float(scores.spent.min()), float(scores.spent.max())
    if most <= _EQUAL * least:
        return ""
    return (
        f"The scored checkpoints nearest to the budget are not near it: some had spent {most / least:.1f} times as "
        "much as others. `fergan evaluate RUN@all` scores those between, where there are any."
    )


def family(scores: pd.DataFrame, metrics: Sequence[tuple[str, Direction, Scale]]) -> dict[str, list[PairedComparison]]:
    """Compare every two rivals by scores that are read together, corrected for the number of all these verdicts.

    Of each score: its key, which way is better, and on which scale it is compared, as `pairs` takes them.
    Comparisons of one run each are not among those counted: they claim nothing of other seeds.
    """
    uncorrected = {key: list(pairs(scores, key, better, scale)) for key, better, scale in metrics}
    tested = [pair.p for comparisons in uncorrected.values() for pair in comparisons if pair.pairs > 1]
    corrected_levels = iter(levels(tested))
    return {
        key: [
            replace(pair, compared=len(tested))
            for pair in pairs(
                scores,
                key,
                better,
                scale,
                [next(corrected_levels) if pair.pairs > 1 else LEVEL for pair in uncorrected[key]],
            )
        ]
        for key, better, scale in metrics
    }


def pairs(
    scores: pd.DataFrame, metric: str, better: Direction, scale: Scale = PLAIN, at: Sequence[float] | None = None
) -> Iterator[PairedComparison]:
    """Compare every two rivals of `matched`'s table by a score of all emotions together, each pair by itself.

    `scale` is asked for, and not taken where it cannot be had; `at` are the pairs' levels.
    """
    rows = scores[(scores.metric == metric) & scores.emotion.isna()].dropna(subset=["value"])
    by_rival = {
        str(name): of_rival.drop_duplicates("seed", keep="last") for name, of_rival in rows.groupby("rival", sort=False)
    }
    for place, (first, second) in enumerate(itertools.combinations(by_rival, 2)):
        level = LEVEL if at is None else at[place]
        yield _duel((first, second), by_rival[first], by_rival[second], better, scale, level)


def _duel(
    rivals: tuple[str, str], a: pd.DataFrame, b: pd.DataFrame, better: Direction, scale: Scale, level: float
) -> PairedComparison:
    pairs = a.merge(b, on="seed", suffixes=("_a", "_b"))
    p, kind = math.nan, PLAIN.kind
    if len(pairs) > 1:
        kind, (first, second) = scale.applied(pairs.value_a.to_list(), pairs.value_b.to_list())
        means = (float(first.mean()), float(second.mean()))
        difference, low, high, p = mean_interval(second - first, level)
        answer: Answer = "shows" if len(pairs) >= ENOUGH else "suggests"
    else:
        # Of several runs that share no seed the first ones: an interval of one evaluation is not an interval of many.
        one, other = a.iloc[0], b.iloc[0]
        means = (float(one.value), float(other.value))
        difference = means[1] - means[0]
        reach = math.hypot(*((row.high - row.low) / 2 for row in (one, other)))
        low, high = difference - reach, difference + reach
        answer = "of these runs"
    winner = int((difference > 0) == (better == "higher")) if low > 0 or high < 0 else None
    typical = (turned_back(kind, means[0]), turned_back(kind, means[1]))
    difference, low, high = (apart(kind, means, value) for value in (difference, low, high))
    verdict = "cannot tell" if winner is None else answer
    return PairedComparison(rivals, typical, difference, low, high, len(pairs), verdict, winner, kind, p)


def front(costs: Sequence[float], values: Sequence[float], better: Direction) -> list[bool]:
    """Tell of each of several ways whether no other is both cheaper (or as cheap) and better: the Pareto front."""
    cost = np.asarray(costs, dtype=float)
    merit = np.asarray(values, dtype=float) * (1 if better == "higher" else -1)
    beaten = [
        bool(((cost <= cost[i]) & (merit >= merit[i]) & ((cost < cost[i]) | (merit > merit[i]))).any())
        for i in range(len(cost))
    ]
    return [not lost for lost in beaten]
