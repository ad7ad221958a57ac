"""Findings during training: what is recorded is examined again and again, seldom enough to cost little time."""

import time

import pandas as pd
from torch import Tensor

from fergan_core.analysis import findings
from fergan_core.errors import UsageError
from fergan_core.experiment.training_run import TrainingRun
from fergan_core.protocols import preferred
from fergan_core.registry import PointWriter, Registry
from fergan_core.training import engine

_BUCKETS = 2_000
_REST = 50.0  # times as long as a look at the findings took passes before the next


class FindingsHook(engine.Hook):
    """Looks for findings while the training goes, seldom enough to cost a fiftieth of the time."""

    def __init__(self, run: TrainingRun, writer: PointWriter) -> None:
        self._run, self._writer = run, writer
        self._due = time.perf_counter()

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        started = time.perf_counter()
        if started < self._due:
            return
        self._writer.flush()
        detect_findings(self._run.registry, self._run.run_id)
        ended = time.perf_counter()
        self._due = ended + max(2.0, _REST * (ended - started))


def detect_findings(registry: Registry, run_id: str) -> list[findings.Finding]:
    """Find what there is to find in a run's points and scores, in place of what was found before.

    Raises UsageError for a run that was not trained here.
    """
    reader = registry.reader
    row = reader.run(run_id)
    if "batch_size" not in row["recipe"]:
        raise UsageError(f"run '{row['name']}' was not trained here and has no history to look at; name a trained run")
    points = reader.points([run_id], reader.metrics([run_id]), buckets=_BUCKETS)
    scores = reader.scores([run_id])
    scores = scores[scores["metric"].isin(findings.SCORES)]
    history = findings.RunHistory(
        points,
        # Of each score one protocol: the numbers of two judges would be taken for one history.
        pd.concat([scores.iloc[:0], *(preferred(own) for _, own in scores.groupby("metric", sort=False))]),
        batch_size=int(row["recipe"]["batch_size"]),
        steps_per_epoch=max(1, int(row["steps"]) // int(row["epochs"])),
    )
    found = findings.find(history)
    registry.set_findings(
        run_id,
        [
            {
                "step": finding.step,
                "epoch": history.epoch(finding.step),
                "kind": finding.kind,
                "severity": finding.severity,
                "sentence": finding.sentence,
                "numbers": dict(finding.numbers),
            }
            for finding in found
        ],
    )
    return found
