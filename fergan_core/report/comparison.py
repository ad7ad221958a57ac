"""Two runs or more beside each other: what differs, their newest scores, verdicts at an equal budget, curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fergan_core.analysis import comparison, elsewhere
from fergan_core.analysis.budgets import COST, SPEED, STRETCHES, Budget, with_cost
from fergan_core.analysis.comparison import PairedComparison
from fergan_core.analysis.pace import Unit, paces
from fergan_core.analysis.settings import recipe_differences, settings_of, sorted_out
from fergan_core.metrics.catalogue import CATALOGUE, Metric, written
from fergan_core.protocols import newest, preferred, real_faces
from fergan_core.registry import Reader
from fergan_core.report import curves, scores, verdicts
from fergan_core.report.contents import ComparisonPart, Figure, Table
from fergan_core.report.evidence import how_to_score

_BUDGETS: Mapping[Budget, str] = {"seconds": "seconds of training", "images": "images seen"}
_SAME_DATA = "The runs were trained on different data, which may be all that differs: there is no verdict."


def compared(reader: Reader, runs: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str]) -> ComparisonPart:
    """Return the runs beside each other; both mappings are by id, `runs` as `Reader.run` gives them."""
    run_ids = list(runs)
    missing: dict[str, str] = {}
    trained = [run_id for run_id in run_ids if not runs[run_id]["literature"]]
    differences = _differences(runs, trained, labels, missing)
    of_all = reader.scores(run_ids)
    if of_all.empty:
        missing["scores"] = f"None of these runs has a score: {how_to_score('RUN')}"
        return ComparisonPart(differences, (), (), (), (), missing)
    of_one = preferred(of_all)
    last = newest(of_one)
    without = [labels[run_id] for run_id in run_ids if run_id not in set(of_one["run_id"])]
    remarks = [f"Not scored under this protocol: {', '.join(without)}."] if without else []
    tables, words = _verdicts(reader, runs, labels, of_all, of_one, missing)
    figure = _figure(reader, runs, of_one, labels)
    return ComparisonPart(
        differences,
        scores.tables_of_runs(last, labels),
        tables,
        (*remarks, *filter(None, [real_faces(last)]), *words),
        () if figure is None else (figure,),
        missing,
    )


def _differences(
    runs: Mapping[str, Mapping[str, Any]], trained: Sequence[str], labels: Mapping[str, str], missing: dict[str, str]
) -> tuple[Table, ...]:
    if len(trained) < 2:
        missing["differences"] = "A result from the literature has no recipe to compare."
        return ()
    table = recipe_differences({labels[run_id]: settings_of(runs[run_id]) for run_id in trained})
    differing, beside = sorted_out(table)
    if differing.empty:
        missing["differences"] = "Nothing that a result depends on: the recipes, the data and the seeds are the same."
        return ()
    note = "What an older recipe did not record has its default, by which the run was trained."
    if (differing == "–").any(axis=None):
        note += " –: this run's method has no such setting."
    if len(beside):
        note += f" Different too, with no influence on what is learnt: {', '.join(beside['field'])}."
    rows = tuple(tuple(map(str, row)) for row in differing.itertuples(index=False, name=None))
    columns = ("setting", *(labels[run_id] for run_id in trained))
    return (Table("What differs", columns, rows, note, words=len(columns)),)


def _verdicts(
    reader: Reader,
    runs: Mapping[str, Mapping[str, Any]],
    labels: Mapping[str, str],
    of_all: pd.DataFrame,
    of_one: pd.DataFrame,
    missing: dict[str, str],
) -> tuple[tuple[Table, ...], list[str]]:
    """Return the table of verdicts and the sentences that explain or weaken them."""
    table = reader.runs().set_index("id", drop=False)
    chosen = table[~table["literature"]].reindex(list(runs)).dropna(subset=["id"])
    if len(chosen) < 2:
        return (), []
    if chosen["data_hash"].nunique() > 1:
        missing["verdicts"] = _SAME_DATA
        return (), []
    recipes = reader.recipes(list(chosen.index))
    groups = comparison.group_by_recipe(chosen.reset_index(drop=True), recipes)
    if len(groups) < 2:
        missing["verdicts"] = "These runs have one recipe, in several seeds: there is nothing to decide between."
        return (), []
    points = reader.points(list(chosen.index), [SPEED, COST], buckets=STRETCHES)
    spent = with_cost(of_one[of_one["run_id"].isin(chosen.index)], recipes, points)
    seeds = {run_id: int(runs[run_id]["seed"]) for run_id in chosen.index}
    by_budget = {unit: comparison.matched(spent, groups, seeds, budget) for budget, unit in _BUDGETS.items()}
    unit = next((unit for unit, rows in by_budget.items() if rows["rival"].nunique() > 1), None)
    if unit is None:
        missing["verdicts"] = "Fewer than two of these recipes have scores and a recorded cost."
        return (), []
    # In the order in which the runs were named, and not in that of their trainings.
    matched = by_budget[unit].sort_values("rival", key=lambda names: names.map(list(groups).index), kind="stable")
    found = verdicts.verdicts_of(of_all, of_one, matched, lambda metric, value: written(value, metric))
    sentences = [
        comparison.unequal(matched),
        comparison.cut_short(matched, chosen.reset_index(drop=True), recipes),
        *dict.fromkeys(f"{CATALOGUE[key].title}: {again}" for key, _, contradicted in found for again in contradicted),
        *verdicts.how_tested(found),
    ]
    if not elsewhere.by_other_judges(of_all, of_one, matched):
        sentences.append(elsewhere.one_judge(of_one))
    return (_table(found, matched, unit, groups, labels),), [sentence for sentence in sentences if sentence]


def _table(
    found: Sequence[verdicts.Verdict],
    matched: pd.DataFrame,
    unit: str,
    groups: Mapping[str, Sequence[str]],
    labels: Mapping[str, str],
) -> Table:
    """Return the verdicts as a table; of two rivals alone their names are the columns'. `groups` has the runs' ids by
    rival, `labels` their names."""
    lowest, highest = matched["spent"].min(), matched["spent"].max()
    span = f"{lowest:,.0f}" + (f" to {highest:,.0f}" if round(highest) > round(lowest) else "")
    members = "; ".join(f"'{name}': {', '.join(labels[run_id] for run_id in ids)}" for name, ids in groups.items())
    note = "In brackets the 95 % interval. "
    note += f"Each run at its evaluation nearest to what the shortest training spent: {span} {unit}. {members}."
    two = len(groups) == 2
    rows = tuple(
        (
            scores.title_of(CATALOGUE[key]),
            *(() if two else pair.rivals),
            _answer(pair),
            *(written(mean, CATALOGUE[key]) for mean in pair.means),
            _difference(pair, CATALOGUE[key]),
        )
        for key, pair, _ in found
    )
    compared = "the second compared with the first"
    if two:
        return Table("Which is better", ("score", "verdict", *groups, compared), rows, note, words=2)
    columns = ("score", "first", "second", "verdict", "first's score", "second's score", compared)
    return Table("Which is better", columns, rows, note, words=4)


def _difference(pair: PairedComparison, metric: Metric) -> str:
    if pair.kind == "ratio":
        return f"{pair.difference:.3g} times [{pair.low:.3g}, {pair.high:.3g}]"
    return written(pair.difference, metric, pair.low, pair.high).replace("%", " points")


def _answer(pair: PairedComparison) -> str:
    if pair.winner is None:
        return "cannot tell"
    better = f"'{pair.rivals[pair.winner]}' is better"
    if pair.answer == "of these runs":
        return f"{better}, of these two runs; other seeds may differ"
    return f"{pair.pairs} paired seeds {pair.answer.removesuffix('s')} that {better}"


def _figure(
    reader: Reader, runs: Mapping[str, Mapping[str, Any]], of_one: pd.DataFrame, labels: Mapping[str, str]
) -> Figure | None:
    """Return the runs' scores over the images that they had seen, or over epochs where these are not known of all."""
    table = pd.DataFrame([{name: run[name] for name in ("id", "steps", "epochs")} for run in runs.values()])
    pace = paces(table, reader.recipes(list(runs)))
    units: tuple[Unit, ...] = ("images", "epoch")
    for unit in units:
        steps = zip(of_one["run_id"], of_one["step"], strict=True)
        x = pd.Series([pace[run_id].at(unit, step).item() for run_id, step in steps], of_one.index, dtype=float)
        if x.notna().all():
            return curves.scores_figure(of_one, labels, x, unit)
    return None
