"""The real FER2013, written in its published layouts by the program that keeps it (`exporter()`)."""

import contextlib
import importlib.util
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.support.machine import exporter

Row = Mapping[str, str]


def write_layout(layout: str, path: Path, limit: int | None = None, every: int = 1) -> None:
    """Write the first `limit` of every `every`-th real face in a layout.

    In this process, which reads the faces once: to start one for each layout and decode them there takes 3 seconds.
    """
    program, (images, rows) = _program(), _faces()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr(program, "load", lambda _limit: (images[::every][:limit], rows[::every][:limit]))
        patch.setattr(program, "csv_text", _csv_text)
        patch.setattr(sys, "argv", [str(exporter()), layout, str(path)])
        program.main()


@cache
def _program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fer2013_exporter", exporter())
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


@cache
def _faces() -> tuple[np.ndarray, list[Row]]:
    """Return all faces uint8 [N,48,48], and what is told of each."""
    images, rows = _program().load()
    return images, rows


def _csv_text(images: np.ndarray, rows: Sequence[Row], header: str, line: Callable[[Row, str], str]) -> str:
    """Return what the exporter's function of this name does, in a fifth of the time."""
    numbers = [str(value) for value in range(256)]
    pixels = (" ".join(map(numbers.__getitem__, image.tobytes())) for image in images)
    return "\n".join([header, *map(line, rows, pixels)]) + "\n"
