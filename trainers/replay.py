"""`fergan replay`: some epochs of a training again, bit for bit, measured at every step."""

import sys
from typing import TYPE_CHECKING, Literal

from fergan_core.errors import UsageError
from trainers.datasets import reopen_data

if TYPE_CHECKING:
    from fergan_core.registry import Reader

_SAME = ("loss", "loss_d", "loss_g", "grad_norm", "grad_norm_d", "grad_norm_g")


def replay(
    run: str, first: int, last: int, *, registry: str | None, data: str | None, device: Literal["auto", "cpu", "cuda"]
) -> int:
    """Train a run again from the checkpoint of epoch `first` to epoch `last`, as a fork, and compare the two.

    Returns the exit code: 0 where every recorded loss and gradient is the same to the last bit, else 1.
    """
    from fergan_core import experiment
    from trainers.progress import TrainingBar
    from trainers.runs_commands import open_registry

    if last <= first:
        raise UsageError(f"--to: {last} is not after --from {first}; a replay goes forward from a checkpoint")
    writer = open_registry(registry)
    reader = writer.reader
    run_id = reader.resolve(run, trashed="never")
    row = reader.run(run_id)
    dataset = reopen_data(row["dataset"], data)
    with TrainingBar(row["steps"], row["epochs"], row["recipe"]["batch_size"]) as bar:
        outcome = experiment.fork(
            run_id, first, {"watch_every": "1", "eval_every": "0"}, dataset, writer, device=device,
            name=f"{row['name']} {first}-{last}", tags=("replay",), until=last, listener=bar,
        )  # fmt: skip
    same, compared = _compared(reader, run_id, outcome.run_id)
    print(f"run {outcome.run_id}  {outcome.name}  {outcome.status}")
    if not compared:
        print("nothing to compare with: the points of the run are thinned or missing", file=sys.stderr)
        return 1
    print(f"{same:,} of {compared:,} losses and gradient norms are the same to the last bit")
    return int(same != compared)


def _compared(reader: "Reader", original: str, again: str) -> tuple[int, int]:
    """Return how many points of the replay are equal to the run's, and how many both have."""
    again_points, original_points = (
        frame[frame["count"] == 1][["metric", "step", "mean"]]
        for frame in (reader.points([run_id], _SAME, buckets=10**9) for run_id in (again, original))
    )
    both = again_points.merge(original_points, on=["metric", "step"])
    return int((both["mean_x"] == both["mean_y"]).sum()), len(both)
