"""What the process that has torch answers about faces beside drawing them: what a judge reads, which faces are near."""

import json
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.spatial.distance
import torch

from dashboard.face_client import FaceAnswer, Faces, Question
from fergan_core.analysis.projection import Plane, principal_plane
from fergan_core.data import Dataset, reopen_dataset
from fergan_core.evaluation.faces import Faces as FacesToRead
from fergan_core.evaluation.faces import Reading
from fergan_core.evaluation.faces import read as read_by
from fergan_core.evaluation.memorization import (
    NearestTrainingFaces,
    drawn_and_read,
    nearest_training_faces,
    real_faces_of,
)
from fergan_core.evaluation.real_faces import RealFaces
from fergan_core.judges.judge import load_judge
from fergan_core.methods.protocols import Generator
from fergan_core.metrics.birthday import duplicate_threshold, duplicates
from fergan_core.protocols import judges_for
from fergan_core.sheets import TILE

_REAL_FACES = 300  # an emotion, in a projection
_PAIRS = 12


@lru_cache(maxsize=1)
def _open_real_faces(recipe: str, dataset: str, judge: str) -> RealFaces:
    """Open a run's data in a judge's reading; the first time it takes minutes, and the memory of a dataset."""
    return real_faces_of(json.loads(recipe), json.loads(dataset), load_judge(judge))


def _where(question: Question) -> tuple[str, str, str]:
    """Return the run's recipe and dataset as JSON, and the question's judge, or else the dataset's."""
    judge = question.get("judge") or judges_for(question["dataset"]["name"])[0]
    return json.dumps(question["recipe"]), json.dumps(question["dataset"]), judge


@lru_cache(maxsize=32)
def _reach(where: tuple[str, str, str], code: int) -> float:
    """Return the distance within which two faces of an emotion are duplicates, the same as in the scores."""
    return duplicate_threshold(_open_real_faces(*where).train.of(code).features)


def read(generator: Generator, question: Question) -> FaceAnswer:
    judge, labels = load_judge(question["judge"]), torch.tensor(question["labels"])
    reading = drawn_and_read(generator, judge, labels, question["seed"], question["truncation"])
    return FaceAnswer(
        reading.images.numpy(), {"probabilities": reading.logits.softmax(1).tolist(), "judge_sha256": judge.sha256}
    )


def real_faces_for(question: Question) -> RealFaces:
    """Return the run's data in the reading of the question's judge, or else of the dataset's."""
    return _open_real_faces(*_where(question))


def nearest(generator: Generator, question: Question) -> FaceAnswer:
    real_faces, labels = real_faces_for(question), torch.tensor(question["labels"])
    reading = drawn_and_read(generator, real_faces.judge, labels, question["seed"])
    return neighbours_answer(nearest_training_faces(reading, real_faces), real_faces)


def neighbours_answer(neighbours: NearestTrainingFaces, real_faces: RealFaces) -> FaceAnswer:
    """Answer with each face and behind it its nearest training faces."""
    beside = torch.cat([neighbours.faces.unsqueeze(1), neighbours.neighbours], 1).reshape(-1, TILE, TILE)
    lists = {name: getattr(neighbours, name).tolist() for name in ("asked", "labels", "ratio", "nearer")}
    plain = {
        "judge": real_faces.judge.name,
        "judge_sha256": real_faces.judge.sha256,
        "neighbours": neighbours.labels.shape[1],
    }
    return FaceAnswer(beside.numpy(), lists | plain)


def project(generator: Generator, question: Question) -> FaceAnswer:
    where, labels = _where(question), torch.tensor(question["labels"])
    real_faces, codes = _open_real_faces(*where), sorted(set(question["labels"]))
    real = real_faces.held_out.take(torch.cat([_sample(real_faces.held_out, code) for code in codes]))
    plane = principal_plane(real.features.numpy())
    generated = drawn_and_read(generator, real_faces.judge, labels, question["seed"])
    twins, pairs = [], []
    for code in codes:
        reach, of_emotion, alike = _reach(where, code), generated.of(code), real.of(code)
        # As many real faces as generated ones, or fewer: the more faces, the larger the share that has a duplicate.
        alike = alike.take(torch.arange(min(len(alike), len(of_emotion))))
        of_real = {"real_faces": len(alike), "real_share": _duplicates(alike, reach)["share"]}
        twins.append({"label": code, **_duplicates(of_emotion, reach), **of_real})
        pairs += [(distance, code, pair) for distance, pair in _nearest_pairs(of_emotion, reach)]
    pairs = sorted(pairs, key=lambda pair: pair[0])[:_PAIRS]
    facts = {
        "judge": real_faces.judge.name,
        "shares": plane.shares.tolist(),
        "real": _in_plane(real, plane),
        "drawn": _in_plane(generated, plane),
        "twins": twins,
        "nearest": {"labels": [code for _, code, _ in pairs], "distances": [distance for distance, _, _ in pairs]},
    }
    return FaceAnswer(np.array([face for _, _, pair in pairs for face in pair], np.uint8), facts)


def _sample(faces: Reading, code: int) -> torch.Tensor:
    """Choose at most _REAL_FACES faces of an emotion, the same ones for every question: int64 [n]."""
    assert faces.labels is not None
    of_emotion = torch.nonzero(faces.labels == code)[:, 0]
    return of_emotion[torch.randperm(len(of_emotion), generator=torch.Generator().manual_seed(0))[:_REAL_FACES]]


def _in_plane(faces: Reading, plane: Plane) -> dict[str, Any]:
    assert faces.labels is not None
    at, reads = plane.project(faces.features.numpy()), faces.logits.argmax(1)
    return {"at": at.tolist(), "labels": faces.labels.tolist(), "reads": reads.tolist()}


def _duplicates(faces: Reading, reach: float) -> dict[str, Any]:
    """Count the pairs of duplicates, and the share of faces in one; both None of fewer than two faces."""
    if len(faces) < 2:
        return {"faces": len(faces), "pairs": None, "share": None}
    twins = duplicates(faces.features, reach)
    return {"faces": len(faces), "pairs": twins.pairs, "share": twins.share}


def _nearest_pairs(faces: Reading, reach: float) -> list[tuple[float, Faces]]:
    """Return the nearest pairs of duplicates, _PAIRS or fewer: distance by the reach, and faces uint8 [2,48,48]."""
    apart = scipy.spatial.distance.pdist(faces.features.double().numpy()) / reach
    near = apart.argsort(kind="stable")[:_PAIRS]
    one, other = np.triu_indices(len(faces), 1)
    images = faces.images.numpy()
    return [(float(apart[at]), images[[one[at], other[at]]]) for at in near if apart[at] <= 1]


def _open_dataset(dataset: str) -> Dataset:
    return reopen_dataset(json.loads(dataset))


def judge_dataset(question: Question) -> FaceAnswer:
    """Answer with the probabilities that a judge gives faces of a dataset, `faces` being their places in it."""
    images = _open_dataset(json.dumps(question["dataset"])).images[question["faces"]]
    reading = read_by(load_judge(question["judge"]), FacesToRead(torch.from_numpy(images), None))
    return FaceAnswer(images[:0], {"probabilities": reading.logits.softmax(1).tolist()})
