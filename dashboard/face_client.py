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
from fergan_core.sheet import TILE

Faces = npt.NDArray[np.uint8]


class FaceAnswer(NamedTuple):
    """Faces uint8 [n,48,48], and facts about them as JSON values."""

    faces: Faces
    facts: dict[str, Any]


class FaceClient:
    """Draws faces from checkpoints through a child process, started at the first question and again if it has died.

    A question that cannot be answered raises CheckpointError, with a sentence.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def ask(
        self, kind: str, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int, **others: Any
    ) -> FaceAnswer:
        """Ask for one face per label (FER2013's codes) from a checkpoint, and for facts about them.

        `kind` is one of those that `dashboard.face_worker` answers, `others` its further parameters (JSON
        values); the function for each kind in `dashboard.data` says what the answer holds.
        """
        of_faces = {"recipe": dict(recipe), "weights": str(weights), "labels": list(labels), "seed": seed}
        with self._turn:
            for _ in range(2):  # that an idle child has ended shows only when it is asked
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
        size = answer.pop("faces") * TILE * TILE
        faces = source.read(size)
        if len(faces) < size:
            raise EOFError
        return FaceAnswer(np.frombuffer(faces, np.uint8).reshape(-1, TILE, TILE), answer)

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None
