"""Faces drawn in a process of their own: torch takes more memory than all the rest of the dashboard's server.

The server asks in lines of JSON on the child's stdin, the child (`dashboard.face_worker`) answers on its stdout: lines
of JSON that tell how far it is, then one with the answer, and behind it the faces' bytes. The line CANCEL ends the work
on a question whose answer nobody waits for any more.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from fergan_core.errors import CheckpointError, FerganError
from fergan_core.sheets import TILE

Faces = npt.NDArray[np.uint8]
Question = Mapping[str, Any]
CANCEL: Question = {"kind": "cancel"}
Tell = Callable[[float, int], None]
"""Takes how much of how much is done, faces or steps; it raises an error where nobody waits for the answer any more."""
NO_FACES: Faces = np.zeros((0, TILE, TILE), np.uint8)
"""The faces of an answer that has facts alone."""


class DrawingCancelled(CheckpointError):
    """The drawing was cancelled, as was asked."""


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
        self,
        kind: str,
        recipe: Mapping[str, Any],
        weights: Path,
        labels: Sequence[int],
        seed: int,
        drawing: "Drawing | None" = None,
        **others: Any,
    ) -> FaceAnswer:
        """Ask for one face per label (FER2013's codes) from a checkpoint, and for facts about them.

        `kind` is one of those that `dashboard.face_worker` answers, `others` its further parameters (JSON
        values); the function for each kind in `dashboard.face_data` says what the answer holds. `drawing` is told
        how far the answer is, and may cancel it: DrawingCancelled.
        """
        of_faces = {"recipe": dict(recipe), "weights": str(weights), "labels": list(labels), "seed": seed}
        while not self._turn.acquire(timeout=0.1):
            if drawing and drawing.cancelled:
                raise DrawingCancelled("the drawing was cancelled")
        try:
            for _ in range(2):  # that an idle child has ended shows only when it is asked
                try:
                    return self._ask({"kind": kind, **of_faces, **others}, drawing)
                except (BrokenPipeError, EOFError):
                    self._end()
        finally:
            self._turn.release()
        raise CheckpointError("the process that draws faces ended at once; is there memory left for PyTorch?")

    def start(self) -> None:
        """Start the child, which imports torch, unless it is there: the first question is then answered sooner."""
        with self._turn:
            self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            command = [sys.executable, "-m", "dashboard.face_worker"]
            # In a session of its own: the terminal's Ctrl-C is for the server, with which the child ends.
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        return self._child

    def _ask(self, question: Question, drawing: "Drawing | None" = None) -> FaceAnswer:
        child = self._started()
        sink, source = child.stdin, child.stdout
        assert sink is not None
        assert source is not None
        cancelling = False
        sink.write(json.dumps(question).encode() + b"\n")
        sink.flush()
        while True:
            line = source.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            answer = json.loads(line)
            if "done" not in answer:
                break
            if drawing:
                drawing.tell(answer["done"], answer["of"])
                if drawing.cancelled and not cancelling:
                    cancelling = True
                    sink.write(json.dumps(CANCEL).encode() + b"\n")
                    sink.flush()
        if "cancelled" in answer:
            raise DrawingCancelled("the drawing was cancelled")
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


class Drawing:
    """Faces that are being drawn in a thread of their own: how far they are, and, when they are done, they themselves
    and the facts about them. Each person who waits for them does so by a `Waiting`."""

    def __init__(self, ask: Callable[["Drawing"], FaceAnswer]) -> None:
        self.done, self.of, self.cancelled = 0.0, 0, False
        self.faces: Faces | None = None
        self.facts: dict[str, Any] = {}
        self.error: str | None = None
        self._began: float | None = None
        self._first = 0.0  # faces that were drawn when it began to tell
        self._waiting: WeakSet[Waiting] = WeakSet()
        self._joining = threading.Lock()
        self._thread = threading.Thread(target=self._draw, args=(ask,), daemon=True)
        self._thread.start()

    def _draw(self, ask: Callable[["Drawing"], FaceAnswer]) -> None:
        try:
            self.faces, self.facts = ask(self)
        except FerganError as error:
            self.error = str(error)
        except Exception as error:
            self.error = f"the faces could not be drawn ({type(error).__name__}: {error})"
            raise

    def tell(self, done: float, of: int) -> None:
        """Take how many faces of how many are drawn."""
        if self._began is None:
            self._began, self._first = time.monotonic(), done
        self.done, self.of = done, of

    def seconds_left(self) -> float | None:
        """Return about how long the drawing will take; None where that cannot be told yet."""
        if self._began is None or self._first >= self.done:
            return None
        spent = time.monotonic() - self._began
        return spent * (self.of - self.done) / (self.done - self._first)

    def ended(self, within: float = 0.0) -> bool:
        """Tell whether the drawing has ended, or ends within these seconds."""
        if within:
            self._thread.join(within)
        return not self._thread.is_alive()

    def failed(self) -> bool:
        """Tell whether it has ended, or will soon, without faces: the same can then be asked for anew."""
        return self.faces is None and (self.cancelled or self.ended())

    def join(self, waiting: "Waiting") -> None:
        """Take one more who waits."""
        with self._joining:
            self._waiting.add(waiting)

    def leave(self, waiting: "Waiting") -> None:
        """Take that one waits no more: the drawing ends soon if nobody else does."""
        with self._joining:
            self._waiting.discard(waiting)
            if not any(one.is_there() for one in self._waiting) and not self.ended():
                self.cancelled = True


class Waiting:
    """One person's wait for a drawing, for which others may wait as well; `is_there` tells whether the person has the
    page open still."""

    def __init__(self, drawing: Drawing, is_there: Callable[[], bool] = lambda: True) -> None:
        self.drawing, self.is_there, self.cancelled = drawing, is_there, False
        drawing.join(self)

    def cancel(self) -> None:
        """Wait no more; the drawing ends soon if nobody else waits for it."""
        self.cancelled = True
        self.drawing.leave(self)

    def ended(self, within: float = 0.0) -> bool:
        """Tell whether the wait was cancelled, or the drawing has ended or ends within these seconds."""
        return self.cancelled or self.drawing.ended(within)

    @property
    def faces(self) -> Faces | None:
        """The faces, where they are drawn and the wait was not cancelled."""
        return None if self.cancelled else self.drawing.faces
