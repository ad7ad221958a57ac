"""`fergan compare`: runs of several recipes or methods at an equal budget, and which recipe is better."""

import json as json_text
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Literal

from fergan_core.errors import UsageError
from fergan_core.report.verdicts import METRICS, Verdict, how_tested, verdicts_of
from trainers.console import print_table
from trainers.score_tables import number

if TYPE_CHECKING:
    import pandas as pd

    from fergan_core.analysis.comparison import PairedComparison

Budget = Literal["seconds", "images", "flops"]
_UNITS = {"seconds": (1, "seconds"), "images": (1, "images"), "flops": (1e12, "TFLOP")}


def compare(runs: Sequence[str], budget: Budget, at: float | None, *, registry: str | None, json: bool) -> None:
    """Print the recipes' scores at a budget, `at` in its unit, and a verdict for each pair.

    With `json` one line: {"budget", "judge", "count", "prior", "rivals": {name: [run ids]}, "scores": [...],
    "duels": [...]}; a duel's "contradictions" are sentences.
    """
    from fergan_core.analysis import comparison, scales
    from fergan_core.analysis.budgets import COST, SPEED, STRETCHES, with_cost
    from fergan_core.protocols import preferred, real_faces, words
    from fergan_core.registry import Reader

    if at is not None and not 0 < at < math.inf:
        raise UsageError(f"--at: {at:g} is not a budget; give a number above 0")
    reader = Reader(registry)
    run_ids = [reader.resolve(run, trashed="never") for run in runs]
    if len(set(run_ids)) < 2:
        raise UsageError("name two runs or more, as in `fergan compare RUN RUN --budget seconds`")
    table = reader.runs()
    chosen = table[table["id"].isin(run_ids)]
    if chosen["data_hash"].nunique() > 1:
        raise UsageError(
            "these runs were trained on different datasets, which may be all that differs; choose runs of one dataset"
        )
    recipes = reader.recipes(run_ids)
    groups = comparison.group_by_recipe(chosen.set_index("id").loc[list(dict.fromkeys(run_ids))].reset_index(), recipes)
    of_all_protocols = reader.scores(run_ids)
    scores = preferred(of_all_protocols)
    seeds = dict(zip(chosen["id"], chosen["seed"], strict=True))
    points = reader.points(run_ids, [SPEED, COST], buckets=STRETCHES)
    spent = with_cost(scores, recipes, points)
    scores_at_budget = comparison.matched(spent, groups, seeds, budget, at and at * _UNITS[budget][0])
    compared_ids = set(scores_at_budget["run_id"])
    missing = [str(row.name) for row in chosen.set_index("id").itertuples() if row.Index not in compared_ids]
    if scores_at_budget["rival"].nunique() < 2:
        raise UsageError(
            f"--budget {budget}: fewer than two recipes have scores and a recorded cost; runs without: "
            + ", ".join(missing)
        )
    verdicts = verdicts_of(of_all_protocols, scores, scores_at_budget, number)
    if json:
        document = {
            "budget": budget,
            "judge": scores["judge"].iloc[0],
            "count": scales.faces_of(scores),
            "prior": scores["prior"].iloc[0],
            "rivals": groups,
        }
        document |= {"scores": json_text.loads(scores_at_budget.to_json(orient="records"))}
        document |= {"duels": [_plain(*verdict) for verdict in verdicts]}
        print(json_text.dumps(document, allow_nan=False))
        return
    _print_table(scores_at_budget, budget, words(scores.iloc[0]))
    unlike = comparison.unequal(scores_at_budget), comparison.cut_short(scores_at_budget, chosen, recipes)
    for warning in filter(None, (*unlike, real_faces(scores))):
        print(f"warning: {warning}")
    _print_verdicts(verdicts)
    for sentence in _what_is_missing(of_all_protocols, scores, scores_at_budget):
        print(sentence)
    if missing:
        print(f"left out, for lack of such a score or of a recorded cost: {', '.join(missing)}")


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Print a line for each verdict, and how they are tested."""
    from fergan_core.metrics.catalogue import CATALOGUE

    for key, pair, contradictions in verdicts:
        metric = CATALOGUE[key]
        print(" ".join([pair.sentence(metric.title, partial(number, metric)), *contradictions]))
    for sentence in how_tested(verdicts):
        print(sentence)


def _what_is_missing(of_all: "pd.DataFrame", scores: "pd.DataFrame", at_budget: "pd.DataFrame") -> Iterator[str]:
    """Say which scores some of the rivals lack, and whether another judge has none of them."""
    from fergan_core.analysis import elsewhere
    from fergan_core.metrics.catalogue import CATALOGUE

    yield from elsewhere.unscored(at_budget, {key: CATALOGUE[key].title for key in METRICS})
    if not elsewhere.by_other_judges(of_all, scores, at_budget):
        yield elsewhere.one_judge(scores)


def _plain(metric: str, pair: "PairedComparison", contradictions: list[str]) -> dict[str, object]:
    """Return a comparison as JSON values; a p that is NaN becomes None."""
    row = {"metric": metric, **asdict(pair), "ratio": pair.kind == "ratio", "contradictions": contradictions}
    return row | {"p": None if math.isnan(pair.p) else pair.p}


def _print_table(scores_at_budget: "pd.DataFrame", budget: Budget, caption: str) -> None:
    """Print a row per recipe: its seeds, what its runs spent, the means of their scores."""
    from rich.table import Table

    from fergan_core.metrics.catalogue import CATALOGUE

    unit, name = _UNITS[budget]
    table = Table(title=f"at equal {budget}", caption=caption)
    metrics = [key for key in (*METRICS, "speed") if (scores_at_budget["metric"] == key).any()]
    for column in ("rival", "seeds", name, *(CATALOGUE[key].title for key in metrics)):
        table.add_column(column, justify="left" if column == "rival" else "right")
    together = scores_at_budget[scores_at_budget["emotion"].isna()]
    for rival, group in together.groupby("rival", sort=False):
        spent = group["spent"] / unit
        ends = f"{spent.min():,.0f}" + (f" to {spent.max():,.0f}" if round(spent.max()) > round(spent.min()) else "")
        means = [group.loc[group["metric"] == key, "value"].mean() for key in metrics]
        cells = [
            number(CATALOGUE[key], None if mean != mean else float(mean))
            for key, mean in zip(metrics, means, strict=True)
        ]
        table.add_row(str(rival), str(group["seed"].nunique()), ends, *cells)
    print_table(table)
