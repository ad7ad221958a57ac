"""The faces behind the scores: those of a cell of the confusion matrix, and those most similar to training faces."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fergan_core import recipe as recipes
from fergan_core.data import reopen_dataset, split_parts
from fergan_core.evaluation.faces import Reading, draw, read
from fergan_core.evaluation.real_faces import RealFaces
from fergan_core.evaluation.runs import training_index
from fergan_core.judges.inception import InceptionJudge
from fergan_core.judges.judge import Judge
from fergan_core.methods.protocols import Generator
from fergan_core.metrics.distances import nearest

NEIGHBOURS = 3


@dataclass(frozen=True)
class NearestTrainingFaces:
    """Generated faces and the training faces nearest to each in a judge's features, the most suspicious first.

    `faces` uint8 [N,48,48] with the requested emotions `asked` int64 [N]; `neighbours` uint8 [N,3,48,48], the nearest
    first, with their `labels` int64 [N,3]. `ratio` float64 [N] is the distance to the nearest divided by the median of
    that distance over unseen real faces of the emotion: 1 is usual, 0 an exact copy. `nearer` float64 [N] is the share
    of those real faces that are nearer to a training face than this one.
    """

    faces: Tensor
    asked: Tensor
    neighbours: Tensor
    labels: Tensor
    ratio: Tensor
    nearer: Tensor


def drawn_and_read(
    generator: Generator, judge: Judge | InceptionJudge, labels: Tensor, seed: int, truncation: float = 1.0
) -> Reading:
    """Draw a face for each FER2013 code of `labels` int64 [n] and return a judge's reading of them."""
    return read(judge, draw(generator, labels, seed, truncation, torch.device("cpu")))


def real_faces_of(recipe: Mapping[str, Any], dataset: Mapping[str, Any], judge: Judge) -> RealFaces:
    """Open the data that a run was trained on (the registry's `recipe` and `dataset`), in a judge's reading.

    Raises DataError where they can no longer be read there or have changed.
    """
    training_data = reopen_dataset(dataset)
    parts = split_parts(training_data)
    index = training_index(training_data, parts, recipes.from_dict(recipe))
    return RealFaces(training_data, parts, judge, index)


def nearest_training_faces(reading: Reading, real_faces: RealFaces) -> NearestTrainingFaces:
    """Return the training faces nearest to each generated face, and how near unseen real faces come."""
    learnt, unseen = real_faces.trained_on, real_faces.held_out
    assert reading.labels is not None
    assert learnt.labels is not None
    distances, indices = nearest(reading.features, learnt.features, min(NEIGHBOURS, len(learnt)))
    ratio, nearer = torch.ones(len(reading)).double(), torch.zeros(len(reading)).double()
    for code in set(reading.labels.tolist()):
        # An emotion without unseen faces is compared with those of all emotions.
        like = unseen.of(code) if len(unseen.of(code)) else unseen
        usual = nearest(like.features, learnt.features, 1)[0][:, 0].sort().values
        of_emotion = reading.labels == code
        ratio[of_emotion] = distances[of_emotion, 0] / usual.median()
        nearer[of_emotion] = torch.searchsorted(usual, distances[of_emotion, 0].contiguous()).double() / len(usual)
    order = ratio.argsort(stable=True)
    return NearestTrainingFaces(
        reading.images[order],
        reading.labels[order],
        learnt.images[indices[order]],
        learnt.labels[indices[order]],
        ratio[order],
        nearer[order],
    )
