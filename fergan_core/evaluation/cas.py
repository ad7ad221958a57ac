"""What generated faces are good for: the classification accuracy score, and what they add to real faces.

CAS (Ravuri & Vinyals 2019, arXiv:1905.10887, section 3): a classifier that learns from generated faces alone is tried
on real ones. Beside it stands one that learnt from as many real faces. A third learns from both together, in as many
steps as either: its accuracy less that of real faces alone says whether the generator helps, emotion by emotion.
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

# Small and quick: it is the difference between faces that is measured, not the best classifier there is.
RECIPE = ClassifierRecipe("plain", (16, 32, 64), (0, 1, 1), features=64, dropout=0.1)
STEPS = 600
PASSES = 40  # at most, over few faces: more would learn them by heart
BATCH = 128


@dataclass(frozen=True)
class CasAndGain:
    """CAS and gain by emotion name (None: all), each with its interval over the real faces it was tried on."""

    cas: dict[str | None, Interval]
    gain: dict[str | None, Interval]


def cas_and_gain(fake: Faces, real: Faces, tried: Faces, *, seed: int, device: torch.device) -> CasAndGain:
    """Train on fakes, on real faces, on both; try each on `tried` real faces. All are labelled.

    The intervals hold for these trainings; another seed of a classifier, another device or number of threads moves its
    accuracy by a point or so.
    """
    alone, with_real = _tried(fake, tried, seed, device), _tried(_joined(real, fake), tried, seed, device)
    return CasAndGain(_accuracies(alone, tried), _gains(with_real, _tried(real, tried, seed, device), tried))


def accuracy_after(faces: Faces, tried: Faces, *, seed: int, device: torch.device) -> dict[str | None, Interval]:
    """Train on faces alone and return the accuracy on `tried` ones, by emotion name and (None) of all."""
    return _accuracies(_tried(faces, tried, seed, device), tried)


def _labels(faces: Faces) -> Tensor:
    assert faces.labels is not None
    return faces.labels


def _joined(first: Faces, second: Faces) -> Faces:
    labels = torch.cat([_labels(first), _labels(second)])
    return Faces(torch.cat([first.images, second.images]), labels)


def _tried(faces: Faces, tried: Faces, seed: int, device: torch.device) -> Tensor:
    """Tell which of the tried faces a classifier reads rightly that learnt from `faces`: bool [N]; cached."""
    # A training sums in another order on another device or number of threads, and so learns other weights.
    where = f"cpu{torch.get_num_threads()}" if device.type == "cpu" else device.type
    key = f"cas-{faces.labelled_key()[:20]}-{tried.labelled_key()[:20]}-{seed}-{STEPS}-{where}"
    return cached(key, lambda: {"right": _learnt(faces, tried, seed, device)})["right"]


def _learnt(faces: Faces, tried: Faces, seed: int, device: torch.device) -> Tensor:
    batch = min(BATCH, len(faces.images))
    per_epoch = engine.steps_per_epoch(len(faces.images), batch)
    epochs = min(PASSES, max(1, round(STEPS / per_epoch)))
    learner = Classifier(RECIPE, identities=0, steps=epochs * per_epoch, device=device, seed=seed)
    images, labels = faces.images.to(device), _labels(faces).to(device)
    engine.fit(learner, images, labels, batch_size=batch, epochs=epochs, seed=seed)
    right = []
    with torch.inference_mode():
        for start in range(0, len(tried.images), 256):
            part = to_float(tried.images[start : start + 256].to(device))
            right.append(learner.average(part)[0].argmax(1).cpu() == _labels(tried)[start : start + 256])
    return torch.cat(right)


def _by_emotion(tried: Faces) -> dict[str | None, Tensor]:
    labels = _labels(tried)
    masks: dict[str | None, Tensor] = {None: torch.ones(len(labels), dtype=torch.bool)}
    masks |= {name: labels == code for code, name in enumerate(EMOTIONS)}
    return {name: mask for name, mask in masks.items() if bool(mask.any())}


def _accuracies(right: Tensor, tried: Faces) -> dict[str | None, Interval]:
    found: dict[str | None, Interval] = {}
    for name, mask in _by_emotion(tried).items():
        hits, count = int(right[mask].sum()), int(mask.sum())
        found[name] = interval_of_share(hits / count, count)
    return found


def _gains(with_fakes: Tensor, alone: Tensor, tried: Faces) -> dict[str | None, Interval]:
    """Difference of two classifiers' accuracies on the same faces: paired, so that what both can do cancels out."""
    change = with_fakes.double() - alone.double()
    return {name: interval_of_mean(change[mask]) for name, mask in _by_emotion(tried).items()}
