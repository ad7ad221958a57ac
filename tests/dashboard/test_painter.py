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
from fergan_core.data import open_dataset
from fergan_core.errors import CheckpointError
from fergan_core.evaluation.faces import draw
from fergan_core.judges.judge import load_judge
from fergan_core.training import checkpoint
from fergan_core.training.engine import to_bytes

RECIPE = recipe.from_dict({"preset": "quick", "emotions": ["angry", "happy"], "method": {"kind": "gan", "width": 4}})
HAPPY = 3


def children() -> list[int]:
    return [process.pid for process in psutil.Process().children()]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    learner = methods.build_learner(RECIPE, torch.device("cpu"), steps=1, bfloat16=False)
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


def test_faces_are_read_by_the_judge_that_was_asked(weights: Path) -> None:
    painter = Painter()
    found = painter.read(recipe.to_dict(RECIPE), weights, [HAPPY] * 5, 7, 0.5, "synthfer")
    generator, judge = methods.load_generator(recipe.to_dict(RECIPE), weights), load_judge("synthfer")
    faces = draw(generator, torch.tensor([HAPPY] * 5), 7, 0.5, torch.device("cpu")).images
    assert np.array_equal(found.faces, faces.numpy())
    assert np.allclose(found.known["chances"], judge.read(faces)[0].softmax(1).numpy())
    assert found.known["judge_sha256"] == judge.sha256
    with pytest.raises(CheckpointError, match="unknown judge 'nobody'"):
        painter.read(recipe.to_dict(RECIPE), weights, [HAPPY], 7, 1.0, "nobody")


@pytest.mark.slow
def test_faces_are_laid_beside_their_nearest_training_faces(weights: Path) -> None:
    small = recipe.to_dict(RECIPE) | {"images": 300}
    synthfer = open_dataset("synthfer")
    dataset = {"name": "synthfer", "source": "synthfer", "content_hash": synthfer.content_hash}
    painter = Painter()
    found = painter.nearest(small, weights, [HAPPY] * 4, 7, dataset, None)
    assert found.faces.shape == (4 * (1 + 3), 48, 48)
    drawn = {face.tobytes() for face in found.faces[::4]}
    assert drawn == {face.tobytes() for face in painter.draw(small, weights, [HAPPY] * 4, 7)}
    learnt = {image.tobytes() for image in synthfer.images}
    assert all(face.tobytes() in learnt for face in np.delete(found.faces, np.s_[::4], axis=0))
    assert found.known["ratio"] == sorted(found.known["ratio"])
    assert (found.known["asked"], found.known["judge"]) == ([HAPPY] * 4, "synthfer")
    with pytest.raises(CheckpointError, match="put the data"):
        painter.nearest(small, weights, [HAPPY], 7, dataset | {"source": "/no/such.csv"}, None)
