"""A run from beginning to end: train, resume, fork, and its outcome."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fergan_core import evaluation, methods
from fergan_core import recipe as recipes
from fergan_core.data import Dataset, check_recorded, split_parts
from fergan_core.emotions import emotion_code
from fergan_core.errors import CheckpointError, NoRun, RegistryError, TrainingError, UsageError
from fergan_core.experiment.hooks.checkpoints import CheckpointHook
from fergan_core.experiment.hooks.findings import FindingsHook, detect_findings
from fergan_core.experiment.hooks.instruments import InstrumentHook
from fergan_core.experiment.hooks.interrupt import Interrupt
from fergan_core.experiment.hooks.probe import ProbeHook
from fergan_core.experiment.hooks.recorder import Diverged, Listener, Recorder
from fergan_core.experiment.training_run import TrainingRun, prepare
from fergan_core.methods import MethodLearner
from fergan_core.protocols import preferred
from fergan_core.recipe import Recipe
from fergan_core.registry import PointWriter, Registry, Score, end_activity
from fergan_core.training import checkpoint, engine, provenance


@dataclass
class Outcome:
    """How a run ended: id, name, status and reason, completed epochs, and the scores of its last evaluation."""

    run_id: str
    name: str
    status: str
    reason: str
    epochs: int
    scores: list[Score] = field(default_factory=list)
    judge: str = ""


def planned_steps(recipe: Recipe, dataset: Dataset) -> int:
    """Return how many steps a recipe takes on a dataset."""
    count = len(evaluation.training_index(dataset, split_parts(dataset), recipe))
    return engine.steps_per_epoch(count, recipe.batch_size) * recipe.epochs


def train(
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
    """Train a recipe on a dataset as a new run; `on_start` gets its id before the first step."""
    run = prepare(recipe, dataset, registry, device)
    _enter(run, name=name, tags=tags)
    _record_cost(run, 1)
    on_start(run.run_id)
    return _train(run, listener)


def resume(
    run_id: str,
    dataset: Dataset,
    registry: Registry,
    *,
    device: str = "auto",
    listener: Listener | None = None,
) -> Outcome:
    """Continue a run from its last checkpoint; what it recorded after that is replaced.

    Raises RegistryError where the run is finished or still alive, DataError where the dataset is another one.
    """
    row = registry.reader.run(run_id)
    if row["status"] in ("finished", "running"):
        raise RegistryError(f"run {row['name']} is {row['status']}; only a run that was stopped can be resumed")
    check_recorded(dataset, row["dataset"])
    run = prepare(recipes.from_dict(row["recipe"]), dataset, registry, device)
    run.run_id = run_id
    run.begin_at(_restore(run.learner, registry, run_id))
    registry.forget_after(run_id, run.start.step)
    if run.start.step == 0:
        _record_cost(run, 1)
    registry.set_status(run_id, "running")
    return _train(run, listener)


def fork(
    parent: str,
    epoch: int | None,
    settings: Mapping[str, str],
    dataset: Dataset,
    registry: Registry,
    *,
    device: str = "auto",
    name: str | None = None,
    tags: Sequence[str] = (),
    until: int | None = None,
    listener: Listener | None = None,
    on_start: Callable[[str], None] = lambda run_id: None,
) -> Outcome:
    """Branch a new run from a run's exact state at an epoch (None: its last checkpoint), with some fields set.

    Without settings it repeats what its parent did after that epoch, bit for bit. It ends after epoch `until`, by
    default with its recipe's last. Raises UsageError for settings with which the parent's state cannot be used,
    DataError where the dataset is not the parent's.
    """
    row = registry.reader.run(parent)
    check_recorded(dataset, row["dataset"])
    before = recipes.from_dict(row["recipe"])
    recipe = recipes.changed(before, settings)
    for field_name in recipes.KEPT_BY_FORKS:
        if getattr(recipe, field_name) != getattr(before, field_name):
            raise UsageError(f"--set: a fork goes on within its parent's epochs; '{field_name}' must stay as it was")
    run = prepare(recipe, dataset, registry, device)
    try:
        step = _restore(run.learner, registry, parent, epoch)
    except (RuntimeError, KeyError):
        raise UsageError(
            f"--set: {', '.join(settings)} changes the networks, so that the parent's weights do not fit; "
            "start a new run with it"
        ) from None
    if step == 0:
        raise UsageError(f"--fork: run {row['name']} has no checkpoint with its training state; train one")
    run.begin_at(step)
    _enter(run, name=name, tags=tags, parent=parent)
    _record_cost(run, step + 1)
    on_start(run.run_id)
    return _train(run, listener, until)


def _enter(run: TrainingRun, *, name: str | None, tags: Sequence[str], parent: str | None = None) -> None:
    """Record a training as a new run, a fork where it has a parent."""
    recipe, dataset = run.recipe, run.dataset
    run.run_id = run.registry.create_run(
        name=name,
        method=recipe.method.kind,
        preset=recipe.preset,
        recipe=recipes.to_dict(recipe),
        dataset={
            "name": dataset.name,
            "source": dataset.source,
            "content_hash": dataset.content_hash,
            "images": len(run.index),
            # Only where one was given: the rows of other runs stay as they were.
            **({} if dataset.label_order is None else {"label_order": dataset.label_order}),
        },
        seed=recipe.seed,
        provenance=provenance.collect(run.device),
        tags=tags,
        epochs=recipe.epochs,
        steps=run.steps_per_epoch * recipe.epochs,
        parent=parent,
        parent_step=None if parent is None else run.start.step,
    )


def _record_cost(run: TrainingRun, step: int) -> None:
    """Record the operations that a training image costs, by which methods are compared at equal compute."""
    run.registry.add_points(run.run_id, [("flops_per_image", step, methods.training_flops(run.recipe))])


def _restore(learner: MethodLearner, registry: Registry, run_id: str, epoch: int | None = None) -> int:
    """Load the last checkpoint that has its training state, or that of an epoch; return its step, 0 for none."""
    reader = registry.reader
    saved = reader.checkpoints(run_id)
    saved = saved[saved["state_path"].notna()]
    if epoch is not None:
        epochs = ", ".join(str(number) for number in saved["epoch"]) or "none"
        saved = saved[saved["epoch"] == epoch]
        if saved.empty:
            raise NoRun(f"the run has no training state at epoch {epoch}; it has: {epochs}")
    if saved.empty:
        return 0
    # A run that was stopped within the next epoch has two of this one; the first is that of the epoch's end.
    row = saved.sort_values("step").iloc[-1 if epoch is None else 0]
    for path, digest in (("path", "sha256"), ("state_path", "state_sha256")):
        file = reader.file(row[path])
        if not file.exists() or checkpoint.file_sha256(file) != row[digest]:
            raise CheckpointError(
                f"{row[path]} is missing or changed; bring it back from a backup, or run "
                "`fergan runs verify --repair` to go on from an earlier one"
            )
    state = checkpoint.load_checkpoint(reader.file(row["path"]), reader.file(row["state_path"]), learner.networks)
    learner.load_state_dict(state)
    return int(row["step"])


def _train(run: TrainingRun, listener: Listener | None, until: int | None = None) -> Outcome:
    """Train, and record exactly one final status, whatever happens."""
    recipe = run.recipe
    images = torch.from_numpy(run.dataset.images[run.index]).to(run.device)
    labels = torch.from_numpy(run.dataset.labels[run.index].astype(np.int64)).to(run.device)
    status, reason = "finished", ""
    end_activity(run.folder)
    with PointWriter(run.registry, run.run_id) as writer, Interrupt(run.steps_per_epoch) as interrupt:
        recorder = Recorder(writer, batch_size=recipe.batch_size, listener=listener)
        checkpoints = CheckpointHook(run, recorder, writer, interrupt)
        try:
            if run.start.step and run.start.step % run.steps_per_epoch == 0:
                checkpoints.catch_up()
            engine.fit(
                run.learner,
                images,
                labels,
                batch_size=recipe.batch_size,
                epochs=recipe.epochs if until is None else min(until, recipe.epochs),
                seed=recipe.seed,
                flip=recipe.flip,
                sampling=recipe.sampling,
                start_step=run.start.step,
                hooks=(
                    *_instruments(run, images, labels),
                    recorder,
                    ProbeHook(run, writer),
                    checkpoints,
                    FindingsHook(run, writer),
                    interrupt,
                ),
            )
        except engine.Interrupted:
            status, reason = _save_interrupted(checkpoints, recorder, signal.Signals(interrupt.signal).name)
        except Diverged as error:
            status, reason = "diverged", str(error)
        except BaseException as error:
            run.registry.set_status(run.run_id, "failed", f"{type(error).__name__}: {error}")
            if isinstance(error, torch.OutOfMemoryError):
                raise TrainingError("the device's memory is full; lower --batch-size or --width") from None
            raise
        writer.flush()
    progress = checkpoints.progress
    run.registry.progress(run.run_id, epoch=progress.epoch, step=progress.step, images_seen=progress.images_seen)
    run.registry.set_status(run.run_id, status, reason)
    detect_findings(run.registry, run.run_id)
    return outcome(run.registry, run.run_id)


def _instruments(run: TrainingRun, images: Tensor, labels: Tensor) -> list[engine.Hook]:
    """Return the instruments' hook, where the recipe has instruments and there are held-out faces to measure on."""
    codes = [emotion_code(name) for name in run.recipe.emotions]
    index = run.parts.held_out[np.isin(run.dataset.labels[run.parts.held_out], codes)]
    if not run.recipe.watch_every or len(index) < 2:
        return []
    held_out_faces = torch.from_numpy(run.dataset.images[index]).to(run.device)
    held_out_labels = torch.from_numpy(run.dataset.labels[index].astype(np.int64)).to(run.device)
    return [InstrumentHook(run.learner, (images, labels), (held_out_faces, held_out_labels), run.recipe.watch_every)]


def _save_interrupted(checkpoints: CheckpointHook, recorder: Recorder, signal_name: str) -> tuple[str, str]:
    """Save the last completed step; return the status and its reason."""
    try:
        recorder.flush(checkpoints.progress)
        checkpoints.save(checkpoints.progress)
    except Diverged as error:
        return "diverged", str(error)
    return "interrupted", f"{signal_name} at step {checkpoints.progress.step}"


def outcome(registry: Registry, run_id: str) -> Outcome:
    """Return a run's outcome as recorded, with the scores of its newest evaluation under one protocol."""
    reader = registry.reader
    row = reader.run(run_id)
    result = Outcome(run_id, row["name"], row["status"], row["reason"], row["epoch"])
    scores = reader.scores([run_id])
    if not scores.empty:
        newest = preferred(scores[scores["step"] == scores["step"].max()])
        result.judge = str(newest.iloc[0]["judge"])
        result.scores = [
            Score(row["metric"], row["value"], *(_or_none(row[name]) for name in _SCORE_FIELDS))
            for row in newest.to_dict("records")
        ]
    return result


_SCORE_FIELDS = ("low", "high", "real", "emotion", "noise")


def _or_none(value: Any) -> Any:
    return None if value is None or value != value else value
