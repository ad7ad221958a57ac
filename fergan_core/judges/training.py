"""Training a judge: train on Parts.train, choose and calibrate on Parts.held_out, report on Parts.report."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
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
from fergan_core.methods.classifier import Classifier, ClassifierRecipe, bf16_pays
from fergan_core.metrics import calibration, inception_score
from fergan_core.metrics.intervals import interval_of_share
from fergan_core.models.judge import Architecture, multiply_adds, parameters
from fergan_core.training import engine

SPLIT_RULE = (
    "trained on split train less a seeded, per-emotion tenth and its copies; the epoch from which it settles, or is "
    "kept, and the temperature chosen on that held-out tenth; reported on split public less its exact copies in "
    "split train"
)


@dataclass(frozen=True)
class JudgeTraining:
    """Everything that a judge's training depends on besides the data; fine-tuning starts at the best of `epochs`."""

    classifier: ClassifierRecipe
    epochs: int
    batch_size: int
    seed: int
    fine_tune_epochs: int = 0


# People agree with FER2013's labels on two thirds of the faces: strong regularisation against memorising the others.
_NOISY = partial(
    ClassifierRecipe, shift=4, rotation=12, zoom=0.15, cutout=16, mixup=0.3, bootstrap=0.4, ema_decay=0.999
)
_OF_NOISY: dict[Architecture, ClassifierRecipe] = {
    "residual": _NOISY("residual", (32, 64, 120), (1, 1, 2), full=16, contrast=0.2),
    "plain": _NOISY("plain", (32, 64, 128, 256), (0, 1, 1, 2)),
}
# The built-in faces are clean and similar: a smaller network learns them, identities included, in a few epochs.
_OF_CLEAN: dict[Architecture, ClassifierRecipe] = {
    "residual": ClassifierRecipe("residual", (16, 48, 96), (0, 1, 1), dropout=0.0, label_smoothing=0.05),
    "plain": ClassifierRecipe("plain", (24, 48, 96), (0, 1, 1), dropout=0.0, label_smoothing=0.05),
}
_EPOCHS = {"noisy": 80, "clean": 8}
_EPOCHS_PER_FINE_TUNING = 8  # epochs to one of fine_tuning


def for_fine_tuning(classifier: ClassifierRecipe) -> ClassifierRecipe:
    """Return the recipe of fine-tuning: with weak augmentation, so that faces are nearly as the judge will read them.

    What strong augmentation taught remains, and the gap between augmented and real faces closes (He et al. 2019,
    arXiv:1909.09148).
    """
    return replace(classifier, shift=3, rotation=8, zoom=0.1, cutout=8, mixup=0.0, learning_rate=1e-3, warm_up=0.1)


def training_for(
    dataset_name: str, *, architecture: Architecture, epochs: int | None, batch_size: int, seed: int
) -> JudgeTraining:
    """Return the training for a dataset with these choices; `epochs` None is the dataset's default."""
    clean = dataset_name == "synthfer"
    classifier = (_OF_CLEAN if clean else _OF_NOISY)[architecture]
    default_epochs = _EPOCHS["clean" if clean else "noisy"]
    passes = default_epochs if epochs is None else epochs
    return JudgeTraining(
        classifier, passes, batch_size, seed, 0 if clean else max(1, round(passes / _EPOCHS_PER_FINE_TUNING))
    )


@dataclass(frozen=True)
class EpochReport:
    """A judge's training after an epoch; the accuracy is the averaged network's on held-out faces.

    `kept` is true where this epoch's network is the best so far, or the last.
    """

    epoch: int
    loss: float
    accuracy: float
    kept: bool


@dataclass(frozen=True)
class TrainedJudge:
    """A finished judge: the half-precision weights to write and their card, which lacks name, hash and command."""

    tensors: dict[str, Tensor]
    card: dict[str, Any]


class BestEpochHook(engine.Hook):
    """Stores the averaged network of the epoch with the best held-out accuracy, or of the last, in half precision."""

    def __init__(
        self,
        learner: Classifier,
        held_out: Dataset,
        on_progress: Callable[[EpochReport], None],
        *,
        last: bool,
        before: int,
    ):
        self.learner, self.held_out, self.on_progress, self.last, self.before = (
            learner,
            held_out,
            on_progress,
            last,
            before,
        )
        self.losses: list[Tensor] = []
        self.accuracy, self.epoch = -1.0, 0
        self.tensors: dict[str, Tensor] = {}

    def after_step(self, progress: engine.Progress, scalars: dict[str, Tensor]) -> None:
        self.losses.append(scalars["loss"])

    def after_epoch(self, progress: engine.Progress) -> None:
        loss, epoch = float(torch.stack(self.losses).mean()), self.before + progress.epoch
        self.losses.clear()
        if not np.isfinite(loss):
            raise TrainingError(f"judge: the loss is {loss} in epoch {epoch}; lower the learning rate")
        tensors = half(self.learner.average)
        judge = _judge(tensors, self.learner.recipe, self.learner.average.identities, 1.0, self.learner.device)
        logits, _ = judge.read(self.held_out.images)
        accuracy = calibration.accuracy(logits, torch.from_numpy(self.held_out.labels))
        chosen = self.last or accuracy > self.accuracy
        if chosen:
            self.accuracy, self.epoch, self.tensors = accuracy, epoch, tensors
        self.on_progress(EpochReport(epoch, loss, accuracy, chosen))


@dataclass(frozen=True)
class JudgeTrainer:
    """The data and device of a judge's training, and the function that gets each epoch's report."""

    images: Tensor
    labels: Tensor
    identities: int
    held_out: Dataset
    device: torch.device
    on_progress: Callable[[EpochReport], None]

    def train(self, training: JudgeTraining, start: dict[str, Tensor] | None = None) -> BestEpochHook:
        """Train from scratch and take the best epoch, or fine-tune from `start` and take the last one."""
        fine_tuning = start is not None
        recipe = for_fine_tuning(training.classifier) if fine_tuning else training.classifier
        epochs = training.fine_tune_epochs if fine_tuning else training.epochs
        steps = epochs * engine.steps_per_epoch(len(self.images), training.batch_size)
        seed = training.seed + fine_tuning
        learner = Classifier(
            recipe, identities=self.identities, steps=steps, device=self.device, seed=seed, start=start
        )
        best_epoch = BestEpochHook(
            learner, self.held_out, self.on_progress, last=fine_tuning, before=training.epochs if fine_tuning else 0
        )
        engine.fit(
            learner,
            self.images,
            self.labels,
            batch_size=training.batch_size,
            epochs=epochs,
            seed=seed,
            hooks=[best_epoch],
        )
        return best_epoch


def _judge(
    tensors: dict[str, Tensor], recipe: ClassifierRecipe, identities: int, temperature: float, device: torch.device
) -> Judge:
    """Return the judge that a file with these half-precision weights will give."""
    network = rebuilt(asdict(recipe), identities, tensors, device)
    return Judge("in the making", "", temperature, {}, network)


def targets(dataset: Dataset) -> tuple[NDArray[np.int64], int]:
    """Return the labels that a judge is trained on, and the number of identities.

    int64 [N] emotions and 0, or, where the dataset has identities, int64 [N,2] (emotion, identity) and their number.
    """
    emotions = dataset.labels.astype(np.int64)
    if "identity" not in dataset.factors:
        return emotions, 0
    identities = np.asarray(dataset.factors["identity"], dtype=np.int64)
    return np.stack([emotions, identities], 1), int(identities.max()) + 1


def report_on(judge: Judge, part: Dataset, identities: int) -> dict[str, Any]:
    """Measure a judge on a part of a dataset: accuracy (overall, per emotion), confusion, NLL and ECE, IS.

    `before` and `after` are without and with the judge's temperature.
    """
    logits, features = judge.read(part.images)
    labels = torch.from_numpy(part.labels.astype(np.int64))
    unscaled = logits * judge.temperature
    confusion = calibration.confusion_matrix(logits, labels)
    hits, totals = confusion.diagonal().tolist(), confusion.sum(1).tolist()
    accuracy = interval_of_share(sum(hits) / len(part), len(part))
    measured: dict[str, Any] = {
        "images": len(part),
        "accuracy": accuracy.value,
        "accuracy_interval": [accuracy.low, accuracy.high],
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

    Those are images that are also in split train: the judge has learnt them, so they raise its accuracy.
    """
    identities = judge.network.identities
    report = dataset.take(parts.report)
    splits = np.unique(report.splits)
    with_copies = dataset.take(np.flatnonzero(np.isin(dataset.splits, splits) & (dataset.labels != UNLABELLED)))
    logits, _ = judge.read(with_copies.images)
    right = calibration.accuracy(logits, torch.from_numpy(with_copies.labels))
    return {
        "held_out": report_on(judge, dataset.take(parts.held_out), identities),
        "report": report_on(judge, report, identities),
        "report_with_copies": {"images": len(with_copies), "accuracy": right},
    }


def _bins(logits: Tensor, labels: Tensor) -> list[list[float | None]]:
    """Return the reliability diagram's points as plain numbers: count, confidence, accuracy (both None if empty)."""
    points = calibration.reliability(logits, labels).tolist()
    return [[int(count), *(None if np.isnan(value) else value for value in values)] for count, *values in points]


def train_judge(
    dataset: Dataset,
    parts: Parts,
    training: JudgeTraining,
    device: torch.device,
    on_progress: Callable[[EpochReport], None],
    votes: NDArray[np.float32] | None = None,
) -> TrainedJudge:
    """Train, choose, calibrate and measure a judge; the same arguments on the same machine give the same weights.

    With `votes` float32 [N,7] it is trained on shares of people's votes, without the images that nobody voted on; it is
    still chosen and measured by the dataset's own labels. Raises DataError where a part is missing,
    TrainingError where the loss is not a number.
    """
    for name, index in (("training", parts.train), ("held-out", parts.held_out), ("report", parts.report)):
        if len(index) == 0:
            raise DataError(
                f"{dataset.source}: its {name} part is empty; a judge needs labelled splits train and public"
            )
    learnt = parts.train if votes is None else parts.train[votes[parts.train].sum(1) > 0]
    train = dataset.take(learnt)
    labels: NDArray[Any] = targets(train)[0] if votes is None else votes[learnt]
    trainer = JudgeTrainer(
        torch.from_numpy(train.images).to(device),
        torch.from_numpy(labels).to(device),
        targets(dataset)[1] if votes is None else 0,
        dataset.take(parts.held_out),
        device,
        on_progress,
    )
    chosen = ended = trainer.train(training)
    if training.fine_tune_epochs:
        ended = trainer.train(training, chosen.tensors)
    return _finished(trainer, ended.tensors, chosen.epoch, training, dataset, parts, by_votes=votes is not None)


def _finished(
    trainer: JudgeTrainer,
    tensors: dict[str, Tensor],
    chosen_epoch: int,
    training: JudgeTraining,
    dataset: Dataset,
    parts: Parts,
    *,
    by_votes: bool,
) -> TrainedJudge:
    """Calibrate a trained network on the held-out part, and measure it on the dataset's parts."""
    held_out, identities, device = trainer.held_out, trainer.identities, trainer.device
    raw, _ = _judge(tensors, training.classifier, identities, 1.0, device).read(held_out.images)
    temperature = calibration.fit_temperature(raw, torch.from_numpy(held_out.labels))
    judge = _judge(tensors, training.classifier, identities, temperature, device)
    return TrainedJudge(
        tensors,
        {
            "data": {
                "name": dataset.name,
                "content_hash": dataset.content_hash,
                "images": len(dataset),
                "train": len(trainer.images),
                "held_out": len(held_out),
                "report": len(parts.report),
            },
            "split_rule": SPLIT_RULE,
            "labels": "FER+'s votes" if by_votes else "the dataset's",
            "recipe": {
                **asdict(training.classifier),
                "epochs": training.epochs,
                "chosen_epoch": chosen_epoch,
                "settling": training.fine_tune_epochs,
                "batch_size": training.batch_size,
                "flip": True,
                "precision": "bf16" if bf16_pays(device) else "float32",
            },
            "seed": training.seed,
            "identities": identities,
            "features": training.classifier.features,
            "parameters": parameters(judge.network),
            "multiply_adds": multiply_adds(judge.network),
            "temperature": temperature,
            **reports(judge, dataset, parts),
        },
    )
