"""How well the collapse of an emotion is found: precision and recall against the true people of the built-in faces.

`python -m benchmarks.detector fit REGISTRY` trains the runs on which the limits in `analysis/findings/thresholds.py`
were fixed, `... test` others, of other seeds and other kinds of failure, on which they are judged. A run that is there
already is not trained again. The detector sees points alone; the truth is the identity head of the synthfer judge.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks.common import ended, trained
from fergan_core import evaluation
from fergan_core import recipe as recipes
from fergan_core.analysis.findings.thresholds import LIMITS
from fergan_core.data import Dataset, open_dataset
from fergan_core.errors import CheckpointError
from fergan_core.experiment import detect_findings
from fergan_core.methods import load_generator
from fergan_core.methods.protocols import Generator
from fergan_core.metrics.intervals import interval_of_share
from fergan_core.registry import Reader, Registry

_IMAGES = 4_000  # of the dataset, so that there is an epoch, with its checkpoint, between two probes
_EPOCHS = 12
_FACES = 200  # per emotion, whose people are counted
_COLLAPSED = 2.0  # people or fewer, of 64: nearly one face. Real faces show 53 to 57, healthy short runs 4 to 20
_LOOKS = 2  # in a row

_SHORT = {"images": str(_IMAGES), "epochs": str(_EPOCHS), "eval_every": "0", "checkpoint_every": "1"}
_LITTLE = {"images": "200", "epochs": "240", "eval_every": "0", "checkpoint_every": "20"}

# Changes to the preset `quick`. The kinds of `test` were assessed once, after the limits were fixed.
KINDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "fit": {
        "plain": _SHORT,
        "strong discriminator": {**_SHORT, "d_lr": "2e-3", "d_steps": "3"},
        "saturating loss": {**_SHORT, "loss": "saturating", "d_lr": "1e-3"},
        "no batch norm": {**_SHORT, "g_conditioning": "concat", "g_batch_norm": "false", "d_batch_norm": "false"},
        "hinge, spectral norm": {**_SHORT, "loss": "hinge", "spectral_norm": "discriminator", "d_batch_norm": "false"},
    },
    "test": {
        "plain": _SHORT,
        "rates too high": {**_SHORT, "g_lr": "1e-2", "d_lr": "1e-2"},
        "fast generator": {**_SHORT, "g_lr": "4e-3"},
        "little data": _LITTLE,
        "least squares": {**_SHORT, "loss": "lsgan", "d_batch_norm": "false", "d_lr": "1e-3"},
        "high momentum": {**_SHORT, "beta1": "0.9", "g_lr": "2e-3", "d_lr": "2e-3"},
        "auxiliary classifier": {**_SHORT, "d_conditioning": "auxiliary", "matching_aware": "false"},
        "concatenation": {**_SHORT, "g_conditioning": "concat", "d_conditioning": "concat", "d_lr": "1e-3"},
        "wasserstein": {**_SHORT, "loss": "wgan-gp", "d_batch_norm": "false"},
        "lazy r1": {**_SHORT, "r1": "1", "d_batch_norm": "false", "g_lr": "1e-3", "d_lr": "1e-3"},
    },
}
SEEDS = {"fit": range(3), "test": range(100, 104)}


@dataclass(frozen=True)
class Case:
    """One emotion of one run: did it collapse, was a collapse found, and the onsets of both in images seen."""

    kind: str
    run: str
    emotion: str
    truth: bool
    found: bool
    truth_at: int | None
    found_at: int | None


def train_missing(part: str, dataset: Dataset, registry: Registry) -> None:
    """Train those runs of a part that the registry does not have yet."""
    for seed in SEEDS[part]:
        for kind, changes in KINDS[part].items():
            recipe = recipes.changed(recipes.preset("quick"), {**changes, "seed": str(seed)})
            trained(recipe, dataset, registry, f"{part}: {kind}, seed {seed}", "detector", part)


class Truth:
    """The effective number of people by the judge's identity head: exp of the entropy of identities, 1 to 64."""

    def __init__(self, dataset: Dataset) -> None:
        self._judge = evaluation.load_judge(evaluation.judges_for(dataset.name)[0])

    def people(self, generator: Generator, code: int) -> float:
        """Return the effective number of different people in generated faces of an emotion."""
        faces = evaluation.draw(generator, torch.full((_FACES,), code), 0, 1.0, torch.device("cpu"))
        counts = torch.bincount(self._judge.identities(self._judge.read(faces.images)[1]).argmax(1), minlength=64)
        shares = counts[counts > 0].double() / counts.sum()
        return float((-(shares * shares.log()).sum()).exp())


def cases_of(row: Mapping[str, object], kind: str, truth: Truth, reader: Reader) -> Iterator[Case]:
    """Compare a run's findings with the truth at its checkpoints, emotion by emotion."""
    run_id = str(row["id"])
    run = reader.run(run_id)
    saved = reader.checkpoints(run_id).sort_values("step")
    saved = saved[saved.images_seen >= LIMITS.grace]
    findings = reader.findings([run_id])
    onsets: dict[str, int] = {}
    for finding in findings[findings.kind == "collapse"].itertuples():
        onsets.setdefault(finding.numbers["emotion"], finding.step * run["recipe"]["batch_size"])
    people: dict[int, list[float]] = {code: [] for code in range(7)}
    for checkpoint in saved.itertuples():
        generator = load_generator(run["recipe"], reader.file(checkpoint.path), "cpu")
        for code in people:
            try:
                people[code].append(truth.people(generator, code))
            except CheckpointError:
                people[code].append(np.nan)
    for code, name in enumerate(run["recipe"]["emotions"]):
        if len(people[code]) < _LOOKS:
            continue  # the run broke off before anything could collapse
        low = np.array(people[code]) <= _COLLAPSED
        starts = [index for index in range(len(low) - _LOOKS + 1) if low[index : index + _LOOKS].all()]
        true_onset = int(saved.images_seen.iloc[starts[0]]) if starts else None
        yield Case(kind, str(row["name"]), name, bool(starts), name in onsets, true_onset, onsets.get(name))


def rates(cases: list[Case]) -> dict[str, object]:
    """Return hits, false alarms and misses, precision and recall with intervals, and the median delay of the onset."""
    hits = sum(case.truth and case.found for case in cases)
    alarms = sum(case.found and not case.truth for case in cases)
    misses = sum(case.truth and not case.found for case in cases)
    delays = [
        case.found_at - case.truth_at
        for case in cases
        if case.truth and case.found_at is not None and case.truth_at is not None
    ]
    summary: dict[str, object] = {"cases": len(cases), "hits": hits, "false_alarms": alarms, "misses": misses}
    for name, total in (("precision", hits + alarms), ("recall", hits + misses)):
        share = interval_of_share(hits / total, total) if total else None
        summary[name] = share.value if share else None
        summary[f"{name}_interval"] = [share.low, share.high] if share else None
    summary["onset_later_by_images"] = float(np.median(delays)) if delays else None
    return summary


def over_runs(cases: list[Case]) -> dict[str, list[float]]:
    """Return 95 % intervals of precision and recall by 10,000 bootstrap resamples of whole runs.

    The emotions of a run collapse together, so intervals that treat them as independent are too narrow.
    """
    runs = list(dict.fromkeys(case.run for case in cases))
    counts = np.zeros((len(runs), 3))
    for case in cases:
        counts[runs.index(case.run)] += (case.truth and case.found, case.found, case.truth)
    resamples = np.random.default_rng(0).integers(len(runs), size=(10_000, len(runs)))
    hits, detected, true = counts[resamples].sum(axis=1).T
    with np.errstate(invalid="ignore"):
        shares = {"precision": hits / detected, "recall": hits / true}
    return {name: np.nanquantile(share, (0.025, 0.975)).tolist() for name, share in shares.items()}


def print_rates(by_kind: Mapping[str, dict[str, object]]) -> None:
    """Print one row per kind of run and one for all."""
    table = Table()
    for column in ("kind", "cases", "hits", "false alarms", "misses", "precision", "recall"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind, summary in by_kind.items():
        shares = []
        for name in ("precision", "recall"):
            value, interval = summary[name], summary[f"{name}_interval"]
            shares.append("" if value is None else f"{value:.0%} ({interval[0]:.0%} to {interval[1]:.0%})")  # type: ignore[index]
        counts = [str(summary[name]) for name in ("cases", "hits", "false_alarms", "misses")]
        table.add_row(kind, *counts, *shares)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main(
    part: tyro.conf.Positional[Literal["fit", "test"]], registry: tyro.conf.Positional[Path], again: bool = False
) -> None:
    """Train the missing runs of a part, and print how well their collapses were found.

    Args:
        part: fit, on which limits may be chosen; test, on which they are assessed.
        registry: the database of the runs.
        again: detect findings again, by the present limits.
    """
    dataset = open_dataset("synthfer")
    target = Registry(str(registry))
    train_missing(part, dataset, target)
    reader, truth = target.reader, Truth(dataset)
    cases: list[Case] = []
    rows = ended(reader)
    for kind in KINDS[part]:
        for seed in SEEDS[part]:
            row = rows[f"{part}: {kind}, seed {seed}"]
            if again:
                detect_findings(target, str(row["id"]))
            cases += cases_of(row, kind, truth, reader)
    by_kind = {kind: rates([case for case in cases if case.kind == kind]) for kind in KINDS[part]}
    by_kind["all"] = rates(cases)
    print_rates(by_kind)
    intervals = over_runs(cases)
    for name, (low, high) in intervals.items():
        print(f"{name}, whole runs resampled: 95 % interval {low:.0%} to {high:.0%}")
    out = Path(f"detector-{part}.json")
    out.write_text(
        json.dumps({"rates": by_kind, "over_runs": intervals, "cases": [asdict(case) for case in cases]}, indent=1)
        + "\n"
    )
    print(out)


if __name__ == "__main__":
    tyro.cli(main)
