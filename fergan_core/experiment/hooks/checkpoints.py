"""Sheets, checkpoints and evaluations at the ends of epochs, and sheets within epochs where they are asked for."""

import sys

import pandas as pd
from torch import Tensor

from fergan_core import evaluation
from fergan_core.errors import FerganError
from fergan_core.experiment.hooks.interrupt import Interrupt
from fergan_core.experiment.hooks.recorder import Diverged, Recorder
from fergan_core.experiment.training_run import TrainingRun
from fergan_core.registry import PointWriter
from fergan_core.sheets import COLUMNS, draw_sheet
from fergan_core.training import checkpoint, engine
from fergan_core.training.sheet import sheet_images

_SHEET_IMAGES = 1_000  # images seen from one sheet to the next, where an epoch is shorter than that


class CheckpointHook(engine.Hook):
    """Writes sheets and checkpoints, evaluates, and records the run's progress, each at the epochs where it is due."""

    def __init__(self, run: TrainingRun, recorder: Recorder, writer: PointWriter, interrupt: Interrupt) -> None:
        self._run = run
        self._interrupt = interrupt
        self._recorder = recorder
        self._writer = writer
        judge = evaluation.judges_for(run.dataset.name)[0]
        self._protocol = evaluation.Protocol(judge, count=evaluation.LIGHT_COUNT)
        self._evaluator: evaluation.Evaluator | None = None
        self.progress = run.start
        self._saved_step = run.start.step if run.start.step else -1
        self._sheet_images_seen = run.start.images_seen

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        within_epoch = progress.epoch == self.progress.epoch
        self.progress = progress
        every = self._run.recipe.sheet_every
        if every and within_epoch and progress.step % every == 0:
            self._save_sheet(progress)
            self._recorder.restart_clock()

    def after_epoch(self, progress: engine.Progress) -> None:
        recipe = self._run.recipe
        last = progress.epoch == recipe.epochs
        saves_checkpoint = last or progress.epoch % recipe.checkpoint_every == 0
        if saves_checkpoint or progress.images_seen - self._sheet_images_seen >= _SHEET_IMAGES:
            self._save_sheet(progress)
        if saves_checkpoint:
            with self._run.doing("saving a checkpoint"):
                self.save(progress)
        self._run.registry.progress(
            self._run.run_id, epoch=progress.epoch, step=progress.step, images_seen=progress.images_seen
        )
        if self._due(progress):
            self._evaluate(progress)
        self._recorder.restart_clock()

    def catch_up(self) -> None:
        """Make up for a missing evaluation of the epoch from which a run is resumed.

        A run that is stopped while an epoch is evaluated has the epoch's checkpoint already, and starts after it.
        """
        run, start = self._run, self._run.start
        reader = run.registry.reader
        if not self._due(start) or start.step not in set(reader.checkpoints(run.run_id)["step"]):
            return  # a fork's first state and its scores are its parent's
        scores = reader.scores([run.run_id])
        protocol = {"step": start.step, "judge": self._protocol.judge, **self._protocol.as_dict()}
        if not (scores[list(protocol)] == pd.Series(protocol)).all(axis=1).any():
            self._evaluate(start)
            self._recorder.restart_clock()

    def save(self, progress: engine.Progress) -> None:
        """Write and record the checkpoint of a step, once; Diverged where a weight is not finite."""
        if progress.step == self._saved_step:
            return
        run = self._run
        learner_state = run.learner.state_dict()
        if not checkpoint.finite(learner_state, run.learner.networks):
            raise Diverged(f"a weight is no longer finite at step {progress.step}; the last good checkpoint is kept")
        weights, training_state = checkpoint.save_checkpoint(
            run.folder / "checkpoints", progress.step, learner_state, run.learner.networks
        )
        # A run killed after this goes on from this checkpoint: all points up to it must be recorded first.
        self._writer.flush()
        run.registry.add_checkpoint(
            run.run_id,
            epoch=progress.epoch,
            step=progress.step,
            images_seen=progress.images_seen,
            path=run.relative(weights.path),
            sha256=weights.sha256,
            bytes=weights.bytes,
            state_path=run.relative(training_state.path),
            state_sha256=training_state.sha256,
            state_bytes=training_state.bytes,
        )
        self._saved_step = progress.step

    def _save_sheet(self, progress: engine.Progress) -> None:
        run = self._run
        emotions = run.recipe.emotions
        self._sheet_images_seen = progress.images_seen
        with run.doing("drawing a sheet of faces"):
            picture = draw_sheet(sheet_images(run.learner.generator, emotions, run.recipe.seed))
            file = checkpoint.write_atomically(run.folder / "sheets" / f"step-{progress.step:08d}.webp", picture)
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

    def _due(self, progress: engine.Progress) -> bool:
        """Tell whether an evaluation is due at the end of an epoch."""
        recipe = self._run.recipe
        last = progress.epoch == recipe.epochs
        return last or bool(recipe.eval_every and progress.epoch % recipe.eval_every == 0)

    def _evaluate(self, progress: engine.Progress) -> None:
        with self._run.doing("scoring"), self._interrupt.at_once():
            self._score(progress)

    def _score(self, progress: engine.Progress) -> None:
        run = self._run
        try:
            if self._evaluator is None:
                protocol = self._protocol
                training_index = evaluation.training_index(run.dataset, run.parts, run.recipe)
                self._evaluator = evaluation.Evaluator(
                    run.dataset, run.parts, protocol, run.device, trained_on=training_index
                )
            result = self._evaluator.evaluate(run.learner.generator)
        except FerganError as error:
            # The checkpoint can be evaluated later; the training goes on.
            print(f"warning: epoch {progress.epoch} is not evaluated: {error}", file=sys.stderr)
            return
        evaluation.record(run.registry, run.run_id, result, epoch=progress.epoch, step=progress.step)
