"""Is one preset better? `python -m benchmarks.presets dcgan-concat robust fer2013.csv REGISTRY` trains and compares.

Three seeds each, compared at equal images seen and at equal seconds of training; a run that the registry already has
is not trained again. Real faces' values stand beside the scores.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.common import trained
from fergan_core import recipe as recipes
from fergan_core.analysis.budgets import COST, SPEED, STRETCHES, Budget, at_budget, with_cost
from fergan_core.analysis.families import corrected
from fergan_core.analysis.scales import Scale, faces_of, in_words
from fergan_core.analysis.studies.groups import Difference, family
from fergan_core.data import Dataset, open_dataset
from fergan_core.emotions import EMOTIONS
from fergan_core.evaluation import LIGHT_COUNT, Protocol, evaluate_checkpoints, judges_for
from fergan_core.metrics.catalogue import CATALOGUE, Metric
from fergan_core.protocols import preferred
from fergan_core.registry import Reader, Registry
from trainers.score_tables import number

_COLLAPSES = ("collapse", "global-collapse")
# Scores of sets by the natural prior; emotions', of which some are rare, by sets with equally many faces of each.
_SCORES: tuple[tuple[str, str | None, str], ...] = (
    ("fid", None, "natural"),
    ("coverage", None, "natural"),
    ("recall", None, "natural"),
    *(("accuracy", emotion, "balanced") for emotion in (None, *EMOTIONS)),
)


def train_missing(preset: str, epochs: int, seed: int, dataset: Dataset, registry: Registry) -> str:
    """Train a preset's run where it is not in the registry, score its checkpoints by both priors; return its id."""
    recipe = replace(recipes.preset(preset), epochs=epochs, eval_every=2, checkpoint_every=2, seed=seed)
    run_id = trained(recipe, dataset, registry, f"{preset}, {epochs} epochs, seed {seed}", "presets")
    reader = registry.reader
    scored = reader.scores([run_id])
    steps = set(reader.checkpoints(run_id)["step"]) - set(scored[scored["prior"] == "balanced"]["step"])
    protocol = Protocol(judges_for(dataset.name)[0], LIGHT_COUNT, prior="balanced")
    for _ in evaluate_checkpoints(registry, run_id, sorted(steps), [protocol], dataset=dataset):
        pass
    return run_id


@dataclass(frozen=True)
class Line:
    """One score of both presets' runs at an equal budget, `values` of each by seed, and real faces' value."""

    title: str
    metric: Metric
    values: tuple[list[float], list[float]]
    scale: Scale
    real: float

    @property
    def complete(self) -> bool:
        """Tell whether every run has this score."""
        return not pd.isna([*self.values[0], *self.values[1]]).any()


def lines_at(reader: Reader, groups: Mapping[str, list[str]], budget: Budget) -> tuple[list[str], list[Line]]:
    """Return how much each preset's runs had spent at an equal budget, as table cells, and their scores there."""
    run_ids = [run_id for group in groups.values() for run_id in group]
    points = reader.points(run_ids, [SPEED, COST], buckets=STRETCHES)
    scores = with_cost(reader.scores(run_ids), reader.recipes(run_ids), points)
    tables = {prior: at_budget(preferred(of_prior), budget) for prior, of_prior in scores.groupby("prior")}
    natural = tables["natural"]
    spent = [natural[natural["run_id"].isin(group)]["spent"] for group in groups.values()]
    lines = []
    for key, emotion, prior in _SCORES:
        table = tables[prior]
        of_emotion = table["emotion"].isna() if emotion is None else table["emotion"] == emotion
        rows = table[of_emotion & (table["metric"] == key)].set_index("run_id")
        first, second = (rows["value"].reindex(group).to_list() for group in groups.values())
        metric = CATALOGUE[key]
        scale = Scale(metric.compared_by, faces_of(rows))
        title = f"{metric.title}, {emotion or 'all'}"
        lines.append(Line(title, metric, (first, second), scale, float(rows["real"].median())))
    return [f"{budget} of each run", *(f"{values.min():,.0f} to {values.max():,.0f}" for values in spent)], lines


def cells(line: Line, difference: Difference | None) -> list[str]:
    """Return a line of the table: title, both means, the difference with its interval, the verdict, real faces."""
    real = number(line.metric, line.real)
    if difference is None:
        values = (", ".join(number(line.metric, value) for value in group) for group in line.values)
        return [line.title, *values, "", "missing in some", real]
    means = (number(line.metric, mean) for mean in (difference.first, difference.second))
    ends = (difference.difference, difference.low, difference.high)
    if difference.kind == "ratio":
        size, low, high = (f"{end:.3g}" for end in ends)
        written = f"{size} times ({low} to {high})"
    elif difference.kind == "share":
        size, low, high = (f"{100 * end:.1f}" for end in ends)
        written = f"{size} points ({low} to {high})"
    else:
        size, low, high = (f"{end:+.3g}" for end in ends)
        written = f"{size} ({low} to {high})"
    return [line.title, *means, written, difference.verdict, real]


def collapses(reader: Reader, groups: Mapping[str, list[str]]) -> list[str]:
    """Count each preset's runs in which a collapse was found, as table cells."""
    counts = []
    for group in groups.values():
        findings = reader.findings(group)
        collapsed = findings[findings["kind"].isin(_COLLAPSES)]["run_id"].nunique()
        counts.append(f"{collapsed} of {len(group)}")
    return ["runs with a collapse", *counts]


def compared(reader: Reader, groups: Mapping[str, list[str]]) -> tuple[Table, str]:
    """Return the table of both presets at equal images and at equal seconds, and what is to be said below it.

    All its verdicts are one family and corrected for their number, each score on its own scale, as on the dashboard.
    """
    budgets: tuple[Budget, ...] = ("images", "seconds")
    parts = [lines_at(reader, groups, budget) for budget in budgets]
    tested = [line for _, lines in parts for line in lines if line.complete]
    differences = dict(zip(map(id, tested), family([(*line.values, line.scale) for line in tested]), strict=True))
    table = Table()
    for column in ("", *groups, "second against first", "the runs", "real faces"):
        table.add_column(column, justify="left" if not column else "right")
    for spent, lines in parts:
        table.add_row(*spent)
        for line in lines:
            table.add_row(*cells(line, differences.get(id(line))))
        table.add_section()
    table.add_row(*collapses(reader, groups))
    titles: dict[str, dict[str, None]] = {"ratio": {}, "share": {}}
    for line in tested:
        if (kind := differences[id(line)].kind) in titles:
            titles[kind][line.metric.title] = None
    return table, f"{in_words(list(titles['ratio']), list(titles['share']))}\n{corrected(len(tested))}"


def main(
    first: tyro.conf.Positional[str],
    second: tyro.conf.Positional[str],
    data: tyro.conf.Positional[str],
    registry: tyro.conf.Positional[Path],
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training images, of both.")] = 8,
    seeds: Annotated[int, tyro.conf.arg(help="Seeds of each, from 0.")] = 3,
) -> None:
    """Train two presets with several seeds each, alternately, and compare them at equal images and at equal seconds."""
    dataset, target = open_dataset(data), Registry(str(registry))
    groups: dict[str, list[str]] = {first: [], second: []}
    for seed in range(seeds):
        for preset, run_ids in groups.items():
            run_ids.append(train_missing(preset, epochs, seed, dataset, target))
    table, notes = compared(target.reader, groups)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print(notes, highlight=False)


if __name__ == "__main__":
    tyro.cli(main)
