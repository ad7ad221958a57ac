"""python -m trainers.sweep: train many settings with several seeds each, and tell what each does to a score."""

import contextlib
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from fergan_core.errors import UsageError
from trainers.arguments import arg
from trainers.console import console, print_table
from trainers.datasets import LabelOrderFlag, open_data
from trainers.shell import guarded

if TYPE_CHECKING:
    from fergan_core.experiment import Span
    from fergan_core.recipe import Recipe
    from fergan_core.registry import Reader

_RANGE = re.compile(r"^(?P<low>[^.]+(\.[^.]+)?)\.\.(?P<high>[^,]+)(?P<log>,log)?$")


@dataclass(frozen=True)
class Flags:
    """Train every combination of some settings, or random ones, each with several seeds, as runs of a named study.

    The same command again continues the study where it was stopped; several processes can share its trials. At the end
    it prints how much of the score's variance each setting and the seed explain, and how often each setting fails.
    """

    study: Annotated[str, arg(metavar="NAME")]
    """Name of the study; its runs have the tag study:NAME."""
    vary: Annotated[tuple[str, ...], arg(metavar="FIELD=A,B,...|FIELD=LOW..HIGH[,log]")] = ()
    """Fields of the recipe with their values, or with a range to draw from; may be left out for an existing study."""
    seeds: int = 3
    """Number of seeds per setting, counted from 0."""
    draws: Annotated[int | None, arg(metavar="N")] = None
    """Draw this many random settings instead of all combinations."""
    preset: str = "quick"
    """Preset whose recipe is varied."""
    set: Annotated[tuple[str, ...], arg(metavar="FIELD=VALUE")] = ()
    """Fields in which all trials differ from the preset."""
    score: str = "fid"
    """Score that the tables at the end explain."""
    data: Annotated[str, arg(metavar="PATH|synthfer")] = "synthfer"
    """FER2013 in any of its published layouts (file or folder), or synthfer, the built-in faces."""
    label_order: LabelOrderFlag = None
    registry: Annotated[str | None, arg(metavar="PATH|URL")] = None
    """Registry of runs: a path or database URL; by default FERGAN_REGISTRY, or runs.db at the project's top level."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device to train on; auto is the GPU where there is one."""


def parse_vary(words: tuple[str, ...]) -> "dict[str, list[str] | Span]":
    """Read FIELD=A,B,... and FIELD=LOW..HIGH[,log]; UsageError for anything else."""
    from fergan_core.experiment import Span

    choices: dict[str, list[str] | Span] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name or not text:
            raise UsageError(f"--vary: '{word}' is not FIELD=A,B,... or FIELD=LOW..HIGH[,log], as in d_lr=1e-4,2e-4")
        name = name.replace("-", "_")
        match = _RANGE.match(text)
        if match is None:
            choices[name] = text.split(",")
            continue
        try:
            choices[name] = Span(float(match["low"]), float(match["high"]), log=match["log"] is not None)
        except ValueError:
            raise UsageError(f"--vary: '{text}' is not a range of numbers, as in d_lr=1e-5..1e-3,log") from None
    return choices


def run(flags: Flags) -> None:
    """Enqueue the design, train the waiting trials, print the tables."""
    if flags.seeds < 1 or (flags.draws is not None and flags.draws < 1):
        raise UsageError("--seeds, --draws: give 1 or more")
    from fergan_core import experiment
    from fergan_core import recipe as recipes
    from fergan_core.registry import Registry
    from trainers.flags import pairs
    from trainers.progress import TrainingBar

    recipe = recipes.changed(recipes.preset(flags.preset), pairs("--set", flags.set))
    vary = parse_vary(flags.vary)
    settings = experiment.design(vary, flags.seeds, flags.draws, seed=0) if vary else []
    for setting in settings:
        recipes.changed(recipe, setting, flag="--vary")  # so that a wrong field is refused before a registry is created
    dataset = open_data(flags.data, flags.label_order)
    registry = Registry(flags.registry)
    study = experiment.Study(registry, flags.study)
    added = study.enqueue(recipe, settings)
    print(f"study {flags.study}: {added} trials added, {study.waiting()} waiting", file=sys.stderr)
    with contextlib.ExitStack() as bars:

        def bar(recipe: "Recipe") -> TrainingBar:
            bars.close()
            steps = experiment.planned_steps(recipe, dataset)
            return bars.enter_context(TrainingBar(steps, recipe.epochs, recipe.batch_size))

        study.run(
            dataset, score=flags.score, device=flags.device, listener=bar,
            on_trial=lambda number, setting: print(
                f"trial {number}: {' '.join(f'{name}={value}' for name, value in setting.items())}", file=sys.stderr
            ),
        )  # fmt: skip
    print_tables(registry.reader, flags.study, flags.score)


def print_tables(reader: "Reader", study: str, score: str) -> None:
    """Print which settings a study's score and its failures depend on."""
    from rich.table import Table

    from fergan_core.analysis.studies import sensitivity
    from fergan_core.registry import trials

    study_trials = trials(reader, study)
    table, varied = study_trials.table, study_trials.varied
    out = console()
    scored = table.dropna(subset=[score]) if score in table else table.iloc[:0]
    if len(scored) < 4 or not varied:
        out.print(f"{len(scored)} trials with '{score}' and {len(varied)} varied fields: too few for a table.")
        return
    left_out = f", {len(table) - len(scored)} without it left out" if len(table) > len(scored) else ""
    title = f"what {score} depends on: share of its variance over {len(scored)} trials{left_out}"
    shares = Table(title=title, caption=study_trials.protocol)
    for column in ("parameter", "share", "95 % interval"):
        shares.add_column(column, justify="left" if column == "parameter" else "right")
    for row in sensitivity.shares(table, varied, score).to_dict("records"):
        ends = f"{_percent(row['low'])} to {_percent(row['high'])}"
        shares.add_row(row["parameter"], _percent(row["share"]), ends)
    print_table(shares, out)
    failed = Table(title="failures: runs that stopped early or have an alarm")
    for column in ("parameter", "value", "failed", "share", "95 % interval"):
        failed.add_column(column, justify="left" if column in ("parameter", "value") else "right")
    for row in sensitivity.failures(table, varied, "failed").to_dict("records"):
        ends = f"{_percent(row['low'])} to {_percent(row['high'])}"
        counts = f"{row['failed']} of {row['trials']}"
        failed.add_row(row["parameter"], row["value"], counts, _percent(row["share"]), ends)
    print_table(failed, out)


def _percent(value: float) -> str:
    return "" if value != value else f"{value:.0%}"


def main() -> int:
    """Entry point of `python -m trainers.sweep`."""
    flags = tyro.cli(Flags, prog="python -m trainers.sweep")
    return guarded(lambda: run(flags))


if __name__ == "__main__":
    sys.exit(main())
