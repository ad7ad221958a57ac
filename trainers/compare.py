"""`fergan compare`: runs of several recipes or methods where they had spent equally much, and which is better."""

import json as json_text
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Literal

from fergan_core.errors import UsageError
from trainers.console import print_table
from trainers.score_tables import number

if TYPE_CHECKING:
    import pandas as pd

    from fergan_core.analysis.comparison import PairedComparison

Budget = Literal["seconds", "images", "flops"]
_METRICS = ("fid", "accuracy", "coverage", "recall")
_UNITS = {"seconds": (1, "seconds"), "images": (1, "images"), "flops": (1e12, "TFLOP")}


def compare(runs: Sequence[str], budget: Budget, at: float | None, *, registry: str | None, json: bool) -> None:
    """Print the rivals' scores at an equal budget, of `at` in its unit, and a verdict for every two of them.

    With `json` one line: {"budget", "judge", "count", "rivals": {name: [run ids]}, "scores": [...], "duels": [...]}.
    """
    from fergan_core.analysis import comparison, families, scales
    from fergan_core.analysis.budgets import COST, SPEED, STRETCHES
    from fergan_core.metrics.catalogue import CATALOGUE
    from fergan_core.protocols import preferred, real_faces, words
    from fergan_core.registry import Reader

    if at is not None and not 0 < at < math.inf:
        raise UsageError(f"--at: {at:g} is not a budget; give what each run had spent, above 0")
    reader = Reader(registry)
    run_ids = [reader.resolve(run, trashed="never") for run in runs]
    if len(set(run_ids)) < 2:
        raise UsageError("name two runs or more, as in `fergan compare RUN RUN --budget seconds`")
    table = reader.runs()
    chosen = table[table["id"].isin(run_ids)]
    if chosen["data_hash"].nunique() > 1:
        raise UsageError("these runs learnt from different data sets: what differs would be the data's doing")
    recipes = reader.recipes(run_ids)
    who = comparison.group_by_recipe(chosen.set_index("id").loc[list(dict.fromkeys(run_ids))].reset_index(), recipes)
    scores = preferred(reader.scores(run_ids))
    seeds = dict(zip(chosen["id"], chosen["seed"], strict=True))
    points = reader.points(run_ids, [SPEED, COST], buckets=STRETCHES)
    found = comparison.matched(scores, who, seeds, recipes, points, budget, at and at * _UNITS[budget][0])
    missing = [str(row.name) for row in chosen.set_index("id").itertuples() if row.Index not in set(found["run_id"])]
    if found["rival"].nunique() < 2:
        raise UsageError(
            f"--budget {budget}: fewer than two recipes have scores and a record of what they spent; without: "
            + ", ".join(missing)
        )
    faces = scales.faces_of(scores)
    fought = comparison.family(
        found,
        [
            (
                key,
                "lower" if CATALOGUE[key].better == "lower" else "higher",
                scales.Scale(CATALOGUE[key].compared_by, faces),
            )
            for key in _METRICS
        ],
    )
    if json:
        told = {
            "budget": budget,
            "judge": scores["judge"].iloc[0],
            "count": faces,
            "rivals": who,
        }
        told |= {"scores": json_text.loads(found.to_json(orient="records"))}
        told |= {"duels": [_plain(key, pair) for key, of in fought.items() for pair in of]}
        print(json_text.dumps(told, allow_nan=False))
        return
    _print_table(found, budget, words(scores.iloc[0]))
    for warning in filter(None, (comparison.unequal(found), real_faces(scores))):
        print(f"warning: {warning}")
    for key, of in fought.items():
        metric = CATALOGUE[key]
        for pair in of:
            print(pair.sentence(metric.title, partial(number, metric)))
    counted = max((pair.compared for of in fought.values() for pair in of), default=0)
    ratios, shares = (
        [CATALOGUE[key].title for key, of in fought.items() if any(pair.kind == kind for pair in of)]
        for kind in ("ratio", "share")
    )
    for sentence in (scales.in_words(ratios, shares), families.corrected(counted)):
        if sentence:
            print(sentence)
    if missing:
        print(f"left out, without such a score or a record of what was spent: {', '.join(missing)}")


def _plain(metric: str, pair: "PairedComparison") -> dict[str, object]:
    """Return a verdict as JSON values."""
    told = {"metric": metric, **asdict(pair), "ratio": pair.kind == "ratio"}
    return told | {"p": None if math.isnan(pair.p) else pair.p}


def _print_table(found: "pd.DataFrame", budget: Budget, caption: str) -> None:
    """Print a row a rival: its runs, what they had spent, the means of their scores."""
    from rich.table import Table

    from fergan_core.metrics.catalogue import CATALOGUE

    unit, name = _UNITS[budget]
    shown = Table(title=f"at equal {budget}", caption=caption)
    metrics = [key for key in (*_METRICS, "speed") if (found["metric"] == key).any()]
    for column in ("rival", "seeds", name, *(CATALOGUE[key].title for key in metrics)):
        shown.add_column(column, justify="left" if column == "rival" else "right")
    together = found[found["emotion"].isna()]
    for rival, own in together.groupby("rival", sort=False):
        spent = own["spent"] / unit
        ends = f"{spent.min():,.0f}" + (f" to {spent.max():,.0f}" if round(spent.max()) > round(spent.min()) else "")
        means = [own.loc[own["metric"] == key, "value"].mean() for key in metrics]
        cells = [
            number(CATALOGUE[key], None if mean != mean else float(mean))
            for key, mean in zip(metrics, means, strict=True)
        ]
        shown.add_row(str(rival), str(own["seed"].nunique()), ends, *cells)
    print_table(shown)
