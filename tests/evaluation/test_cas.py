"""CAS: a classifier that is trained on faces and tested on real ones."""

import numpy as np
import pytest
import torch

from fergan_core.data import Dataset
from fergan_core.evaluation import Faces, cas
from fergan_core.evaluation.faces import noise

CPU = torch.device("cpu")


def faces_of(dataset: Dataset, count: int) -> Faces:
    labels = torch.from_numpy(dataset.labels[:count].astype(np.int64))
    return Faces(torch.from_numpy(dataset.images[:count]), labels)


@pytest.mark.slow
@pytest.mark.thorough
def test_real_faces_teach_and_noise_does_not(
    training_faces: Dataset, unseen_faces: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cas, "STEPS", 50)
    real, test_faces = faces_of(training_faces, 1190), faces_of(unseen_faces, 400)
    null = noise(real.labels, 1190, seed=0)
    scores = cas.cas_and_gain(null, real, test_faces, seed=0, device=CPU)
    of_real = cas.accuracy_after(real, test_faces, seed=0, device=CPU)
    assert of_real[None].value > 0.5 > 0.35 > scores.cas[None].value
    assert scores.cas[None].low < scores.cas[None].value < scores.cas[None].high
    # Noise beside real faces does not help, and the paired interval shows that it does not harm much either.
    assert -0.5 < scores.gain[None].value < 0.1
    assert of_real.keys() == scores.cas.keys() == scores.gain.keys()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_digits(
    training_faces: Dataset, unseen_faces: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cas, "STEPS", 4)
    real, test_faces = faces_of(training_faces, 200), faces_of(unseen_faces, 100)
    first, second = (cas.cas_and_gain(real, real, test_faces, seed=0, device=CPU) for _ in range(2))
    assert first == second
