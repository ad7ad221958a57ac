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
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from fergan_core.errors import CheckpointError, FerganError

_IDLE_SECONDS = 600
_SIDE = 48


class Painter:
    """Draws faces from checkpoints through a child process, which it starts when asked and once more if it has died."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def draw(self, recipe: Mapping[str, Any], weights: Path, labels: Sequence[int], seed: int) -> npt.NDArray[np.uint8]:
        """Draw one face a label (FER2013's codes), uint8 [n,48,48]; CheckpointError where it cannot be done."""
        question = {"recipe": dict(recipe), "weights": str(weights), "labels": list(labels), "seed": seed}
        with self._turn:
            for _ in range(2):  # a child that went for want of work is found out by asking it
                try:
                    return self._ask(question)
                except (BrokenPipeError, EOFError):
                    self._end()
        raise CheckpointError("the process that draws faces ended at once; is there memory left for PyTorch?")

    def _ask(self, question: dict[str, Any]) -> npt.NDArray[np.uint8]:
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
        faces = source.read(answer["faces"] * _SIDE * _SIDE)
        return np.frombuffer(faces, np.uint8).reshape(-1, _SIDE, _SIDE)

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


@lru_cache(maxsize=2)
def _generator(recipe: str, weights: str, _changed: float) -> Any:
    """Open a checkpoint; `_changed` is its time of writing, since a resumed run writes its checkpoints anew."""
    from fergan_core.methods import load_generator

    return load_generator(json.loads(recipe), Path(weights))


def _paint(question: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
    import torch

    from fergan_core.training.engine import to_bytes

    weights = Path(question["weights"])
    changed = weights.stat().st_mtime if weights.exists() else 0.0
    generator = _generator(json.dumps(question["recipe"]), str(weights), changed)
    faces: npt.NDArray[np.uint8] = to_bytes(
        generator.sample(torch.tensor(question["labels"]), question["seed"])
    ).numpy()
    return faces


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer questions until there is none for ten minutes, or the server has gone."""
    while select.select([source], [], [], _IDLE_SECONDS)[0] and (line := source.readline()):
        try:
            faces = _paint(json.loads(line))
        except FerganError as error:
            sink.write(json.dumps({"error": str(error)}).encode() + b"\n")
        else:
            sink.write(json.dumps({"faces": len(faces)}).encode() + b"\n" + faces.tobytes())
        sink.flush()


if __name__ == "__main__":
    # The answers' pipe is kept apart, so that whatever else is printed cannot get between them.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, answers)
