"""Evaluations of a run's checkpoints: weights -> faces -> scores -> registry."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from fergan_core import recipe as recipes
from fergan_core.data import Dataset, Parts, split_parts
from fergan_core.emotions import EMOTIONS, emotion_code
from fergan_core.errors import CheckpointError, UsageError
from fergan_core.evaluation.evaluator import Evaluation, Evaluator, codes_of, judge_of
from fergan_core.evaluation.faces import Faces, OnProgress, arranged, read
from fergan_core.evaluation.label_order import SuspectedOrder, suspected_order
from fergan_core.evaluation.protocol import Protocol
from fergan_core.evaluation.reading_cache import cached
from fergan_core.judges.judge import Judge
from fergan_core.methods import load_generator
from fergan_core.methods.protocols import Generator, Samplable
from fergan_core.recipe import Recipe, Sampling
from fergan_core.registry import Registry, Score


def training_index(dataset: Dataset, parts: Parts, recipe: Recipe) -> NDArray[np.int64]:
    """Return which images of the dataset a recipe trains on: int64 [n], its emotions' part of `parts.train`."""
    codes = [emotion_code(name) for name in recipe.emotions]
    index = parts.train[np.isin(dataset.labels[parts.train], codes)]
    if len(index) == 0:
        raise UsageError(f"--emotions: '{dataset.name}' has no training image of {', '.join(recipe.emotions)}")
    missing = [name for name, code in zip(recipe.emotions, codes, strict=True) if code not in dataset.labels[index]]
    if missing:
        raise UsageError(f"--emotions: '{dataset.name}' has no training image of {', '.join(missing)}; leave it out")
    return index[: recipe.images] if recipe.images else index


def record(registry: Registry, run_id: str, evaluation: Evaluation, *, epoch: int, step: int) -> None:
    """Record an evaluation of a run's step in the registry, with the faces drawn per second as one more score."""
    speed = [] if evaluation.faces_per_second is None else [Score("speed", evaluation.faces_per_second)]
    registry.add_evaluation(
        run_id,
        epoch=epoch,
        step=step,
        judge=evaluation.judge,
        judge_sha256=evaluation.judge_sha256,
        protocol=evaluation.protocol_dict(),
        scores=[*evaluation.scores, *speed],
    )


def evaluate_checkpoints(
    registry: Registry,
    run_id: str,
    steps: Sequence[int],
    protocols: Sequence[Protocol],
    *,
    dataset: Dataset | None,
    device: torch.device | str = "cpu",
    thorough: bool = False,
    on_progress: OnProgress = lambda done, of: None,
) -> Iterator[tuple[int, Evaluation]]:
    """Evaluate a run's checkpoints at `steps` under each protocol; record each evaluation and yield (step, evaluation).

    The protocols differ in their judge alone; `on_progress` gets how many faces are drawn. Raises CheckpointError
    where there is no checkpoint at a step, UsageError for a sampling that the run's generator does not have.
    """
    reader = registry.reader
    run = reader.run(run_id)
    saved = reader.checkpoints(run_id).set_index("step").to_dict("index")
    missing = [step for step in steps if step not in saved]
    if missing:
        raise CheckpointError(
            f"run '{run['name']}' has no checkpoint at step {missing[0]}; `fergan runs show` lists them"
        )
    parts = None if dataset is None else split_parts(dataset)
    trained_on = None
    if dataset is not None and parts is not None:
        trained_on = training_index(dataset, parts, recipes.from_dict(run["recipe"]))
    evaluators = [
        Evaluator(dataset, parts, protocol, device, trained_on=trained_on, thorough=thorough) for protocol in protocols
    ]
    for step in steps:
        checkpoint = saved[step]
        loaded = load_generator(run["recipe"], reader.file(checkpoint["path"]), str(device))
        generator = sampled(loaded, protocols[0].sampling)
        faces = _draw_cached(evaluators[0], generator, f"{checkpoint['sha256']} {run['recipe']}", on_progress)
        own = None  # what is the same for every judge, computed by the first that reads emotions
        for evaluator in evaluators:
            if thorough and own is None and evaluator.judge.reads_emotions:
                own = evaluator.own_scores(generator)
            evaluation = evaluator.score(faces, codes_of(generator.emotions), generator, own)
            record(registry, run_id, evaluation, epoch=checkpoint["epoch"], step=step)
            yield step, evaluation


def sampled(generator: Generator, sampling: Sampling | None) -> Generator:
    """Return a generator that draws by this sampling (None: the recipe's); UsageError where it cannot."""
    if sampling is None:
        return generator
    if not isinstance(generator, Samplable):
        raise UsageError("--sampler, --steps, --guidance: this run draws a face in one pass; leave them out")
    return generator.resampled(sampling)


def _draw_cached(evaluator: Evaluator, generator: Generator, of: str, on_progress: OnProgress) -> Faces:
    """Return a protocol's faces of a checkpoint, from the cache or drawn; `of` identifies the checkpoint."""
    labels = evaluator.labels(generator)
    key = f"{of} {evaluator.protocol.as_dict()} {labels.tolist()}"

    def draw_tensors() -> dict[str, torch.Tensor]:
        faces = evaluator.draw(generator, on_progress)
        assert faces.labels is not None
        seconds = torch.tensor(faces.seconds, dtype=torch.float64)
        return {"images": faces.images, "labels": faces.labels, "seconds": seconds}

    tensors = cached(f"drawn-{hashlib.sha256(key.encode()).hexdigest()[:40]}", draw_tensors)
    return Faces(tensors["images"], tensors["labels"], float(tensors["seconds"]))


def score_images(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8] | None,
    protocols: Sequence[Protocol],
    *,
    dataset: Dataset | None,
    device: torch.device | str = "cpu",
    thorough: bool = False,
) -> Iterator[Evaluation]:
    """Score any faces uint8 [N,48,48] under each protocol, whose count becomes N; yield an evaluation for each."""
    faces = _faces(images, labels)
    codes = tuple(range(len(EMOTIONS))) if faces.labels is None else tuple(sorted(set(faces.labels.tolist())))
    parts = None if dataset is None else split_parts(dataset)
    for protocol in protocols:
        counted = replace(protocol, count=len(images))
        yield Evaluator(dataset, parts, counted, device, thorough=thorough).score(faces, codes)


def order_of_labels(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    protocol: Protocol,
    assumed: Sequence[str],
    *,
    device: torch.device | str = "cpu",
) -> SuspectedOrder | None:
    """Return another order in which labels of scored faces seem to number emotions, by a judge.

    `labels` uint8 [N] are FER2013's codes, which the faces' numbers became by the order `assumed`. None where that
    order seems right, or the judge does not read emotions.
    """
    judge = judge_of(protocol, device)
    if not isinstance(judge, Judge):
        return None
    return suspected_order(read(judge, arranged(_faces(images, labels), protocol.seed)), assumed)


def _faces(images: NDArray[np.uint8], labels: NDArray[np.uint8] | None) -> Faces:
    return Faces(torch.from_numpy(images), None if labels is None else torch.from_numpy(labels.astype(np.int64)))
