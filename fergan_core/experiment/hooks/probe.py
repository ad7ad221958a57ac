"""The probe during training, and the condition of the generator's Jacobian at each checkpoint."""

import sys

from torch import Tensor

from fergan_core import evaluation
from fergan_core.errors import FerganError
from fergan_core.experiment.training_run import TrainingRun
from fergan_core.methods.protocols import Differentiable
from fergan_core.registry import PointWriter
from fergan_core.training import engine

PROBE_IMAGES = 4_000  # images seen between probes, for a generator that draws a face in one pass


class ProbeHook(engine.Hook):
    """Records the probe every PROBE_IMAGES images, and the Jacobian's condition at each checkpoint."""

    def __init__(self, run: TrainingRun, writer: PointWriter) -> None:
        self._run, self._writer = run, writer
        self._probe: evaluation.Probe | None = None
        self._failed = False

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        # Faces that take many passes are drawn more seldom in proportion: the probe takes a few percent of the time.
        images_between = PROBE_IMAGES * max(1, self._run.learner.generator.nfe // 4)
        steps_between = max(1, images_between // self._run.recipe.batch_size)
        if progress.step % steps_between or self._failed:
            return
        run = self._run
        try:
            if self._probe is None:
                with run.doing("reading the real faces"):
                    judge = evaluation.load_judge(evaluation.judges_for(run.dataset.name)[0], run.device)
                    real_faces = evaluation.RealFaces(run.dataset, run.parts, judge)
                    self._probe = evaluation.Probe(judge, real_faces, run.recipe.emotions, run.recipe.seed)
            readings = self._probe.take(run.learner.generator, run.device)
        except FerganError as error:
            # Faces of NaN are left to the recorder; anything else would fail the next time too.
            print(f"warning: the probe stops at step {progress.step}: {error}", file=sys.stderr)
            self._failed = True
            return
        self._writer.put([(name, progress.step, value) for name, value in readings.items()])

    def after_epoch(self, progress: engine.Progress) -> None:
        recipe = self._run.recipe
        generator = self._run.learner.generator
        if not isinstance(generator, Differentiable) or not recipe.watch_every:
            return
        if progress.epoch == recipe.epochs or progress.epoch % recipe.checkpoint_every == 0:
            condition = evaluation.jacobian_condition(generator, recipe.emotions, recipe.seed)
            self._writer.put([("jacobian", progress.step, condition)])
