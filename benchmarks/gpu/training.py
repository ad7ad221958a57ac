"""One preset trained for the time that is left, over as many epochs as fit into it."""

import math
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from benchmarks.common import row
from benchmarks.gpu.job import Job, failed
from fergan_core import evaluation
from fergan_core.data import Dataset
from fergan_core.experiment import choose_device, outcome, planned_steps, train
from fergan_core.metrics.catalogue import CATALOGUE
from fergan_core.recipe import Recipe
from fergan_core.registry import Registry
from fergan_core.training.engine import Progress

TAG = "bench-gpu"
_SCORES = ("fid", "recall", "coverage", "precision", "accuracy")
_PILOT, _PILOT_SECONDS = 0.08, 15.0  # the pilot's share of the time, and its seconds at most
_USED = 0.92  # of the time for steps, since a machine's speed changes
_SPARE = 0.03  # of the time, for what comes after the last step
_CHECKPOINTS = 10
_OFTEN = 10  # scorings that the time for steps must hold for one in the middle

Observation = tuple[float, int]  # when, in seconds; images seen


def sized(recipe: Recipe, images: int, speed: float, seconds: float, scoring: float) -> Recipe:
    """Return the recipe over as many epochs as `seconds` hold with the scores, over which its rates then fall.

    `images` are the training images of an epoch, `speed` is images a second with all that a training does beside
    scoring, `scoring` the seconds that this takes. A short training is scored at its end only. Where not one epoch
    fits, it has one of fewer images, of one step at least.
    """
    scorings = 2 if seconds > (_OFTEN + 2) * scoring else 1
    steps = max(1, int(_USED * speed * (seconds - scorings * scoring) / recipe.batch_size))
    epochs = steps // (images // recipe.batch_size)
    if not epochs:
        return replace(recipe, images=steps * recipe.batch_size, epochs=1, eval_every=0)
    return replace(
        recipe,
        epochs=epochs,
        eval_every=math.ceil(epochs / 2) if scorings == 2 else 0,
        checkpoint_every=max(recipe.checkpoint_every, math.ceil(epochs / _CHECKPOINTS)),
    )


def speed_of(observations: Sequence[Observation]) -> tuple[float, float]:
    """Return images a second, and of how many seconds that is the mean: all but the longest pause between two looks.

    In that one the real faces are read, or something else is done once in a training. 0 where there are too few.
    """
    spans = sorted((after[0] - before[0], after[1] - before[1]) for before, after in pairwise(observations))[:-1]
    seconds = sum(span for span, _ in spans)
    return (sum(images for _, images in spans) / seconds if seconds else 0.0), seconds


class Pace:
    """Looks on while a run trains, and interrupts it as Ctrl-C would, after `seconds` of steps or at a time."""

    def __init__(self, *, seconds: float = math.inf, at: float = math.inf) -> None:
        self._seconds, self._at = seconds, at
        self._interrupted = False
        self.observations: list[Observation] = []

    def __call__(self, progress: Progress, values: Mapping[str, float]) -> None:
        """Note the progress; the first look is after the first steps, which are slower than others."""
        now = time.monotonic()
        self.observations.append((now, progress.images_seen))
        if not self._interrupted and (now >= self._at or speed_of(self.observations)[1] >= self._seconds):
            self._interrupted = True
            os.kill(os.getpid(), signal.SIGTERM)


def _score(job: Job, dataset: Dataset, registry: Registry, run_id: str) -> float:
    """Score a run's last checkpoint as a training does; return how long that took."""
    started = time.monotonic()
    last = int(registry.reader.checkpoints(run_id)["step"].max())
    judge = evaluation.judges_for(dataset.name)[0]
    protocol = evaluation.Protocol(judge, evaluation.LIGHT_COUNT)
    device = choose_device(job.device)
    for _ in evaluation.evaluate_checkpoints(registry, run_id, [last], [protocol], dataset=dataset, device=device):
        pass
    return time.monotonic() - started


def _pilot(job: Job, recipe: Recipe, dataset: Dataset) -> tuple[float, float]:
    """Train for some seconds and score; return images/s with all that a training does, and the seconds of scoring."""
    registry = Registry(str(job.folder / "pilot.db"))
    pace = Pace(seconds=min(_PILOT_SECONDS, _PILOT * job.seconds))
    endless = replace(recipe, epochs=1_000_000, eval_every=0, checkpoint_every=_CHECKPOINTS)
    run = train(endless, dataset, registry, device=job.device, name="pilot", listener=pace)
    if run.status != "interrupted":
        raise RuntimeError(f"the pilot {run.status}: {run.reason}")
    return speed_of(pace.observations)[0], _score(job, dataset, registry, run.run_id)


def run(job: Job) -> None:
    """Train the preset to the end of its schedule and of the time, in the registry `runs.db` of the job's folder."""
    deadline = time.monotonic() + job.seconds
    dataset, recipe = job.dataset(), job.size.recipe(job.train)
    speed, scoring = _pilot(job, recipe, dataset)
    images = planned_steps(replace(recipe, epochs=1), dataset) * recipe.batch_size
    seconds = (1 - _SPARE) * (deadline - time.monotonic())
    plan = sized(recipe, images, speed, seconds, scoring)
    note = f"for {seconds:.0f} s, by a pilot: {speed:,.0f} images/s, {scoring:.1f} s a scoring"
    job.report(row(f"{job.train}, planned", plan.epochs, "epochs", note))
    registry, started = Registry(str(job.folder / "runs.db")), time.monotonic()
    pace = Pace(at=started + seconds - scoring)
    end = train(
        plan, dataset, registry, device=job.device, name=f"{job.train}, bench-gpu", tags=(TAG,), listener=pace
    )  # fmt: skip
    took = time.monotonic() - started
    title = f"{job.train}, {end.status}"
    if end.status not in ("finished", "interrupted"):
        job.report(failed(title, end.reason))
        return
    job.report(row(title, took, "s", f"{end.epochs} of {plan.epochs} epochs; planned for {seconds:.0f} s"))
    if end.status == "interrupted":
        _score(job, dataset, registry, end.run_id)
        end = outcome(registry, end.run_id)
    scores = {score.metric: score for score in end.scores if score.emotion is None}
    note = f"{evaluation.LIGHT_COUNT:,} faces, judge {end.judge}; reference: real faces"
    for metric in _SCORES:
        if metric in scores:
            title, score = f"{job.train}: {CATALOGUE[metric].title}", scores[metric]
            job.report(row(title, score.value, "", note, reference=score.real))
