"""Do directions move what is known of synthfer's faces? `python -m benchmarks.directions RUN` measures it.

Pose and light are read in a generator's faces, moved along directions in closed form, learned and random ones. Printed
is the largest correlation of a shift along a direction of each kind with what is read.
"""

import sys
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.table import Table

from fergan_core.errors import CheckpointError, UsageError
from fergan_core.exploring.closed_form import closed_form
from fergan_core.exploring.directions import SPACES, Directions, Walker
from fergan_core.exploring.factors import FACTORS, factor_correlations, fitted_reader
from fergan_core.exploring.learned import STEPS, learn
from fergan_core.methods import load_generator
from fergan_core.registry import Reader

COUNT = 20  # directions of each kind: as many chances for each


def main(
    run: tyro.conf.Positional[str],
    /,
    *,
    registry: Annotated[str, tyro.conf.arg(help="Registry with the run.")] = "runs.db",
    steps: Annotated[int, tyro.conf.arg(help="Steps of the learning; 0 leaves it out.")] = STEPS,
    seeds: Annotated[int, tyro.conf.arg(help="Learnings, and sets of random directions, with seeds from 0 on.")] = 3,
) -> None:
    """Print how closely each factor follows the best direction of each kind, by a run's last checkpoint."""
    reader = Reader(registry)
    record = reader.run(reader.resolve(run))
    if record["dataset"]["name"] != "synthfer":
        raise UsageError("the factors of photographs are not known; name a run on synthfer")
    checkpoint = reader.checkpoints(record["id"]).iloc[-1]
    walker = Walker(load_generator(record["recipe"], Path(reader.file(checkpoint["path"]))))
    factors = fitted_reader()
    kinds: dict[str, Directions] = {}
    for space in SPACES:
        try:
            kinds[f"closed form, {space}"] = closed_form(walker, space, COUNT)
        except CheckpointError as error:
            print(error, file=sys.stderr)
    for seed in range(seeds if steps else 0):
        learned = learn(walker, COUNT, steps=steps, seed=seed)
        print(f"learned, seed {seed}: {torch.tensor(learned.told).mean():.0%} told", file=sys.stderr)
        kinds[f"learned, seed {seed}"] = learned.directions
    kinds |= {f"random, seed {seed}": walker.random_directions(COUNT, seed) for seed in range(seeds)}
    table = Table("directions", "number", *FACTORS, title=f"largest correlation with a shift, {record['name']}")
    table.add_row("reading of real faces", "", *(f"{value:.2f}" for value in factors.reliability))
    for name, directions in kinds.items():
        largest = factor_correlations(walker, directions, factors).abs().amax(0)
        table.add_row(name, str(len(directions)), *(f"{value:.2f}" for value in largest.tolist()))
    Console().print(table)


if __name__ == "__main__":
    tyro.cli(main)
