"""The classification accuracy score (CAS) of generated faces, and the gain from adding them to real faces.

CAS (Ravuri & Vinyals 2019, arXiv:1905.10887, section 3): a classifier trained on generated faces alone is tested on
real ones, and compared with one trained on the same number of real faces. A third is trained on both together in the
same number of steps: its accuracy minus that of real faces alone is the gain, for each emotion.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fergan_core.emotions import EMOTIONS
from fergan_core.evaluation.faces import Faces
from fergan_core.evaluation.reading_cache import cached
from fergan_core.methods.classifier import Classifier, ClassifierRecipe
from fergan_core.metrics.intervals import Interval, interval_of_mean, interval_of_share
from fergan_core.training import engine
from fergan_core.training.engine import to_float

# Small and fast: the difference between sets of faces is measured, not the best possible accuracy.
RECIPE = ClassifierRecipe("plain", (16, 32, 64), (0, 1, 1), features=64, dropout=0.1)
STEPS = 600
PASSES = 40  # at most, over few faces: more would memorise them
BATCH = 128


@dataclass(frozen=True)
class CasAndGain:
    """CAS and gain by emotion name (None: all), each with its interval over the real faces it was tested on."""

    cas: dict[str | None, Interval]
    gain: dict[str | None, Interval]


def cas_and_gain(fake: Faces, real: Faces, test_faces: Faces, *, seed: int, device: torch.device) -> CasAndGain:
    """Train on fakes, on real faces and on both; test each on real `test_faces`. All faces are labelled.

    The intervals hold for these trainings; another seed, device or number of threads changes a classifier's accuracy by
    about a point.
    """
    alone, with_real = (
        _read_correctly(fake, test_faces, seed, device),
        _read_correctly(_joined(real, fake), test_faces, seed, device),
    )
    return CasAndGain(
        _accuracies(alone, test_faces), _gains(with_real, _read_correctly(real, test_faces, seed, device), test_faces)
    )


def accuracy_after(faces: Faces, test_faces: Faces, *, seed: int, device: torch.device) -> dict[str | None, Interval]:
    """Train on faces and return the accuracy on `test_faces` by emotion name (None: all)."""
    return _accuracies(_read_correctly(faces, test_faces, seed, device), test_faces)


def _labels(faces: Faces) -> Tensor:
    assert faces.labels is not None
    return faces.labels


def _joined(first: Faces, second: Faces) -> Faces:
    labels = torch.cat([_labels(first), _labels(second)])
    return Faces(torch.cat([first.images, second.images]), labels)


def _read_correctly(faces: Faces, test_faces: Faces, seed: int, device: torch.device) -> Tensor:
    """Return which test faces a classifier trained on `faces` reads correctly: bool [N]; cached."""
    # Another device or number of threads sums in another order, and so training gives other weights.
    where = f"cpu{torch.get_num_threads()}" if device.type == "cpu" else device.type
    key = f"cas-{faces.labelled_key()[:20]}-{test_faces.labelled_key()[:20]}-{seed}-{STEPS}-{where}"
    return cached(key, lambda: {"right": _train_and_test(faces, test_faces, seed, device)})["right"]


def _train_and_test(faces: Faces, test_faces: Faces, seed: int, device: torch.device) -> Tensor:
    batch = min(BATCH, len(faces.images))
    per_epoch = engine.steps_per_epoch(len(faces.images), batch)
    epochs = min(PASSES, max(1, round(STEPS / per_epoch)))
    learner = Classifier(RECIPE, identities=0, steps=epochs * per_epoch, device=device, seed=seed)
    images, labels = faces.images.to(device), _labels(faces).to(device)
    engine.fit(learner, images, labels, batch_size=batch, epochs=epochs, seed=seed)
    right = []
    with torch.inference_mode():
        for start in range(0, len(test_faces.images), 256):
            part = to_float(test_faces.images[start : start + 256].to(device))
            right.append(learner.average(part)[0].argmax(1).cpu() == _labels(test_faces)[start : start + 256])
    return torch.cat(right)


def _by_emotion(test_faces: Faces) -> dict[str | None, Tensor]:
    labels = _labels(test_faces)
    masks: dict[str | None, Tensor] = {None: torch.ones(len(labels), dtype=torch.bool)}
    masks |= {name: labels == code for code, name in enumerate(EMOTIONS)}
    return {name: mask for name, mask in masks.items() if bool(mask.any())}


def _accuracies(right: Tensor, test_faces: Faces) -> dict[str | None, Interval]:
    accuracies: dict[str | None, Interval] = {}
    for name, mask in _by_emotion(test_faces).items():
        hits, count = int(right[mask].sum()), int(mask.sum())
        accuracies[name] = interval_of_share(hits / count, count)
    return accuracies


def _gains(with_fakes: Tensor, alone: Tensor, test_faces: Faces) -> dict[str | None, Interval]:
    """Return the difference of two classifiers' accuracies on the same faces, paired by face."""
    change = with_fakes.double() - alone.double()
    return {name: interval_of_mean(change[mask]) for name, mask in _by_emotion(test_faces).items()}
