"""What is handed on: a report of the showcase's best run beside its limits of size, a run's tables, and what a training
script pays for its five calls."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import row
from fergan_core import recording
from fergan_core.registry import Reader
from tests.support.commands import run_module
from tests.support.machine import ROOT

REPORT_MB, GENERATOR_MB = 3.0, 25.0
_BEST = "robust, 40 core minutes, seed 0"
_CALLS = 2_000


def run() -> list[dict[str, Any]]:
    """Measure reports, exports and recording; return the table's rows."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_reports(Path(folder)), *_recorded(Path(folder))]


def _reports(folder: Path) -> list[dict[str, Any]]:
    registry = ROOT / "runs.db"
    if not registry.exists():
        return []
    rows = []
    for name, limit, flags in (
        ("report of a run", REPORT_MB, []),
        ("report of a run with its generator", GENERATOR_MB, ["--generators"]),
    ):
        out = folder / f"{len(flags)}.html"
        seconds = _timed(["report", _BEST, "--out", out, *flags, "--registry", registry])
        size = out.stat().st_size / 1e6
        note = f"written in {seconds:.1f} s, the command's start included; reference: the limit"
        rows.append(row(name, size, "MB", note, reference=limit, ratio=limit / size))
    out = folder / "tables"
    seconds = _timed(["runs", "export", _BEST, "--parquet", out, "--registry", registry])
    return [*rows, row("all tables of a run as Parquet", seconds, "s", "the command's start included")]


def _timed(words: list[str | Path]) -> float:
    started = time.perf_counter()
    done = run_module("trainers.cli", *words)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return time.perf_counter() - started


def _recorded(folder: Path) -> list[dict[str, Any]]:
    faces = np.random.default_rng(0).integers(0, 256, (64, 48, 48), dtype=np.uint8)
    started = recording.start("bench", registry=str(folder / "runs.db"))
    log = _each(_CALLS, lambda step: started.log({"loss_g": 1.0, "loss_d": 1.0, "gap": 0.5}, step=step))
    sheet = _each(20, lambda step: started.sheet(faces, ["happy"] * len(faces), step=_CALLS + step))
    started.finish()
    points = len(Reader(str(folder / "runs.db")).points([started.id], ["loss_g"]))
    assert points, "nothing was recorded"
    return [
        row("a call of `log` with three scalars", 1e6 * log, "µs", f"mean of {_CALLS:,}"),
        row("a call of `sheet` with 64 faces", 1e3 * sheet, "ms", "mean of 20"),
    ]


def _each(times: int, call: Callable[[int], object]) -> float:
    """Return the mean seconds of a call, which is given 1, 2, ..."""
    started = time.perf_counter()
    for step in range(1, times + 1):
        call(step)
    return (time.perf_counter() - started) / times
