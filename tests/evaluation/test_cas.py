"""CAS: a classifier that learns from faces, tried on real ones."""

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
def test_real_faces_teach_and_noise_does_not(
    training_faces: Dataset, unseen_faces: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cas, "STEPS", 120)
    real, tried = faces_of(training_faces, 1500), faces_of(unseen_faces, len(unseen_faces))
    null = noise(real.labels, 1500, seed=0)
    found = cas.cas_and_gain(null, real, tried, seed=0, device=CPU)
    of_real = cas.accuracy_after(real, tried, seed=0, device=CPU)
    assert of_real[None].value > 0.5 > 0.35 > found.cas[None].value
    assert found.cas[None].low < found.cas[None].value < found.cas[None].high
    # Noise beside real faces does not help, and the paired interval knows that it is not much harm either.
    assert -0.5 < found.gain[None].value < 0.1
    assert of_real.keys() == found.cas.keys() == found.gain.keys()
    assert cas.cas_and_gain(null, real, tried, seed=0, device=CPU) == found
