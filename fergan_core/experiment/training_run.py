"""A training and what it needs: recipe, data, learner, registry, and the step at which it begins."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fergan_core import evaluation, methods
from fergan_core.data import Dataset, Parts, split_parts
from fergan_core.errors import UsageError
from fergan_core.methods import MethodLearner
from fergan_core.recipe import Recipe
from fergan_core.registry import Registry, announce
from fergan_core.training import engine


@dataclass
class TrainingRun:
    """A training: `index` int64 [n] are the images it learns from, `run_id` its row in the registry once it has one.

    `start` is where it begins: step 0, or the checkpoint of a resumed run or a fork.
    """

    recipe: Recipe
    dataset: Dataset
    parts: Parts
    index: NDArray[np.int64]
    registry: Registry
    device: torch.device
    learner: MethodLearner
    run_id: str = ""
    start: engine.Progress = field(default_factory=lambda: engine.Progress(0, 0, 0))

    @property
    def steps_per_epoch(self) -> int:
        """Return how many steps an epoch has."""
        return engine.steps_per_epoch(len(self.index), self.recipe.batch_size)

    @property
    def folder(self) -> Path:
        """Return the folder of the run's files."""
        return self.registry.files / self.run_id

    def relative(self, path: Path) -> str:
        """Return a file's path relative to the registry's files, as it is recorded."""
        return path.relative_to(self.registry.files).as_posix()

    def doing(self, what: str) -> AbstractContextManager[None]:
        """Say, for whoever watches the run, what is done instead of steps until the end of the block."""
        return announce(self.folder, what)

    def begin_at(self, step: int) -> None:
        """Begin after `step`, whose state the learner has loaded."""
        self.start = engine.Progress(step, step // self.steps_per_epoch, step * self.recipe.batch_size)


def choose_device(name: str) -> torch.device:
    """Return the device for 'auto', 'cpu' or 'cuda'; UsageError where 'cuda' is requested and there is no GPU."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: this PyTorch sees no GPU; use --device cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def prepare(recipe: Recipe, dataset: Dataset, registry: Registry, device: str) -> TrainingRun:
    """Prepare a training of a recipe on a dataset, with a new learner on 'auto', 'cpu' or 'cuda'; record nothing."""
    target = choose_device(device)
    parts = split_parts(dataset)
    index = evaluation.training_index(dataset, parts, recipe)
    steps = engine.steps_per_epoch(len(index), recipe.batch_size) * recipe.epochs
    bfloat16 = recipe.precision == "bfloat16" or (
        recipe.precision == "auto" and target.type == "cuda" and torch.cuda.is_bf16_supported()
    )
    learner = methods.build_learner(recipe, target, steps=steps, bfloat16=bfloat16)
    return TrainingRun(recipe, dataset, parts, index, registry, target, learner)
