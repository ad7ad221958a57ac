"""What looks on while a training goes: the judge's probe, and the findings that are made of all that is recorded."""

import sys
import time

import pandas as pd
from torch import Tensor

from fergan_core import evaluation
from fergan_core.analysis import findings
from fergan_core.errors import FerganError, UsageError
from fergan_core.experiment.hooks.checkpoints import Run
from fergan_core.methods.protocols import Differentiable
from fergan_core.protocols import preferred
from fergan_core.registry import PointWriter, Reader, Registry
from fergan_core.training import engine

PROBE_IMAGES = 4_000  # images seen from one probe to the next, of a generator that draws a face in one pass
_BUCKETS = 2_000
_REST = 50.0  # times as long as a look at the findings took passes before the next


class ProbeHook(engine.Hook):
    """Takes the probe every PULSE_IMAGES images, and the condition of the generator's Jacobian at each checkpoint."""

    def __init__(self, run: Run, writer: PointWriter) -> None:
        self._run, self._writer = run, writer
        self._probe: evaluation.Probe | None = None
        self._dead = False

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        # Faces of many passes are drawn as many times more seldom, so that the probe costs a few percent of the time.
        apart = PROBE_IMAGES * max(1, self._run.learner.generator.nfe // 4)
        every = max(1, apart // self._run.recipe.batch_size)
        if progress.step % every or self._dead:
            return
        run = self._run
        try:
            if self._probe is None:
                judge = evaluation.load_judge(evaluation.judges_for(run.dataset.name)[0], run.device)
                real_faces = evaluation.RealFaces(run.dataset, run.parts, judge)
                self._probe = evaluation.Probe(judge, real_faces, run.recipe.emotions, run.recipe.seed)
            found = self._probe.take(run.learner.generator, run.device)
        except FerganError as error:
            # Faces that are not numbers are the recorder's business; anything else would fail the next time too.
            print(f"step {progress.step}: no more probe: {error}", file=sys.stderr)
            self._dead = True
            return
        self._writer.put([(name, progress.step, value) for name, value in found.items()])

    def after_epoch(self, progress: engine.Progress) -> None:
        recipe = self._run.recipe
        generator = self._run.learner.generator
        if not isinstance(generator, Differentiable) or not recipe.watch_every:
            return
        if progress.epoch == recipe.epochs or progress.epoch % recipe.checkpoint_every == 0:
            found = evaluation.jacobian_condition(generator, recipe.emotions, recipe.seed)
            self._writer.put([("jacobian", progress.step, found)])


class FindingsHook(engine.Hook):
    """Looks for findings while the training goes, seldom enough to cost a fiftieth of the time."""

    def __init__(self, run: Run, writer: PointWriter) -> None:
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
    reader = Reader(registry.url)
    row = reader.run(run_id)
    if "batch_size" not in row["recipe"]:
        raise UsageError(f"run '{row['name']}' was not trained here and has no history to look at; name a trained run")
    points = reader.points([run_id], reader.metrics([run_id]), buckets=_BUCKETS)
    scores = reader.scores([run_id])
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
