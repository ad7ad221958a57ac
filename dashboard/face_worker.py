"""The process that has torch: it answers the dashboard's questions with faces, and is the only part that loads torch.

It ends with the server, and when nobody has asked for a while.
"""

import json
import os
import select
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy
import torch

from dashboard.face_client import FaceAnswer, Faces
from fergan_core.analysis.projection import Plane, principal_plane
from fergan_core.data import SPLITS, reopen_dataset
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError, DataError, FerganError, UsageError
from fergan_core.evaluation.faces import Reading
from fergan_core.evaluation.memorization import drawn_and_read, nearest_training_faces, real_faces_of
from fergan_core.evaluation.real_faces import RealFaces
from fergan_core.judges.judge import load_judge
from fergan_core.methods import load_generator
from fergan_core.methods.protocols import Generator, Samplable
from fergan_core.metrics.birthday import duplicate_threshold, duplicates
from fergan_core.protocols import judges_for
from fergan_core.sheet import TILE
from fergan_core.training.engine import to_bytes

_IDLE_SECONDS = 600
_REAL_FACES = 300  # an emotion, in a projection
_PAIRS = 12
_MOST_SEED = 2**63 - 1
_MOST_FRAMES = 1000

Question = Mapping[str, Any]


@lru_cache(maxsize=2)
def _open_generator(recipe: str, weights: str, _changed: float) -> Generator:
    """Open a checkpoint; `_changed` is its time of writing, since a resumed run writes its checkpoints anew."""
    return load_generator(json.loads(recipe), Path(weights))


def _generator(question: Question) -> Generator:
    weights = Path(question["weights"])
    changed = weights.stat().st_mtime if weights.exists() else 0.0
    generator = _open_generator(json.dumps(question["recipe"]), str(weights), changed)
    if missing := [EMOTIONS[code] for code in question["labels"] if EMOTIONS[code] not in generator.emotions]:
        raise UsageError(f"this run did not learn {missing[0]} faces; choose one of {', '.join(generator.emotions)}")
    return generator


def _check(question: Question) -> None:
    """Raise UsageError for a question that cannot be answered: codes are indices, and -1 would be a neutral face."""
    if question.get("kind") not in _ANSWERS:
        raise UsageError(f"nothing here draws '{question.get('kind')}'; reload the page")
    labels, seed = question["labels"], question["seed"]
    if not labels:
        raise UsageError("no face was requested; request one or more")
    for code in labels:
        if not _is_within(code, 0, len(EMOTIONS) - 1):
            raise UsageError(f"'{code}' is not an emotion's code; choose one of {', '.join(EMOTIONS)}")
    if not _is_within(seed, 0, _MOST_SEED):
        raise UsageError(f"the seed '{seed}' is not a whole number from 0 to {_MOST_SEED}; choose another")
    if not _is_within(question.get("frames", 1), 1, _MOST_FRAMES):
        raise UsageError(f"'{question['frames']}' steps cannot be shown; ask for 1 to {_MOST_FRAMES}")
    truncation = question.get("truncation", 1.0)
    if not isinstance(truncation, int | float) or not 0 < truncation <= 1:
        raise UsageError(f"the truncation '{truncation}' is not above 0 and at most 1; evaluate the checkpoint again")


def _is_within(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


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


def _draw(question: Question) -> FaceAnswer:
    images = _generator(question).sample(torch.tensor(question["labels"]), question["seed"])
    return FaceAnswer(to_bytes(images).numpy(), {})


def _path(question: Question) -> FaceAnswer:
    generator, labels = _generator(question), torch.tensor(question["labels"])
    if not isinstance(generator, Samplable):
        raise CheckpointError("this run draws a face in one pass, so there is no path to show")
    path = [*generator.path(generator.latents(len(labels), question["seed"]), labels)]
    places = sorted({round(place) for place in np.linspace(0, len(path) - 1, question["frames"])})
    # Noise is divided by its own spread: clipped to bytes as it is, it would be only black and white.
    states = torch.stack([to_bytes(path[at][0] / max(1.0, float(path[at][0].std()) * 2)) for at in places], 1)
    denoised = torch.stack([to_bytes(path[at][1]) for at in places], 1)
    return FaceAnswer(torch.stack([states, denoised]).flatten(0, 2).numpy(), {})


def _read(question: Question) -> FaceAnswer:
    judge, labels = load_judge(question["judge"]), torch.tensor(question["labels"])
    reading = drawn_and_read(_generator(question), judge, labels, question["seed"], question["truncation"])
    return FaceAnswer(
        reading.images.numpy(), {"probabilities": reading.logits.softmax(1).tolist(), "judge_sha256": judge.sha256}
    )


def _nearest(question: Question) -> FaceAnswer:
    real_faces, labels = _open_real_faces(*_where(question)), torch.tensor(question["labels"])
    neighbours = nearest_training_faces(
        drawn_and_read(_generator(question), real_faces.judge, labels, question["seed"]), real_faces
    )
    beside = torch.cat([neighbours.faces.unsqueeze(1), neighbours.neighbours], 1).reshape(-1, TILE, TILE)
    lists = {name: getattr(neighbours, name).tolist() for name in ("asked", "labels", "ratio", "nearer")}
    plain = {
        "judge": real_faces.judge.name,
        "judge_sha256": real_faces.judge.sha256,
        "neighbours": neighbours.labels.shape[1],
    }
    return FaceAnswer(beside.numpy(), lists | plain)


def _project(question: Question) -> FaceAnswer:
    where, labels = _where(question), torch.tensor(question["labels"])
    real_faces, codes = _open_real_faces(*where), sorted(set(question["labels"]))
    real = real_faces.held_out.take(torch.cat([_sample(real_faces.held_out, code) for code in codes]))
    plane = principal_plane(real.features.numpy())
    generated = drawn_and_read(_generator(question), real_faces.judge, labels, question["seed"])
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


def _real(question: Question) -> FaceAnswer:
    """Answer with one training face of each label, a label's faces all different and always the same."""
    dataset = reopen_dataset(question["dataset"])
    training = dataset.splits == SPLITS.index("train")
    faces = []
    for code in sorted(set(question["labels"])):
        of_emotion = np.random.default_rng(code).permutation(np.flatnonzero(training & (dataset.labels == code)))
        count = question["labels"].count(code)
        if len(of_emotion) < count:
            raise DataError(
                f"the data have {len(of_emotion)} {EMOTIONS[code]} faces to train on, and {count} were asked"
            )
        faces.append(dataset.images[of_emotion[:count]])
    return FaceAnswer(np.concatenate(faces), {})


_ANSWERS: dict[str, Callable[[Question], FaceAnswer]] = {
    "draw": _draw,
    "path": _path,
    "read": _read,
    "nearest": _nearest,
    "project": _project,
    "real": _real,
}


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer questions until none comes for ten minutes or the server ends; a failure is answered by a sentence."""
    while select.select([source], [], [], _IDLE_SECONDS)[0] and (line := source.readline()):
        try:
            question = json.loads(line)
            _check(question)
            faces, facts = _ANSWERS[question["kind"]](question)
        except FerganError as error:
            sink.write(json.dumps({"error": str(error)}).encode() + b"\n")
        except Exception as error:
            traceback.print_exc()
            reason = f"{type(error).__name__}: {error}".strip(": ").partition("\n")[0]
            sentence = f"the faces could not be drawn ({reason}); choose another checkpoint, or see the server's log"
            sink.write(json.dumps({"error": sentence}).encode() + b"\n")
        else:
            sink.write(json.dumps({"faces": len(faces), **facts}).encode() + b"\n" + faces.tobytes())
        sink.flush()


if __name__ == "__main__":
    # The answers' pipe is kept apart, so that whatever else is printed cannot get between them.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, answers)
