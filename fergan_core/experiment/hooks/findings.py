"""Findings during training: the recorded points are examined now and then, at little cost."""

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
_WAIT = 50.0  # times as long as a detection took passes before the next


class FindingsHook(engine.Hook):
    """Detects findings during training, in at most about a fiftieth of its time."""

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
        self._due = ended + max(2.0, _WAIT * (ended - started))


def detect_findings(registry: Registry, run_id: str) -> list[findings.Finding]:
    """Detect findings in a run's points and scores and record them in place of its earlier ones; return them.

    Raises UsageError for a run without a training history, such as a result from the literature.
    """
    reader = registry.reader
    row = reader.run(run_id)
    if "batch_size" not in row["recipe"]:
        raise UsageError(
            f"run '{row['name']}' was not trained by FerGAN and tells no batch_size, by which findings are dated; "
            "name a run that does"
        )
    points = reader.points([run_id], reader.metrics([run_id]), buckets=_BUCKETS)
    scores = reader.scores([run_id])
    scores = scores[scores["metric"].isin(findings.SCORES)]
    history = findings.RunHistory(
        points,
        # One protocol of each score: numbers of two judges are not one history.
        pd.concat(
            [scores.iloc[:0], *(preferred(metric_scores) for _, metric_scores in scores.groupby("metric", sort=False))]
        ),
        batch_size=int(row["recipe"]["batch_size"]),
        steps_per_epoch=max(1, int(row["steps"]) // int(row["epochs"])),
    )
    run_findings = findings.find(history)
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
            for finding in run_findings
        ],
    )
    return run_findings
