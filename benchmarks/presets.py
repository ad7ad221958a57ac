"""Is one preset better? `python -m benchmarks.presets dcgan robust fer2013.csv REGISTRY` trains both and tells.

Three seeds each, compared at equal images seen and at equal seconds of training; a run that is there already is not
trained again. Real faces' values stand beside the scores.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.common import ended
from fergan_core import recipe as recipes
from fergan_core.analysis.budgets import COST, SPEED, STRETCHES, Budget, at_budget, with_cost
from fergan_core.analysis.studies.groups import compare
from fergan_core.data import Dataset, open_dataset
from fergan_core.emotions import EMOTIONS
from fergan_core.evaluation import LIGHT_COUNT, Protocol, evaluate_checkpoints, judges_for
from fergan_core.experiment import start
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.protocols import preferred
from fergan_core.registry import Reader, Registry

_COLLAPSES = ("collapse", "global-collapse")
# Sets of faces by their natural mixture; emotions, of which some are rare, by equally many faces of each.
_SCORES: tuple[tuple[str, str | None, str], ...] = (
    ("fid", None, "natural"),
    ("coverage", None, "natural"),
    ("recall", None, "natural"),
    *(("accuracy", emotion, "balanced") for emotion in (None, *EMOTIONS)),
)


def train_missing(preset: str, epochs: int, seed: int, dataset: Dataset, registry: Registry) -> str:
    """Train a preset's run where it is not in the registry, score its checkpoints by both priors; return its id."""
    name = f"{preset}, {epochs} epochs, seed {seed}"
    reader = Reader(registry.url)
    if name not in ended(reader):
        print(name, file=sys.stderr, flush=True)
        recipe = replace(recipes.preset(preset), epochs=epochs, eval_every=2, checkpoint_every=2, seed=seed)
        if start(recipe, dataset, registry, name=name, tags=("presets",)).status == "interrupted":
            raise KeyboardInterrupt
    run_id = str(ended(reader)[name]["id"])
    scored = reader.scores([run_id])
    steps = set(reader.checkpoints(run_id)["step"]) - set(scored[scored["prior"] == "balanced"]["step"])
    protocol = Protocol(judges_for(dataset.name)[0], LIGHT_COUNT, prior="balanced")
    for _ in evaluate_checkpoints(registry, run_id, sorted(steps), [protocol], dataset=dataset):
        pass
    return run_id


def rows(reader: Reader, groups: Mapping[str, list[str]], stage: Budget) -> Iterator[list[str]]:
    """Compare the groups score by score: title, both means, their difference with its interval, verdict, real faces."""
    run_ids = [run_id for own in groups.values() for run_id in own]
    recipes_of = {run_id: reader.run(run_id)["recipe"] for run_id in run_ids}
    spent = with_cost(reader.scores(run_ids), recipes_of, reader.points(run_ids, [SPEED, COST], buckets=STRETCHES))
    tables = {prior: at_budget(preferred(own), stage) for prior, own in spent.groupby("prior")}
    ends = [tables["natural"][tables["natural"]["run_id"].isin(own)]["spent"] for own in groups.values()]
    yield [f"{stage} of each run", *(f"{own.min():,.0f} to {own.max():,.0f}" for own in ends), "", "", ""]
    for metric, emotion, prior in _SCORES:
        table = tables[prior]
        of = table["emotion"].isna() if emotion is None else table["emotion"] == emotion
        own = table[of & (table["metric"] == metric)].set_index("run_id")
        values = [own["value"].reindex(of_group).to_list() for of_group in groups.values()]
        title = f"{CATALOGUE[metric].title}, {emotion or 'all'}"
        if pd.isna([*values[0], *values[1]]).any():
            yield [title, *(", ".join(f"{value:.3g}" for value in one) for one in values), "", "missing in some", ""]
            continue
        found = compare(*values)
        difference = f"{found.difference:+.3g} ({found.low:+.3g} to {found.high:+.3g})"
        real = f"{own['real'].median():.3g}"
        yield [title, f"{found.first:.3g}", f"{found.second:.3g}", difference, found.verdict, real]


def collapses(reader: Reader, groups: Mapping[str, list[str]]) -> list[str]:
    """Count each group's runs in which a collapse was found."""
    found = [reader.findings(own) for own in groups.values()]
    runs = [own[own["kind"].isin(_COLLAPSES)]["run_id"].nunique() for own in found]
    return ["runs with a collapse", *(f"{n} of {len(own)}" for n, own in zip(runs, groups.values(), strict=True))]


def main(
    first: tyro.conf.Positional[str],
    second: tyro.conf.Positional[str],
    data: tyro.conf.Positional[str],
    registry: tyro.conf.Positional[Path],
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training images, of both.")] = 8,
    seeds: Annotated[int, tyro.conf.arg(help="Seeds of each, from 0.")] = 3,
) -> None:
    """Train two presets with several seeds each, in turns, and compare them at equal images and at equal seconds."""
    dataset, target = open_dataset(data), Registry(str(registry))
    groups: dict[str, list[str]] = {first: [], second: []}
    for seed in range(seeds):
        for preset, own in groups.items():
            own.append(train_missing(preset, epochs, seed, dataset, target))
    reader = Reader(target.url)
    table = Table()
    for column in ("", first, second, "second less first", "the runs", "real faces"):
        table.add_column(column, justify="left" if not column else "right")
    stages: tuple[Budget, ...] = ("images", "seconds")
    for stage in stages:
        for line in rows(reader, groups, stage):
            table.add_row(*line)
        table.add_section()
    table.add_row(*collapses(reader, groups))
    Console(width=None if sys.stdout.isatty() else 140).print(table)


if __name__ == "__main__":
    tyro.cli(main)
