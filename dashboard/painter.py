"""Faces drawn in a process of their own: torch takes more memory than all the rest of the dashboard's server.

The server asks in lines of JSON on the child's stdin, the child answers on its stdout: a line of JSON, and behind it
the faces' bytes. It ends with the server, and when nobody has asked for a while.
"""

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fergan_core.errors import CheckpointError, FerganError

_IDLE_SECONDS = 600
_SIDE = 48

Faces = npt.NDArray[np.uint8]


class Painting(NamedTuple):
    """Faces uint8 [n,48,48], and what else is known of them: plain values of JSON."""

    faces: Faces
    known: dict[str, Any]


class Painter:
    """Draws faces from checkpoints through a child process, which it starts when asked and once more if it has died.

    Every question raises CheckpointError where it cannot be answered.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def draw(self, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int) -> Faces:
        """Draw one face a label (FER2013's codes), uint8 [n,48,48]."""
        return self._answer("draw", recipe, weights, labels, seed).faces

    def read(
        self, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int, truncation: float, judge: str
    ) -> Painting:
        """Draw one face a label and let a judge read them: `known` has `chances`, lists [n,7], and `judge_sha256`."""
        return self._answer("read", recipe, weights, labels, seed, truncation=truncation, judge=judge)

    def nearest(
        self,
        recipe: Mapping[str, Any],
        weights: Path,
        labels: Sequence[int],
        seed: int,
        dataset: Mapping[str, Any],
        judge: str | None,
    ) -> Painting:
        """Draw one face a label and lay its nearest training faces beside it, the most suspicious first.

        `dataset` is the registry's of the run; the judge None is that of the data. `faces` has each face and behind it
        its neighbours; `known` has their number `neighbours`, the lists `asked` [n], `labels` [n,neighbours],
        `ratio` [n] and `nearer` [n] as in fergan_core.evaluation.audit, and `judge`, `judge_sha256`.
        """
        return self._answer("nearest", recipe, weights, labels, seed, dataset=dict(dataset), judge=judge)

    def _answer(
        self, kind: str, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int, **others: Any
    ) -> Painting:
        of_faces = {"recipe": dict(recipe), "weights": str(weights), "labels": list(labels), "seed": seed}
        with self._turn:
            for _ in range(2):  # a child that went for want of work is found out by asking it
                try:
                    return self._ask({"kind": kind, **of_faces, **others})
                except (BrokenPipeError, EOFError):
                    self._end()
        raise CheckpointError("the process that draws faces ended at once; is there memory left for PyTorch?")

    def _ask(self, question: dict[str, Any]) -> Painting:
        if self._child is None:
            command = [sys.executable, "-m", "dashboard.painter"]
            # In a session of its own: the terminal's Ctrl-C is for the server, with which the child ends.
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        sink, source = self._child.stdin, self._child.stdout
        assert sink is not None
        assert source is not None
        sink.write(json.dumps(question).encode() + b"\n")
        sink.flush()
        head = source.readline()
        if not head:
            raise EOFError
        answer = json.loads(head)
        if "error" in answer:
            raise CheckpointError(answer["error"])
        faces = source.read(answer.pop("faces") * _SIDE * _SIDE)
        return Painting(np.frombuffer(faces, np.uint8).reshape(-1, _SIDE, _SIDE), answer)

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


@lru_cache(maxsize=2)
def _open_generator(recipe: str, weights: str, _changed: float) -> Any:
    """Open a checkpoint; `_changed` is its time of writing, since a resumed run writes its checkpoints anew."""
    from fergan_core.methods import load_generator

    return load_generator(json.loads(recipe), Path(weights))


def _generator(question: Mapping[str, Any]) -> Any:
    weights = Path(question["weights"])
    changed = weights.stat().st_mtime if weights.exists() else 0.0
    return _open_generator(json.dumps(question["recipe"]), str(weights), changed)


@lru_cache(maxsize=1)
def _ground(recipe: str, dataset: str, judge: str) -> Any:
    """Open a run's data in a judge's reading; the first time it takes a while, and the memory of a data set."""
    from fergan_core.evaluation.audit import ground_of
    from fergan_core.judges.judge import load_judge

    return ground_of(json.loads(recipe), json.loads(dataset), load_judge(judge))


def _draw(question: Mapping[str, Any]) -> Painting:
    import torch

    from fergan_core.training.engine import to_bytes

    made = _generator(question).sample(torch.tensor(question["labels"]), question["seed"])
    return Painting(to_bytes(made).numpy(), {})


def _read(question: Mapping[str, Any]) -> Painting:
    import torch

    from fergan_core.evaluation.audit import drawn_and_read
    from fergan_core.judges.judge import load_judge

    judge, labels = load_judge(question["judge"]), torch.tensor(question["labels"])
    found = drawn_and_read(_generator(question), judge, labels, question["seed"], question["truncation"])
    return Painting(found.images.numpy(), {"chances": found.logits.softmax(1).tolist(), "judge_sha256": judge.sha256})


def _nearest(question: Mapping[str, Any]) -> Painting:
    import torch

    from fergan_core.evaluation.audit import audit, drawn_and_read
    from fergan_core.judges.judge import judges_for

    judge = question["judge"] or judges_for(question["dataset"]["name"])[0]
    ground = _ground(json.dumps(question["recipe"]), json.dumps(question["dataset"]), judge)
    labels = torch.tensor(question["labels"])
    found = audit(drawn_and_read(_generator(question), ground.judge, labels, question["seed"]), ground)
    beside = torch.cat([found.faces.unsqueeze(1), found.neighbours], 1).reshape(-1, _SIDE, _SIDE)
    lists = {name: getattr(found, name).tolist() for name in ("asked", "labels", "ratio", "nearer")}
    plain = {"judge": ground.judge.name, "judge_sha256": ground.judge.sha256, "neighbours": found.labels.shape[1]}
    return Painting(beside.numpy(), lists | plain)


_ANSWERS: dict[str, Callable[[Mapping[str, Any]], Painting]] = {"draw": _draw, "read": _read, "nearest": _nearest}


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer questions until there is none for ten minutes, or the server has gone."""
    while select.select([source], [], [], _IDLE_SECONDS)[0] and (line := source.readline()):
        question = json.loads(line)
        try:
            faces, known = _ANSWERS[question["kind"]](question)
        except FerganError as error:
            sink.write(json.dumps({"error": str(error)}).encode() + b"\n")
        else:
            sink.write(json.dumps({"faces": len(faces), **known}).encode() + b"\n" + faces.tobytes())
        sink.flush()


if __name__ == "__main__":
    # The answers' pipe is kept apart, so that whatever else is printed cannot get between them.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, answers)
