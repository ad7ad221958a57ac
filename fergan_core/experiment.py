"""A run from beginning to end: recipe, data set and registry come together here and nowhere else."""

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fergan_core import evaluation, methods
from fergan_core import recipe as recipes
from fergan_core.data import Dataset, Parts, science_parts
from fergan_core.emotions import emotion_code
from fergan_core.errors import CheckpointError, FerganError, RegistryError, TrainingError, UsageError
from fergan_core.methods.adversarial import AdversarialLearner
from fergan_core.recipe import Recipe
from fergan_core.registry import PointWriter, Reader, Registry, Score
from fergan_core.training import checkpoint, engine, provenance
from fergan_core.training.recorder import Diverged, Listener, Recorder
from fergan_core.training.sheet import COLUMNS, draw_sheet, sheet_images
from fergan_core.training.watch import Watch


@dataclass
class Outcome:
    """How a run ended: its id, name, status and reason, whole epochs done, and its last evaluation's scores."""

    run_id: str
    name: str
    status: str
    reason: str
    epochs: int
    scores: list[Score] = field(default_factory=list)
    judge: str = ""


def choose_device(wish: str) -> torch.device:
    """Return the device for 'auto', 'cpu' or 'cuda'; UsageError where there is no GPU to give."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: this PyTorch sees no GPU; use --device cpu or auto")
    return torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")


def planned_steps(recipe: Recipe, dataset: Dataset) -> int:
    """Return how many steps a recipe takes on a data set."""
    count = len(evaluation.training_index(dataset, science_parts(dataset), recipe))
    return engine.steps_per_epoch(count, recipe.batch_size) * recipe.epochs


class _Interrupt(engine.Hook):
    """Turns SIGINT and SIGTERM into an end after the step, or after the epoch's work where the step ends one."""

    def __init__(self, per_epoch: int) -> None:
        self._per_epoch = per_epoch
        self.signal = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_Interrupt":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        print("stopping after this step; once more stops at once", file=sys.stderr)
        signal.signal(number, self._before[number])

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        if self.signal and progress.step % self._per_epoch:
            raise engine.Interrupted

    def after_epoch(self, progress: engine.Progress) -> None:
        if self.signal:
            raise engine.Interrupted


class _Keeper(engine.Hook):
    """Keeps what an epoch leaves: its sheet, its checkpoint, its evaluation; and where the training stands."""

    def __init__(self, run: "_Run", recorder: Recorder, writer: PointWriter) -> None:
        self._run = run
        self._recorder = recorder
        self._writer = writer
        self._examiner: evaluation.Examiner | None = None
        self._pulse: evaluation.Pulse | None = None
        self.progress = run.start
        self._saved_step = run.start.step if run.start.step else -1

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        self.progress = progress

    def after_epoch(self, progress: engine.Progress) -> None:
        recipe = self._run.recipe
        last = progress.epoch == recipe.epochs
        self._save_sheet(progress)
        self._take_pulse(progress)
        if last or progress.epoch % recipe.checkpoint_every == 0:
            self.save(progress)
        self._run.registry.progress(
            self._run.run_id, epoch=progress.epoch, step=progress.step, images_seen=progress.images_seen
        )
        if last or (recipe.eval_every and progress.epoch % recipe.eval_every == 0):
            self._evaluate(progress)
        self._recorder.restart_clock()

    def save(self, progress: engine.Progress) -> None:
        """Write the checkpoint of a step once, and record it; Diverged where a weight is not finite."""
        if progress.step == self._saved_step:
            return
        run = self._run
        state = run.learner.state_dict()
        if not checkpoint.finite(state, run.learner.networks):
            raise Diverged(f"a weight is no longer finite at step {progress.step}; the last good checkpoint is kept")
        weights, rest = checkpoint.save_checkpoint(
            run.folder / "checkpoints", progress.step, state, run.learner.networks
        )
        # A run killed after this line goes on from here: the points up to here must be in the registry by then.
        self._writer.flush()
        run.registry.add_checkpoint(
            run.run_id,
            epoch=progress.epoch,
            step=progress.step,
            images_seen=progress.images_seen,
            path=run.relative(weights.path),
            sha256=weights.sha256,
            bytes=weights.bytes,
            state_path=run.relative(rest.path),
            state_sha256=rest.sha256,
            state_bytes=rest.bytes,
        )
        self._saved_step = progress.step

    def _save_sheet(self, progress: engine.Progress) -> None:
        run = self._run
        emotions = run.recipe.emotions
        picture = draw_sheet(sheet_images(run.learner.generator, emotions, run.recipe.seed))
        file = checkpoint.write_whole(run.folder / "sheets" / f"step-{progress.step:08d}.webp", picture)
        run.registry.add_sheet(
            run.run_id,
            epoch=progress.epoch,
            step=progress.step,
            images_seen=progress.images_seen,
            path=run.relative(file.path),
            sha256=file.sha256,
            bytes=file.bytes,
            emotions=emotions,
            columns=COLUMNS,
        )

    def _take_pulse(self, progress: engine.Progress) -> None:
        run = self._run
        try:
            if self._pulse is None:
                judge = evaluation.load_judge(evaluation.judges_for(run.dataset.name)[0], run.device)
                ground = evaluation.Ground(run.dataset, run.parts, judge)
                self._pulse = evaluation.Pulse(judge, ground, run.recipe.emotions, run.recipe.seed)
            found = self._pulse.take(run.learner.generator, run.device)
        except FerganError as error:
            print(f"epoch {progress.epoch}: no pulse: {error}", file=sys.stderr)
            return
        self._writer.put([(name, progress.step, value) for name, value in found.items()])

    def _evaluate(self, progress: engine.Progress) -> None:
        run = self._run
        try:
            if self._examiner is None:
                protocol = evaluation.Protocol(evaluation.judges_for(run.dataset.name)[0], count=evaluation.LIGHT_COUNT)
                own = evaluation.training_index(run.dataset, run.parts, run.recipe)
                self._examiner = evaluation.Examiner(run.dataset, run.parts, protocol, run.device, trained_on=own)
            result = self._examiner.evaluate(run.learner.generator)
        except FerganError as error:
            # A score can be made later from the checkpoint; the training itself has lost nothing.
            print(f"epoch {progress.epoch} is not evaluated: {error}", file=sys.stderr)
            return
        evaluation.record(run.registry, run.run_id, result, epoch=progress.epoch, step=progress.step)


@dataclass
class _Run:
    """One training in progress and all that it works with."""

    recipe: Recipe
    dataset: Dataset
    parts: Parts
    registry: Registry
    device: torch.device
    learner: AdversarialLearner
    run_id: str
    start: engine.Progress

    @property
    def folder(self) -> Path:
        return self.registry.files / self.run_id

    def relative(self, path: Path) -> str:
        return path.relative_to(self.registry.files).as_posix()


def start(
    recipe: Recipe,
    dataset: Dataset,
    registry: Registry,
    *,
    device: str = "auto",
    name: str | None = None,
    tags: Sequence[str] = (),
    listener: Listener | None = None,
    on_start: Callable[[str], None] = lambda run_id: None,
) -> Outcome:
    """Train a recipe on a data set as a new run; `on_start` is told its id before the first step."""
    target = choose_device(device)
    parts = science_parts(dataset)
    index = evaluation.training_index(dataset, parts, recipe)
    per_epoch = engine.steps_per_epoch(len(index), recipe.batch_size)
    learner = _learner(recipe, target, per_epoch)
    run_id = registry.create_run(
        name=name,
        method=recipe.method.kind,
        preset=recipe.preset,
        recipe=recipes.to_dict(recipe),
        dataset={
            "name": dataset.name,
            "source": dataset.source,
            "content_hash": dataset.content_hash,
            "images": len(index),
        },
        seed=recipe.seed,
        provenance=provenance.collect(target),
        tags=tags,
        epochs=recipe.epochs,
        steps=per_epoch * recipe.epochs,
    )
    on_start(run_id)
    run = _Run(recipe, dataset, parts, registry, target, learner, run_id, engine.Progress(0, 0, 0))
    return _train(run, index, per_epoch, listener)


def resume(
    run_id: str,
    dataset: Dataset,
    registry: Registry,
    *,
    device: str = "auto",
    listener: Listener | None = None,
) -> Outcome:
    """Go on with a run from its last checkpoint; what it recorded after that is replaced.

    Raises RegistryError where the run is finished or still alive, UsageError where the data set is another one.
    """
    row = Reader(registry.url).run(run_id)
    if row["status"] in ("finished", "running"):
        raise RegistryError(f"run {row['name']} is {row['status']}; only a run that was stopped can be resumed")
    if row["dataset"]["content_hash"] != dataset.content_hash:
        raise UsageError(f"--data: '{dataset.source}' is not the data set of run {row['name']}; give that one")
    recipe = recipes.from_dict(row["recipe"])
    target = choose_device(device)
    parts = science_parts(dataset)
    index = evaluation.training_index(dataset, parts, recipe)
    per_epoch = engine.steps_per_epoch(len(index), recipe.batch_size)
    learner = _learner(recipe, target, per_epoch)
    step = _restore(learner, registry, run_id)
    registry.forget_after(run_id, step)
    registry.set_status(run_id, "running")
    at = engine.Progress(step, step // per_epoch, step * recipe.batch_size)
    return _train(_Run(recipe, dataset, parts, registry, target, learner, run_id, at), index, per_epoch, listener)


def _restore(learner: AdversarialLearner, registry: Registry, run_id: str) -> int:
    """Load the last checkpoint that has its training state; return its step, 0 where there is none yet."""
    reader = Reader(registry.url)
    saved = reader.checkpoints(run_id)
    saved = saved[saved["state_path"].notna()]
    if saved.empty:
        return 0
    newest = saved.sort_values("step").iloc[-1]
    for path, digest in (("path", "sha256"), ("state_path", "state_sha256")):
        file = reader.file(newest[path])
        if not file.exists() or checkpoint.file_sha256(file) != newest[digest]:
            raise CheckpointError(f"{newest[path]} is missing or changed; run `fergan runs verify` to see the damage")
    state = checkpoint.load_checkpoint(reader.file(newest["path"]), reader.file(newest["state_path"]), learner.networks)
    learner.load_state_dict(state)
    return int(newest["step"])


def _learner(recipe: Recipe, device: torch.device, per_epoch: int) -> AdversarialLearner:
    bfloat16 = recipe.precision == "bfloat16" or (
        recipe.precision == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported()
    )
    return methods.build_learner(recipe, device, steps=per_epoch * recipe.epochs, bfloat16=bfloat16)


def _train(
    run: _Run,
    index: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    per_epoch: int,
    listener: Listener | None,
) -> Outcome:
    """Fit, and end in exactly one status, whatever happened."""
    recipe = run.recipe
    images = torch.from_numpy(run.dataset.images[index]).to(run.device)
    labels = torch.from_numpy(run.dataset.labels[index].astype(np.int64)).to(run.device)
    status, reason = "finished", ""
    with PointWriter(run.registry, run.run_id) as writer, _Interrupt(per_epoch) as interrupt:
        recorder = Recorder(writer, batch_size=recipe.batch_size, listener=listener)
        keeper = _Keeper(run, recorder, writer)
        try:
            engine.fit(
                run.learner,
                images,
                labels,
                batch_size=recipe.batch_size,
                epochs=recipe.epochs,
                seed=recipe.seed,
                flip=recipe.flip,
                sampling=recipe.sampling,
                start_step=run.start.step,
                hooks=(*_watch(run, images, labels), recorder, keeper, interrupt),
            )
        except engine.Interrupted:
            status, reason = _save_interrupted(keeper, recorder, signal.Signals(interrupt.signal).name)
        except Diverged as error:
            status, reason = "diverged", str(error)
        except BaseException as error:
            run.registry.set_status(run.run_id, "failed", f"{type(error).__name__}: {error}")
            if isinstance(error, torch.OutOfMemoryError):
                raise TrainingError("the device's memory is full; lower --batch-size or --width") from None
            raise
        writer.flush()
    at = keeper.progress
    run.registry.progress(run.run_id, epoch=at.epoch, step=at.step, images_seen=at.images_seen)
    run.registry.set_status(run.run_id, status, reason)
    return outcome(run.registry, run.run_id)


def _watch(run: _Run, images: Tensor, labels: Tensor) -> list[engine.Hook]:
    """Return the instruments, where the recipe wants them and there are held-out faces to look at."""
    codes = [emotion_code(name) for name in run.recipe.emotions]
    index = run.parts.held_out[np.isin(run.dataset.labels[run.parts.held_out], codes)]
    if not run.recipe.watch_every or len(index) < 2:
        return []
    faces = torch.from_numpy(run.dataset.images[index]).to(run.device)
    known = torch.from_numpy(run.dataset.labels[index].astype(np.int64)).to(run.device)
    return [Watch(run.learner, (images, labels), (faces, known), run.recipe.watch_every)]


def _save_interrupted(keeper: _Keeper, recorder: Recorder, signal_name: str) -> tuple[str, str]:
    """Save the step that was ended; return the status and its reason."""
    try:
        recorder.flush(keeper.progress)
        keeper.save(keeper.progress)
    except Diverged as error:
        return "diverged", str(error)
    return "interrupted", f"{signal_name} at step {keeper.progress.step}"


def outcome(registry: Registry, run_id: str) -> Outcome:
    """Return how a run stands in the registry, with the scores of its newest evaluation."""
    reader = Reader(registry.url)
    row = reader.run(run_id)
    result = Outcome(run_id, row["name"], row["status"], row["reason"], row["epoch"])
    scores = reader.scores([run_id])
    if not scores.empty:
        newest = scores[scores["step"] == scores["step"].max()]
        result.judge = str(newest.iloc[0]["judge"])
        result.scores = [
            Score(s.metric, s.value, *map(_or_none, (s.low, s.high, s.real, s.emotion, s.noise)))
            for s in newest.itertuples()
        ]
    return result


def _or_none(value: Any) -> Any:
    return None if value is None or value != value else value
