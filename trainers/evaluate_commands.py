"""`fergan evaluate`: score a run's checkpoints again, under a protocol of one's choice, and record the scores."""

import json as json_text
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fergan_core.errors import NoRun, UsageError

if TYPE_CHECKING:
    from fergan_core.evaluation import Evaluation


def split_run(text: str) -> tuple[str, str | None]:
    """Split RUN, RUN@EPOCH or RUN@all into the run and what follows the last '@' (None: the last checkpoint)."""
    run, at, epoch = text.rpartition("@")
    if not at:
        return text, None
    if not run or not (epoch == "all" or epoch.isdecimal()):
        raise UsageError(f"'{text}': after the @ goes an epoch's number or 'all', as in {run or 'RUN'}@25")
    return run, epoch


def choose(checkpoints: Sequence[dict[str, Any]], epoch: str | None, run: str) -> list[dict[str, Any]]:
    """Return the checkpoints meant, in order of their steps; NoRun, naming the epochs there are, if there is none."""
    rows = sorted(checkpoints, key=lambda row: int(row["step"]))
    chosen = rows if epoch == "all" else rows[-1:] if epoch is None else [r for r in rows if r["epoch"] == int(epoch)]
    if not chosen:
        epochs = ", ".join(str(row["epoch"]) for row in rows) or "none"
        raise NoRun(f"run '{run}' has no checkpoint{'' if epoch is None else ' at epoch ' + epoch}; it has: {epochs}")
    return chosen


def evaluate(
    run: str,
    *,
    registry: str | None,
    count: int,
    prior: str,
    judge: str | None,
    seed: int,
    device: str,
    json: bool,
) -> None:
    """Score RUN (its last checkpoint), RUN@EPOCH or RUN@all, record the scores, and print them.

    `judge` is a shipped judge's name or a path to one's own; None takes the one for the run's data. Prints a table,
    or with `json` one line: {"id", "name", "evaluations": [{"epoch", "step", "judge", "protocol", "scores"}]}.
    """
    name, epoch = split_run(run)
    from fergan_core.registry import Reader, Registry

    writer = Registry(registry)
    reader = Reader(writer.url)
    run_id = reader.resolve(name)
    found = reader.run(run_id)
    chosen = choose(reader.checkpoints(run_id).to_dict("records"), epoch, str(found["name"]))
    # Imported only now: a mistyped run is answered without torch.
    from fergan_core.evaluation import Protocol, evaluate_checkpoints, evaluation_as_dict, judge_for
    from fergan_core.experiment import choose_device

    protocol = Protocol(judge or judge_for(str(found["dataset"]["name"])), count, seed, prior)  # type: ignore[arg-type]
    chosen_device = choose_device(device)
    steps = [int(row["step"]) for row in chosen]
    done: list[tuple[dict[str, Any], Evaluation]] = []
    for row, made in zip(chosen, evaluate_checkpoints(writer, run_id, steps, protocol, chosen_device), strict=True):
        print(f"epoch {row['epoch']}: {count:,} faces drawn and read", file=sys.stderr, flush=True)
        done.append((row, made))
    if json:
        rows = [{"epoch": r["epoch"], "step": r["step"], **evaluation_as_dict(made)} for r, made in done]
        print(json_text.dumps({"id": run_id, "name": found["name"], "evaluations": rows}, allow_nan=False))
        return
    for row, made in done:
        print_scores(f"{found['name']}, epoch {row['epoch']}", made)


def print_scores(title: str, evaluation: "Evaluation") -> None:
    """Print an evaluation as a table: each score, its interval, real faces' value, and the ratio of the two."""
    from rich.console import Console
    from rich.table import Table

    protocol = evaluation.protocol
    caption = (
        f"judge {evaluation.judge} {evaluation.judge_sha256[:8]}, {protocol.count:,} faces, {protocol.prior} prior, "
        f"seed {protocol.seed}; {evaluation.real_count:,} real faces"
    )
    table = Table(title=title, caption=caption)
    table.add_column("score")
    for column in ("value", "95 % interval", "real faces", "ratio"):
        table.add_column(column, justify="right")
    for score in evaluation.scores:
        table.add_row(
            score.metric if score.emotion is None else f"{score.metric} {score.emotion}",
            f"{score.value:.4f}",
            "" if score.low is None or score.high is None else f"{score.low:.4f} to {score.high:.4f}",
            "" if score.real is None else f"{score.real:.4f}",
            f"{score.value / score.real:.3f}" if score.real else "",
        )
    Console().print(table)
