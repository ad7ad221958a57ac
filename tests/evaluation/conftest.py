"""What the evaluation's tests share: a sixth of synthfer, generators whose correct scores are known, a real run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fergan_core.data import Dataset, Parts, split_parts
from fergan_core.emotions import EMOTIONS
from fergan_core.evaluation import Evaluation
from fergan_core.registry import Score
from tests.support.commands import few_light_faces, run_module
from tests.support.once import made_once


class Replayer:
    """A generator that memorised faces: it shows one of the requested emotion, or always the same face."""

    def __init__(self, faces: Dataset, emotions: tuple[str, ...] = EMOTIONS, always: int | None = None) -> None:
        self.faces, self.emotions, self.always = faces, emotions, always

    def latents(self, count: int, seed: int) -> Tensor:
        return torch.rand(count, 1, generator=torch.Generator().manual_seed(seed))

    def generate(self, latents: Tensor, labels: Tensor) -> Tensor:
        picks = []
        for latent, label in zip(latents[:, 0].tolist(), labels.tolist(), strict=True):
            candidates = np.flatnonzero(self.faces.labels == (label if self.always is None else self.always))
            picks.append(candidates[0 if self.always is not None else int(latent * len(candidates))])
        return torch.from_numpy(self.faces.images[picks]).unsqueeze(1).float() / 127.5 - 1

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        return self.generate(self.latents(len(labels), seed), labels)


def value(evaluation: Evaluation, metric: str, emotion: str | None = None) -> Score:
    """Return the one score of a metric and emotion."""
    (score,) = [score for score in evaluation.scores if (score.metric, score.emotion) == (metric, emotion)]
    return score


@pytest.fixture(scope="session")
def fewer(few: Dataset) -> Dataset:
    """A third of the few faces."""
    return few.take(np.arange(0, len(few), 3))


@pytest.fixture(scope="session")
def parts(few: Dataset) -> Parts:
    return split_parts(few)


@pytest.fixture(scope="session")
def training_faces(few: Dataset, parts: Parts) -> Dataset:
    return few.take(parts.train)


@pytest.fixture(scope="session")
def unseen_faces(few: Dataset, parts: Parts) -> Dataset:
    """Faces that neither judge nor reference contains: the report part, as an ideal generator would draw."""
    return few.take(parts.report)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, small_data: Path) -> tuple[Path, str]:
    """A real, very short training of two checkpoints, both scored: its registry and its id."""

    def train(folder: Path) -> None:
        words = "--preset quick --images 512 --epochs 2 --batch-size 32 --width 4 --eval-every 1"
        done = run_module(
            "trainers.dcgan", *words.split(), "--data", small_data, "--registry", folder / "runs.db", "--json"
        )
        assert done.returncode == 0, done.stderr
        (folder / "id").write_text(json.loads(done.stdout.splitlines()[-1])["id"])

    with few_light_faces():
        folder = made_once(tmp_path_factory, "evaluated", train)
    return folder / "runs.db", (folder / "id").read_text()
