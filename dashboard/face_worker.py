"""The process that has torch: it answers the dashboard's questions with faces, and is the only part that loads torch.

It ends with the server, and when nobody has asked for a while. While it draws it tells how far it is, and stops when it
is told to.
"""

import json
import os
import select
import time
import traceback
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
import torch

from dashboard import face_drawing
from dashboard.face_client import CANCEL, NO_FACES, FaceAnswer, Question, Tell
from fergan_core.emotions import EMOTIONS
from fergan_core.errors import CheckpointError, FerganError, UsageError
from fergan_core.methods import load_generator
from fergan_core.methods.protocols import Generator, Samplable
from fergan_core.training.engine import to_bytes

_IDLE_SECONDS = 600
_TELL_SECONDS = 0.2  # between two words on how far a drawing is
_MOST_SEED = 2**63 - 1
_MOST_FRAMES = 1000


class _Cancelled(Exception):
    """Nobody waits for the faces any more."""


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


def _draw(question: Question, tell: Tell) -> FaceAnswer:
    draw = {"draw": face_drawing.draw, "mixed": face_drawing.mixed}[question["kind"]]
    return draw(_generator(question), question, tell)


def _path(question: Question, tell: Tell) -> FaceAnswer:
    generator, labels = _generator(question), torch.tensor(question["labels"])
    if not isinstance(generator, Samplable):
        raise CheckpointError("this run draws a face in one pass, so there is no path to show")
    path = [*generator.path(generator.latents(len(labels), question["seed"]), labels)]
    places = sorted({round(place) for place in np.linspace(0, len(path) - 1, question["frames"])})
    # Noise is divided by its own spread: clipped to bytes as it is, it would be only black and white.
    states = torch.stack([to_bytes(path[at][0] / max(1.0, float(path[at][0].std()) * 2)) for at in places], 1)
    denoised = torch.stack([to_bytes(path[at][1]) for at in places], 1)
    return FaceAnswer(torch.stack([states, denoised]).flatten(0, 2).numpy(), {})


def _open(question: Question, tell: Tell) -> FaceAnswer:
    """Open the generator alone: what is asked next is answered sooner."""
    _generator(question)
    return FaceAnswer(NO_FACES, {})


def _network(question: Question, tell: Tell) -> FaceAnswer:
    """Write the generator's network as a file for a browser to draw with, unless it is there."""
    from fergan_core.methods.one_pass import browser_network  # only here, as below

    network = browser_network(_generator(question), question["sha256"], Path(question["folder"]))
    facts = {"emotions": network.emotions, "shape": network.shape, "normal": network.normal}
    return FaceAnswer(NO_FACES, facts)


def _about(question: Question, tell: Tell) -> FaceAnswer:
    """Answer what takes judges and data."""
    from dashboard import face_questions  # only here: the first faces shall not wait for what scores them

    answers = {"read": face_questions.read, "nearest": face_questions.nearest, "project": face_questions.project}
    return answers[question["kind"]](_generator(question), question)


def _directions(question: Question, tell: Tell) -> FaceAnswer:
    """Answer what is asked about directions, which needs a judge or a learning as well."""
    from dashboard import explore_questions  # only here, as above

    return explore_questions.ANSWERS[question["kind"]](_generator(question), question, tell)


def _of_one_face(question: Question, tell: Tell) -> FaceAnswer:
    from dashboard import transfer_questions  # only here, as above

    return transfer_questions.ANSWERS[question["kind"]](_generator(question), question, tell)


def _judge(question: Question, tell: Tell) -> FaceAnswer:
    from dashboard import face_questions  # only here, as above

    return face_questions.judge_dataset(question)


_ANSWERS: dict[str, Callable[[Question, Tell], FaceAnswer]] = {
    "open": _open,
    "draw": _draw,
    "mixed": _draw,
    "path": _path,
    "network": _network,
    "read": _about,
    "nearest": _about,
    "project": _about,
    "judge": _judge,
    "seen": _of_one_face,
    "nearest_to_one": _of_one_face,
    "transfer": _of_one_face,
    "along": _directions,
    "moves": _directions,
    "effects": _directions,
    "learn": _directions,
}


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer questions until none comes for ten minutes or the server ends; a failure is answered by a sentence."""

    told = 0.0

    def put(line: object, faces: bytes = b"") -> None:
        sink.write(json.dumps(line).encode() + b"\n" + faces)
        sink.flush()

    def tell(done: float, of: int) -> None:
        nonlocal told
        if select.select([source], [], [], 0)[0]:  # while a question is answered nothing comes but its end
            source.readline()
            raise _Cancelled
        if time.monotonic() - told > _TELL_SECONDS:
            put({"done": done, "of": of})
            told = time.monotonic()

    while select.select([source], [], [], _IDLE_SECONDS)[0] and (line := source.readline()):
        told = 0.0
        if (question := _question(line)) == CANCEL:
            continue  # it came too late: the answer was on its way
        try:
            _check(question)
            faces, facts = _ANSWERS[question["kind"]](question, tell)
        except _Cancelled:
            put({"cancelled": True})
        except FerganError as error:
            put({"error": str(error)})
        except Exception as error:
            traceback.print_exc()
            reason = f"{type(error).__name__}: {error}".strip(": ").partition("\n")[0]
            sentence = f"the faces could not be drawn ({reason}); choose another checkpoint, or see the server's log"
            put({"error": sentence})
        else:
            put({"faces": len(faces), **facts}, faces.tobytes())


def _question(line: bytes) -> Question:
    question: Question = json.loads(line)
    return question


if __name__ == "__main__":
    # The answers' pipe is kept apart, so that whatever else is printed cannot get between them.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Unbuffered: what waits in a buffer would not be seen by select.
    with open(0, "rb", buffering=0, closefd=False) as questions:
        _serve(questions, answers)
