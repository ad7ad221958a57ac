"""The command of every trainer: read flags, start, resume or fork a run, and print its outcome."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fergan_core.errors import UsageError
from trainers.datasets import open_data, reopen_data
from trainers.evaluate_commands import split_run
from trainers.flags import Flags, parse, settings

if TYPE_CHECKING:
    from fergan_core.experiment import Outcome


def train(prog: str, kind: str, arguments: Sequence[str] | None = None) -> int:
    """Read a trainer's flags, train, print the outcome. Exit: 0 done, 1 failed, 2 wrong use, 130 interrupted.

    `kind` is the recipe's method; `arguments` are by default those of the command line.
    """
    flags = parse(prog, kind, arguments)
    # torch is imported only now, so that --help and wrong flags are answered in a fraction of a second.
    from fergan_core import experiment
    from fergan_core.recipe import OWN_SCRIPT
    from fergan_core.registry import Registry
    from trainers.progress import TrainingBar
    from trainers.runs_commands import open_registry

    session = flags.session
    changes = settings(session)
    goes_on = session.resume is not None or session.fork is not None
    registry = open_registry(session.registry) if goes_on else Registry(session.registry)

    def on_start(run_id: str) -> None:
        print(f"run {run_id} has begun in {registry.url}", file=sys.stderr, flush=True)

    if goes_on:
        reader = registry.reader
        name, epoch = split_run(session.resume or session.fork or "")
        run_id = reader.resolve(session.resume or name, trashed="never")
        row = reader.run(run_id)
        if row["method"] == OWN_SCRIPT:
            raise UsageError(f"run '{row['name']}' was recorded by a script, or imported; go on with that script")
        if row["method"] != kind:
            raise UsageError(
                f"run '{row['name']}' is of the method {row['method']}; use `fergan train {row['method']}`"
            )
        dataset = reopen_data(row["dataset"], session.data, session.label_order)
        with TrainingBar(row["steps"], row["epochs"], row["recipe"]["batch_size"]) as bar:
            if session.resume is not None:
                outcome = experiment.resume(run_id, dataset, registry, device=session.device, listener=bar)
            else:
                at = None if epoch is None else int(epoch)
                outcome = experiment.fork(
                    run_id, at, changes, dataset, registry, device=session.device,
                    name=session.name, tags=session.tags, listener=bar, on_start=on_start,
                )  # fmt: skip
    else:
        dataset = open_data(session.data or "synthfer", session.label_order)
        recipe = flags.recipe
        steps = experiment.planned_steps(recipe, dataset)
        with TrainingBar(steps, recipe.epochs, recipe.batch_size) as bar:
            outcome = experiment.train(
                recipe, dataset, registry, device=session.device,
                name=session.name, tags=session.tags, listener=bar, on_start=on_start,
            )  # fmt: skip
    _print(outcome, flags)
    return {"finished": 0, "interrupted": 130}.get(outcome.status, 1)


def _print(outcome: "Outcome", flags: Flags) -> None:
    """Print the run's id, status and scores: a table, or one line of JSON."""
    if flags.session.json:
        print(
            json.dumps(
                {
                    "id": outcome.run_id,
                    "name": outcome.name,
                    "status": outcome.status,
                    "reason": outcome.reason,
                    "epochs": outcome.epochs,
                    "judge": outcome.judge,
                    "scores": {
                        score.metric if score.emotion is None else f"{score.metric}:{score.emotion}": {
                            "value": score.value,
                            "low": score.low,
                            "high": score.high,
                            "real": score.real,
                        }
                        for score in outcome.scores
                    },
                }
            )
        )
        return
    from trainers.console import console

    output = console()
    reason = f" ({outcome.reason})" if outcome.reason else ""
    output.print(f"run {outcome.run_id}  {outcome.name}  {outcome.status}{reason}", markup=False, highlight=False)
    if outcome.scores:
        from trainers.score_tables import print_scores

        print_scores(output, f"scores by the {outcome.judge} judge", outcome.scores)
