"""Faces drawn by the painter's own process, from a real checkpoint."""

import os
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from dashboard.painter import Painter
from fergan_core import methods, recipe
from fergan_core.errors import CheckpointError
from fergan_core.training import checkpoint
from fergan_core.training.engine import to_bytes

RECIPE = recipe.from_dict({"preset": "quick", "emotions": ["angry", "happy"], "method": {"kind": "gan", "width": 4}})
HAPPY = 3


def children() -> list[int]:
    return [process.pid for process in psutil.Process().children()]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    learner = methods.build_learner(RECIPE, torch.device("cpu"), bfloat16=False)
    return checkpoint.save_checkpoint(tmp_path, 1, learner.state_dict(), learner.networks)[0].path


def test_the_faces_are_those_of_the_generator(weights: Path) -> None:
    faces = Painter().draw(recipe.to_dict(RECIPE), weights, [HAPPY] * 5, 7)
    generator = methods.load_generator(recipe.to_dict(RECIPE), weights)
    assert np.array_equal(faces, to_bytes(generator.sample(torch.tensor([HAPPY] * 5), 7)).numpy())
    assert len(np.unique(faces, axis=0)) == 5


def test_a_damaged_checkpoint_is_told_and_a_dead_child_is_replaced(weights: Path, tmp_path: Path) -> None:
    others = set(children())
    painter = Painter()
    (tmp_path / "half.safetensors").write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="half"):
        painter.draw(recipe.to_dict(RECIPE), tmp_path / "half.safetensors", [HAPPY], 0)
    first = painter.draw(recipe.to_dict(RECIPE), weights, [HAPPY], 0)
    (child,) = set(children()) - others
    os.kill(child, signal.SIGKILL)
    assert np.array_equal(painter.draw(recipe.to_dict(RECIPE), weights, [HAPPY], 0), first)
