"""What the process that has torch answers about directions: faces moved along them, what changes, and learning some."""

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from dashboard.face_client import NO_FACES, FaceAnswer, Question, Tell
from fergan_core.errors import UsageError
from fergan_core.exploring.closed_form import closed_form
from fergan_core.exploring.directions import SPACES, Directions, Walker
from fergan_core.exploring.effects import effects
from fergan_core.exploring.learned import learn, load_learned, save_learned
from fergan_core.judges.judge import load_judge
from fergan_core.protocols import judges_for
from fergan_core.training.engine import to_bytes

Opened = Any
"""A methods.protocols.Generator that stays open in this process. Caches know it by its identity, which the protocol
does not promise."""


def along(generator: Opened, question: Question, tell: Tell) -> FaceAnswer:
    """Answer with faces of the question's seed, moved by its `shifts` along the first directions, and how many
    `directions` there are."""
    walker, directions = _walker(generator), _directions(generator, question)
    labels = torch.tensor(question["labels"])
    given = torch.tensor(question["shifts"], dtype=torch.float32)[: len(directions)]
    shifts = torch.zeros(len(labels), len(directions))
    shifts[:, : len(given)] = given
    latents = walker.latents(len(labels), question["seed"])
    with torch.inference_mode():
        faces = walker.faces(latents, labels, directions, shifts)
    return FaceAnswer(to_bytes(faces).numpy(), {"directions": len(directions)})


def moves(generator: Opened, question: Question, tell: Tell) -> FaceAnswer:
    """Answer which `input` of the network the first directions move, `count` of them, and by how much a unit along each
    does, `vectors`, lists [K,D]; None and none where they move no input."""
    directions = _first(generator, question)
    moved = _walker(generator).moved_input(directions)
    vectors = [] if moved is None else (directions.unit * directions.vectors).tolist()
    return FaceAnswer(NO_FACES, {"input": moved, "vectors": vectors})


def effects_along(generator: Opened, question: Question, tell: Tell) -> FaceAnswer:
    """Answer what changes along the first directions, `count` of them: `effects`, a dict each as `Effect` has it."""
    judge = load_judge(question.get("judge") or judges_for(question["dataset"]["name"])[0])
    found = effects(_walker(generator), _first(generator, question), judge, on_progress=tell)
    return FaceAnswer(NO_FACES, {"judge": judge.name, "effects": [asdict(effect) for effect in found]})


def learn_directions(generator: Opened, question: Question, tell: Tell) -> FaceAnswer:
    """Learn directions and write them to the question's `file`."""
    learned = learn(_walker(generator), on_progress=tell)
    save_learned(Path(question["file"]), learned)
    return FaceAnswer(NO_FACES, {})


ANSWERS = {"along": along, "moves": moves, "effects": effects_along, "learn": learn_directions}


@lru_cache(maxsize=2)
def _walker(generator: Opened) -> Walker:
    return Walker(generator)


def _first(generator: Opened, question: Question) -> Directions:
    """Return the first of the directions that the question names, `count` or as many as there are."""
    directions = _directions(generator, question)
    return Directions(directions.space, directions.vectors[: question["count"]], directions.unit)


def _directions(generator: Opened, question: Question) -> Directions:
    """Return the directions that the question names: learned ones by their `file`, or those of a `space`."""
    if file := question.get("file"):
        return _learned(generator, file, Path(file).stat().st_mtime if Path(file).exists() else 0.0)
    if question["space"] not in SPACES:
        raise UsageError(f"a generator has no space '{question['space']}'; choose one of {', '.join(SPACES)}")
    return _closed_form(generator, question["space"])


@lru_cache(maxsize=4)
def _closed_form(generator: Opened, space: Any) -> Directions:
    return closed_form(_walker(generator), space)


@lru_cache(maxsize=4)
def _learned(generator: Opened, file: str, _changed: float) -> Directions:
    """Read learned directions; `_changed` is the file's time, since they may be learned anew."""
    return load_learned(Path(file), _walker(generator)).directions
