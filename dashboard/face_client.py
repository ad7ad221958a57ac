"""Faces drawn in a process of their own: torch takes more memory than all the rest of the dashboard's server.

The server asks in lines of JSON on the child's stdin, the child (`dashboard.face_worker`) answers on its stdout: a line
of JSON, and behind it the faces' bytes.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fergan_core.errors import CheckpointError

SIDE = 48

Faces = npt.NDArray[np.uint8]


class FaceAnswer(NamedTuple):
    """Faces uint8 [n,48,48], and what else is known of them: plain values of JSON."""

    faces: Faces
    known: dict[str, Any]


class FaceClient:
    """Draws faces from checkpoints through a child process, which it starts when asked and once more if it has died.

    Every question raises CheckpointError where it cannot be answered.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def draw(self, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int) -> Faces:
        """Draw one face a label (FER2013's codes), uint8 [n,48,48]."""
        return self._answer("draw", recipe, weights, labels, seed).faces

    def path(
        self, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int, frames: int
    ) -> FaceAnswer:
        """Draw one face a label step by step: `faces` has the states at `frames` steps or fewer, evenly chosen, of each
        face, the last one its face, and behind them the faces that the network saw in these states."""
        return self._answer("path", recipe, weights, labels, seed, frames=frames)

    def read(
        self, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int, truncation: float, judge: str
    ) -> FaceAnswer:
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
    ) -> FaceAnswer:
        """Draw one face a label and lay its nearest training faces beside it, the most suspicious first.

        `dataset` is the registry's of the run; the judge None is that of the data. `faces` has each face and behind it
        its neighbours; `known` has their number `neighbours`, the lists `asked` [n], `labels` [n,neighbours],
        `ratio` [n] and `nearer` [n] as in fergan_core.evaluation.memorization, and `judge`, `judge_sha256`.
        """
        return self._answer("nearest", recipe, weights, labels, seed, dataset=dict(dataset), judge=judge)

    def project(
        self,
        recipe: Mapping[str, Any],
        weights: Path,
        labels: Sequence[int],
        seed: int,
        dataset: Mapping[str, Any],
    ) -> FaceAnswer:
        """Draw one face a label and lay them among real faces, in the judge's features; find those that repeat others.

        `dataset` is the registry's of the run. `known` has `real`, faces that the run did not learn from, 300 an
        emotion or fewer, and `drawn`, each with lists `at` [n,2] in the plane in which the real faces vary most,
        `labels` [n] and `reads` [n], what the `judge` reads; `shares` [2] of the real faces' variance along the axes;
        `twins`, a dict an emotion: `label`, `faces`, and their `pairs` and `share` of duplicates as in
        fergan_core.metrics.birthday, `real_faces` and `real_share` (of real faces, no more than were drawn; None where
        there are not two). `faces` has the two of each of the 12 nearest pairs or fewer, `nearest` their `labels` and
        `distances`, 0 to 1 in units of the distance below which two faces are duplicates.
        """
        return self._answer("project", recipe, weights, labels, seed, dataset=dict(dataset))

    def _answer(
        self, kind: str, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int, **others: Any
    ) -> FaceAnswer:
        of_faces = {"recipe": dict(recipe), "weights": str(weights), "labels": list(labels), "seed": seed}
        with self._turn:
            for _ in range(2):  # a child that went for want of work is found out by asking it
                try:
                    return self._ask({"kind": kind, **of_faces, **others})
                except (BrokenPipeError, EOFError):
                    self._end()
        raise CheckpointError("the process that draws faces ended at once; is there memory left for PyTorch?")

    def _ask(self, question: dict[str, Any]) -> FaceAnswer:
        if self._child is None:
            command = [sys.executable, "-m", "dashboard.face_worker"]
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
        if not head.endswith(b"\n"):
            raise EOFError
        answer = json.loads(head)
        if "error" in answer:
            raise CheckpointError(answer["error"])
        size = answer.pop("faces") * SIDE * SIDE
        faces = source.read(size)
        if len(faces) < size:
            raise EOFError
        return FaceAnswer(np.frombuffer(faces, np.uint8).reshape(-1, SIDE, SIDE), answer)

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None
