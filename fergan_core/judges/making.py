"""Making a judge: train on Parts.train, choose and calibrate on Parts.held_out, report on Parts.report."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fergan_core.data import UNLABELLED, Dataset, Parts
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import DataError, TrainingError
from fergan_core.judges.judge import Judge, half, rebuilt
from fergan_core.methods.classifier import Classifier, ClassifierRecipe
from fergan_core.metrics import calibration, inception_score
from fergan_core.models.judge import Architecture, multiply_adds, parameters
from fergan_core.training import engine

SPLIT_RULE = (
    "trained on split train less a seeded, per-emotion tenth and its copies; the epoch and the temperature chosen "
    "on that held-out tenth; reported on split public less its exact copies in split train"
)


@dataclass(frozen=True)
class JudgeTraining:
    """Everything that decides a judge's training besides the data."""

    classifier: ClassifierRecipe
    epochs: int
    batch_size: int
    seed: int


# People agree with FER2013's labels in two thirds of the faces: much is done here against learning the rest by heart.
_NOISY = partial(
    ClassifierRecipe, shift=4, rotation=12, zoom=0.15, cutout=16, mixup=0.3, bootstrap=0.4, ema_decay=0.999
)
_OF_NOISY: dict[Architecture, ClassifierRecipe] = {
    "residual": _NOISY("residual", (32, 64, 120), (1, 1, 2), full=16, contrast=0.2),
    "plain": _NOISY("plain", (32, 64, 128, 256), (0, 1, 1, 2)),
}
# The built-in faces are clean and alike: a smaller network learns them, people included, in a few epochs.
_OF_CLEAN: dict[Architecture, ClassifierRecipe] = {
    "residual": ClassifierRecipe("residual", (16, 48, 96), (0, 1, 1), dropout=0.0, label_smoothing=0.05),
    "plain": ClassifierRecipe("plain", (24, 48, 96), (0, 1, 1), dropout=0.0, label_smoothing=0.05),
}
_EPOCHS = {"noisy": 80, "clean": 8}


def training_for(
    dataset_name: str, *, architecture: Architecture, epochs: int | None, batch_size: int, seed: int
) -> JudgeTraining:
    """Return the training that suits a data set, with these choices made; `epochs` None takes the data set's own."""
    clean = dataset_name == "synthfer"
    classifier = (_OF_CLEAN if clean else _OF_NOISY)[architecture]
    own = _EPOCHS["clean" if clean else "noisy"]
    return JudgeTraining(classifier, own if epochs is None else epochs, batch_size, seed)


@dataclass(frozen=True)
class EpochReport:
    """How a judge's training stands after an epoch; accuracies are the averaged network's on held-out faces."""

    epoch: int
    loss: float
    accuracy: float
    best: bool


@dataclass(frozen=True)
class Made:
    """A finished judge: the half-precision weights to write and their card, which lacks name, hash and command."""

    tensors: dict[str, Tensor]
    card: dict[str, Any]


class _Chooser(engine.Hook):
    """Keeps the averaged network of the epoch with the best held-out accuracy, as it will be written."""

    def __init__(
        self, learner: Classifier, dataset: Dataset, training: JudgeTraining, tell: Callable[[EpochReport], None]
    ):
        self.learner, self.dataset, self.training, self.tell = learner, dataset, training, tell
        self.losses: list[Tensor] = []
        self.accuracy, self.epoch = -1.0, 0
        self.tensors: dict[str, Tensor] = {}

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        self.losses.append(scalars["loss"])

    def after_epoch(self, progress: engine.Progress) -> None:
        loss = float(torch.stack(self.losses).mean())
        self.losses.clear()
        if not np.isfinite(loss):
            raise TrainingError(f"judge: the loss is {loss} in epoch {progress.epoch}; lower the learning rate")
        tensors = half(self.learner.average)
        judge = _judge(tensors, self.training, self.learner.average.identities, 1.0, self.learner.device)
        logits, _ = judge.read(self.dataset.images)
        accuracy = calibration.accuracy(logits, torch.from_numpy(self.dataset.labels))
        best = accuracy > self.accuracy
        if best:
            self.accuracy, self.epoch, self.tensors = accuracy, progress.epoch, tensors
        self.tell(EpochReport(progress.epoch, loss, accuracy, best))


def _judge(
    tensors: dict[str, Tensor], training: JudgeTraining, identities: int, temperature: float, device: torch.device
) -> Judge:
    """Build the judge that a file with these half-precision weights will give."""
    network = rebuilt(asdict(training.classifier), identities, tensors, device)
    return Judge("in the making", "", temperature, {}, network)


def targets(dataset: Dataset) -> tuple[NDArray[np.int64], int]:
    """Return what a judge learns of each image, and how many identities there are.

    int64 [N] emotions and 0, or, where the data set knows who is drawn, int64 [N,2] (emotion, identity) and their
    number.
    """
    emotions = dataset.labels.astype(np.int64)
    if "identity" not in dataset.factors:
        return emotions, 0
    identities = np.asarray(dataset.factors["identity"], dtype=np.int64)
    return np.stack([emotions, identities], 1), int(identities.max()) + 1


def report_on(judge: Judge, part: Dataset, identities: int) -> dict[str, Any]:
    """Measure a judge on a part of a data set: accuracy (overall, per emotion), confusion, NLL and ECE, IS.

    `before` and `after` are without and with the judge's temperature.
    """
    logits, features = judge.read(part.images)
    labels = torch.from_numpy(part.labels.astype(np.int64))
    unscaled = logits * judge.temperature
    confusion = calibration.confusion_matrix(logits, labels)
    hits, totals = confusion.diagonal().tolist(), confusion.sum(1).tolist()
    measured: dict[str, Any] = {
        "images": len(part),
        "accuracy": sum(hits) / len(part),
        "accuracy_interval": list(calibration.wilson_interval(sum(hits), len(part))),
        "accuracy_per_emotion": {
            name: hit / total if total else None for name, hit, total in zip(EMOTIONS, hits, totals, strict=True)
        },
        "confusion": confusion.tolist(),
        "nll": {
            "before": calibration.negative_log_likelihood(unscaled, labels),
            "after": calibration.negative_log_likelihood(logits, labels),
        },
        "ece": {
            "before": calibration.expected_calibration_error(unscaled, labels),
            "after": calibration.expected_calibration_error(logits, labels),
        },
        "reliability": {"before": _bins(unscaled, labels), "after": _bins(logits, labels)},
    }
    if identities:
        people = torch.from_numpy(np.asarray(part.factors["identity"], dtype=np.int64))
        measured["identity_accuracy"] = calibration.accuracy(judge.identities(features), people)
    if len(part) >= 10:
        measured["inception_score"] = asdict(inception_score.score(logits))
    return measured


def reports(judge: Judge, dataset: Dataset, parts: Parts) -> dict[str, Any]:
    """Measure a judge on the held-out and the report part, and, as papers do, with the report part's copies.

    Those are images that stand in split train too: the judge has learnt them, so they flatter it.
    """
    identities = judge.network.identities
    report = dataset.take(parts.report)
    splits = np.unique(report.splits)
    whole = dataset.take(np.flatnonzero(np.isin(dataset.splits, splits) & (dataset.labels != UNLABELLED)))
    logits, _ = judge.read(whole.images)
    right = calibration.accuracy(logits, torch.from_numpy(whole.labels))
    return {
        "held_out": report_on(judge, dataset.take(parts.held_out), identities),
        "report": report_on(judge, report, identities),
        "report_with_copies": {"images": len(whole), "accuracy": right},
    }


def _bins(logits: Tensor, labels: Tensor) -> list[list[float | None]]:
    """The reliability diagram's points in plain numbers: count, confidence, accuracy; None for both of an empty bin."""
    points = calibration.reliability(logits, labels).tolist()
    return [[int(count), *(None if np.isnan(value) else value for value in values)] for count, *values in points]


def make_judge(
    dataset: Dataset,
    parts: Parts,
    training: JudgeTraining,
    device: torch.device,
    tell: Callable[[EpochReport], None],
    votes: NDArray[np.float32] | None = None,
) -> Made:
    """Train, choose, calibrate and measure a judge; the same arguments on the same machine give the same weights.

    With `votes` float32 [N,7] it learns from people's shares of votes, and not from images that nobody voted on; it
    is chosen and measured by the data set's own labels all the same. Raises DataError where a part is missing,
    TrainingError where the loss is no number.
    """
    for name, index in (("training", parts.train), ("held-out", parts.held_out), ("report", parts.report)):
        if len(index) == 0:
            raise DataError(
                f"{dataset.source}: its {name} part is empty; a judge needs labelled splits train and public"
            )
    learnt = parts.train if votes is None else parts.train[votes[parts.train].sum(1) > 0]
    train, held_out, report = dataset.take(learnt), dataset.take(parts.held_out), dataset.take(parts.report)
    labels: NDArray[Any] = targets(train)[0] if votes is None else votes[learnt]
    identities = targets(dataset)[1] if votes is None else 0
    steps = training.epochs * engine.steps_per_epoch(len(train), training.batch_size)
    learner = Classifier(training.classifier, identities=identities, steps=steps, device=device, seed=training.seed)
    chooser = _Chooser(learner, held_out, training, tell)
    engine.fit(
        learner,
        torch.from_numpy(train.images).to(device),
        torch.from_numpy(labels).to(device),
        batch_size=training.batch_size,
        epochs=training.epochs,
        seed=training.seed,
        hooks=[chooser],
    )
    raw, _ = _judge(chooser.tensors, training, identities, 1.0, device).read(held_out.images)
    temperature = calibration.fit_temperature(raw, torch.from_numpy(held_out.labels))
    judge = _judge(chooser.tensors, training, identities, temperature, device)
    return Made(
        chooser.tensors,
        {
            "data": {
                "name": dataset.name,
                "content_hash": dataset.content_hash,
                "images": len(dataset),
                "train": len(train),
                "held_out": len(held_out),
                "report": len(report),
            },
            "split_rule": SPLIT_RULE,
            "labels": "the data set's" if votes is None else "FER+'s votes",
            "recipe": {
                **asdict(training.classifier),
                "epochs": training.epochs,
                "batch_size": training.batch_size,
                "flip": True,
                "precision": "bf16" if learner.bf16 else "float32",
                "chosen_epoch": chooser.epoch,
            },
            "seed": training.seed,
            "identities": identities,
            "features": training.classifier.features,
            "parameters": parameters(learner.average),
            "multiply_adds": multiply_adds(learner.average),
            "temperature": temperature,
            **reports(judge, dataset, parts),
        },
    )
