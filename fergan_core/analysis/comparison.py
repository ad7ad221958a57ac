"""Recipes of one method or of several ("rivals"), compared at an equal budget, seed by seed.

Tables are as the registry's reader returns them; `metrics.catalogue` says whether higher or lower is better.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from fergan_core.analysis.budgets import Budget, at_budget
from fergan_core.analysis.families import LEVEL, levels
from fergan_core.analysis.scales import PLAIN, Kind, Scale, apart, turned_back
from fergan_core.analysis.studies.groups import ENOUGH
from fergan_core.analysis.t_intervals import mean_interval
from fergan_core.recipe import PRESETS, changes, flat, key_of, to_dict, training_fields

Answer = Literal["shows", "suggests", "of these runs", "cannot tell"]
Direction = Literal["higher", "lower"]

_UNNAMED = ("seed", "epochs", "sampler", "sample_steps", "guidance")
_MOST_NAMED = 2  # fields that differ from a preset, in the name of a recipe
_WHOLE = 0.95  # share of a planned training from which it counts as ended
_EQUAL = 1.25  # ratio of what two runs had spent, up to which it counts as equal


@dataclass(frozen=True)
class PairedComparison:
    """One score of two rivals at an equal budget: the mean of each, and the second's less the first's.

    With two shared seeds or more `low` and `high` are the ends of Student's 95 % interval of the paired difference,
    wider in a family of `compared` verdicts (see `analysis.families`). With fewer, one run of each is compared and the
    ends come from the two scores' own intervals, which say nothing about other seeds. NaN where there is no interval.
    For the kind 'ratio', means are geometric and the difference and its ends are the second mean divided by the first;
    for 'share', all are of log odds, turned back into shares. `p` is the test's p-value, NaN for one run each.
    `winner` is 0 or 1, None where the runs do not tell.
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

    def sentence(self, title: str, formatted: Callable[[float], str] = lambda value: f"{value:.3g}") -> str:
        """Return the verdict in words, with both means and the interval; `formatted` formats a score."""
        first, second = (f"'{name}' {formatted(mean)}" for name, mean in zip(self.rivals, self.means, strict=True))
        begin = f"{title}: {first}, {second}"
        if self.winner is None:
            runs = f"{self.pairs} paired seeds do" if self.pairs > 1 else "one run of each does"
            return f"{begin}: {runs} not show which is better."
        if self.kind == "ratio":
            # The ratio is of the second rival to the first, and either may be the better.
            inverted = self.difference < 1
            factor, low, high = (
                f"{1 / ratio if inverted else ratio:.3g}"
                for ratio in (self.difference, *sorted((self.low, self.high), reverse=inverted))
            )
            margin = f"a factor of {factor} ({self._interval} {low} to {high})"
        else:
            values = (abs(self.difference), *sorted((abs(self.low), abs(self.high))))
            # A share's difference is in points: 10 % less than 40 % would be 36 %.
            size, low, high = (formatted(value).replace("%", " points") for value in values)
            margin = f"{size} ({self._interval} {low.removesuffix(' points')} to {high})"
        better = f"'{self.rivals[self.winner]}' is better by {margin}"
        if self.answer == "of these runs":
            return f"{begin}: of these two runs {better}; other seeds may differ."
        return f"{begin}: {self.pairs} paired seeds {self.answer.removesuffix('s')} that {better}."

    @property
    def _interval(self) -> str:
        return "95 % interval" if self.compared < 2 or self.pairs < 2 else "corrected 95 % interval"


def group_by_recipe(runs: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Group runs (columns id, name, preset, data_hash) of one recipe and dataset: their ids by the rival's name.

    A rival is named after its preset and what it changes of it in learning; the epochs only where another would have
    its name. Where it changes much, and where the epochs do not tell two apart, it is named after its first run.
    """
    by_recipe: dict[str, list[str]] = {}
    for row in runs.itertuples():
        key = key_of(training_fields(recipes[str(row.id)]), str(row.data_hash))
        by_recipe.setdefault(key, []).append(str(row.id))
    table = runs.set_index("id")
    candidates = [
        (*_short_names(str(table.preset[run_ids[0]]), recipes[run_ids[0]]), str(table.name[run_ids[0]]))
        for run_ids in by_recipe.values()
    ]
    often = Counter(name for names in candidates for name in dict.fromkeys(names))
    names = [next((name for name in names if often[name] == 1), names[-1]) for names in candidates]
    return dict(zip(names, by_recipe.values(), strict=True))


def _short_names(preset: str, recipe: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a preset's name with the fields of the recipe that differ from it, without and with the epochs; none where
    these fields are many."""
    known = PRESETS.get(preset)
    differing = {} if known is None else changes(to_dict(known), recipe)
    of_recipe = {name: now for name, (_, now) in differing.items() if name not in _UNNAMED}
    if len(of_recipe) > _MOST_NAMED:
        return ()
    name = preset + "".join(f", {field} {now}" for field, now in of_recipe.items())
    return name, f"{name}, {recipe.get('epochs')} epochs"


def matched(
    scores: pd.DataFrame,
    rivals: Mapping[str, Sequence[str]],
    seeds: Mapping[str, int],
    budget: Budget,
    at: float | None = None,
) -> pd.DataFrame:
    """Return the rivals' scores at an equal budget, one row per run, metric and emotion.

    `scores` are of one protocol, with `with_cost`'s columns. Columns: rival, run_id, seed, epoch, step, spent, metric,
    emotion, value, low, high, real. The budget is `at`, in its own unit (images, seconds of training, FLOPs); by
    default what the run that trained least had spent by its last evaluation.
    """
    names = {run_id: name for name, run_ids in rivals.items() for run_id in run_ids}
    rows = at_budget(scores[scores.run_id.isin(names)], budget, at)
    rows = rows.assign(rival=rows.run_id.map(names), seed=rows.run_id.map(dict(seeds)))
    columns = ["rival", "run_id", "seed", "epoch", "step", "spent", "metric", "emotion", "value", "low", "high", "real"]
    return rows[columns].reset_index(drop=True)


def unequal(scores: pd.DataFrame) -> str:
    """Warn where the scored checkpoints nearest to the budget are far from it; '' where they are near."""
    lowest, highest = float(scores.spent.min()), float(scores.spent.max())
    if highest <= _EQUAL * lowest:
        return ""
    return (
        f"The scored checkpoints nearest to the budget are far from it: some had spent {highest / lowest:.1f} times as "
        "much as others. `fergan evaluate RUN@all` scores the checkpoints in between, if there are any."
    )


def cut_short(scores: pd.DataFrame, runs: pd.DataFrame, recipes: Mapping[str, Mapping[str, Any]]) -> str:
    """Warn of rivals that are compared in the middle of a training whose learning rate was planned to fall; '' of none.

    `scores` is what `matched` returns, `runs` has columns id and steps (planned). A rate that has not fallen yet leaves
    a score worse than a training of this length would.
    """
    steps = dict(zip(runs["id"], runs["steps"], strict=True))
    shares: dict[str, float] = {}
    first = scores.drop_duplicates("run_id")
    for run_id, rival, step in zip(first["run_id"], first["rival"], first["step"].astype(float), strict=True):
        if flat(recipes[run_id]).get("lr_decay") and steps[run_id]:
            shares[rival] = min(step / steps[run_id], shares.get(rival, 1.0))
    early = [f"'{rival}' after {share:.0%} of it" for rival, share in shares.items() if share < _WHOLE]
    if not early:
        return ""
    return (
        "Compared before the end of the planned training, when the learning rate had not fallen to 0: "
        f"{', '.join(early)}. A training planned for this budget would probably score better."
    )


def family(scores: pd.DataFrame, metrics: Sequence[tuple[str, Direction, Scale]]) -> dict[str, list[PairedComparison]]:
    """Compare every two rivals by several scores as one family: intervals corrected for the number of its verdicts.

    `metrics` names each score's key, whether higher or lower is better, and its scale; `scores` is what `matched`
    returns. Comparisons of one run each do not count towards that number: they claim nothing about other seeds.
    """
    uncorrected = {key: list(pairs(scores, key, better, scale)) for key, better, scale in metrics}
    p_values = [pair.p for comparisons in uncorrected.values() for pair in comparisons if pair.pairs > 1]
    remaining = iter(levels(p_values))
    corrected: dict[str, list[PairedComparison]] = {}
    for key, better, scale in metrics:
        pair_levels = [next(remaining) if pair.pairs > 1 else LEVEL for pair in uncorrected[key]]
        comparisons = pairs(scores, key, better, scale, pair_levels)
        corrected[key] = [replace(pair, compared=len(p_values)) for pair in comparisons]
    return corrected


def pairs(
    scores: pd.DataFrame, metric: str, better: Direction, scale: Scale = PLAIN, at: Sequence[float] | None = None
) -> Iterator[PairedComparison]:
    """Compare every two rivals by one score of all emotions together, each pair uncorrected.

    `scores` is what `matched` returns. Where the scores cannot be put on `scale` they are compared as they are. `at`
    gives each pair's level, by default LEVEL.
    """
    rows = scores[(scores.metric == metric) & scores.emotion.isna()].dropna(subset=["value"])
    by_rival = {
        str(name): group.drop_duplicates("seed", keep="last").set_index("seed")
        for name, group in rows[["rival", "seed", "value", "low", "high"]].groupby("rival", sort=False)
    }
    for place, (first, second) in enumerate(itertools.combinations(by_rival, 2)):
        level = LEVEL if at is None else at[place]
        yield _compare_two((first, second), by_rival[first], by_rival[second], better, scale, level)


def _compare_two(
    rivals: tuple[str, str], a: pd.DataFrame, b: pd.DataFrame, better: Direction, scale: Scale, level: float
) -> PairedComparison:
    """Compare two rivals by their scores value, low and high, which are by seed."""
    shared = a.index[a.index.isin(b.index)]
    p, kind = math.nan, PLAIN.kind
    if len(shared) > 1:
        kind, (first, second) = scale.applied(a.value.loc[shared].to_list(), b.value.loc[shared].to_list())
        means = (float(first.mean()), float(second.mean()))
        difference, low, high, p = mean_interval(second - first, level)
        answer: Answer = "shows" if len(shared) >= ENOUGH else "suggests"
    else:
        # Where several runs share no seed, the first of each: an evaluation's interval is not one of several runs.
        run_a, run_b = a.iloc[0], b.iloc[0]
        means = (float(run_a.value), float(run_b.value))
        difference = means[1] - means[0]
        half_width = math.hypot(*((run.high - run.low) / 2 for run in (run_a, run_b)))
        low, high = difference - half_width, difference + half_width
        answer = "of these runs"
    winner = int((difference > 0) == (better == "higher")) if low > 0 or high < 0 else None
    typical = (turned_back(kind, means[0]), turned_back(kind, means[1]))
    difference, low, high = (apart(kind, means, value) for value in (difference, low, high))
    verdict = "cannot tell" if winner is None else answer
    return PairedComparison(rivals, typical, difference, low, high, len(shared), verdict, winner, kind, p)


def front(costs: Sequence[float], values: Sequence[float], better: Direction) -> list[bool]:
    """Tell which points lie on the Pareto front: no other is at least as cheap and as good, and cheaper or better."""
    cost = np.asarray(costs, dtype=float)
    merit = np.asarray(values, dtype=float) * (1 if better == "higher" else -1)
    dominated = [
        bool(((cost <= cost[i]) & (merit >= merit[i]) & ((cost < cost[i]) | (merit > merit[i]))).any())
        for i in range(len(cost))
    ]
    return [not is_dominated for is_dominated in dominated]
