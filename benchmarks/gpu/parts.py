"""The parts of the bench, each in a process of its own that is ended at its limit."""

import contextlib
import importlib
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from benchmarks.gpu.job import Job, failed

_GRACE = 5.0  # seconds from a limit's signal, at which a training saves, to the end by force
_POLL = 0.05


@dataclass(frozen=True)
class Part:
    """A part of the bench: its function of a job, and its limit as a share of the whole time (0: all that is left)."""

    name: str
    function: str
    share: float


PREPARE = Part("data", "benchmarks.gpu.prepare.run", 0.25)
# The parts of one line run beside each other: they time nothing.
PARTS = (
    (
        Part("checks", "benchmarks.gpu.checks.run", 0.2),
        Part("compile-gan", "benchmarks.gpu.checks.compile_gan", 0.2),
        Part("compile-denoiser", "benchmarks.gpu.checks.compile_denoiser", 0.2),
    ),
    (Part("speed", "benchmarks.gpu.speed.run", 0.25),),
    (Part("evaluation", "benchmarks.gpu.scoring.evaluation", 0.1),),
    (Part("beside", "benchmarks.gpu.scoring.beside", 0.17),),
    (Part("train", "benchmarks.gpu.training.run", 0),),
)


def log_of(part: Part, job: Job) -> Path:
    """Return the file with what a part prints."""
    return job.folder / f"{part.name}.log"


def work(function: str, job: Job, log: Path, called: float) -> None:
    """Do a part in this process, which becomes the first of a group of its own; what it prints goes to the log.

    `called` is when, in seconds since 1970, the job's seconds began: the imports are among them.
    """
    os.setsid()
    printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    module, _, name = function.rpartition(".")
    part = getattr(importlib.import_module(module), name)
    part(replace(job, seconds=job.seconds - (time.time() - called)))


def do(jobs: Sequence[tuple[Part, Job]], context: BaseContext) -> list[dict[str, Any]]:
    """Do parts beside each other; return the rows that they report, and a row for each that fails or is late."""
    processes: dict[Part, BaseProcess] = {}
    rows: dict[Part, list[dict[str, Any]]] = {}
    started = time.monotonic()
    try:
        for part, job in jobs:
            processes[part] = context.Process(  # type: ignore[attr-defined]
                target=work, args=(part.function, job, log_of(part, job), time.time())
            )
            processes[part].start()
        waiting = dict(jobs)
        while waiting:
            time.sleep(_POLL)
            for part, job in list(waiting.items()):
                process, late = processes[part], time.monotonic() - started > job.seconds
                if process.is_alive() and not late:
                    continue
                del waiting[part]
                end(process)
                rows[part] = _reported(part, job, None if late else process.exitcode)
    finally:
        for process in processes.values():
            end(process)
    return [row for part, _ in jobs for row in rows[part]]


def _reported(part: Part, job: Job, exit_code: int | None) -> list[dict[str, Any]]:
    """Return what a part has reported, and a row that says so if it failed or was ended at its limit (None)."""
    lines = job.rows.read_text().splitlines() if job.rows.exists() else []
    rows = [json.loads(line) for line in lines]
    if exit_code is None:
        rows.append(failed(part.name, f"not done within {job.seconds:.0f} s"))
    elif exit_code:
        log = log_of(part, job)
        printed = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        rows.append(failed(part.name, printed[-1] if printed else f"exit code {exit_code}"))
    return [{"part": part.name, **row} for row in rows]


def end(process: BaseProcess) -> None:
    """End a part's process, with those that it has started: by a signal, and after a moment by force."""
    for number, seconds in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, None)):
        if process.is_alive():
            _signal(process, number)
            process.join(seconds)
    _signal(process, signal.SIGKILL)  # what it has left running


def _signal(process: BaseProcess, number: signal.Signals) -> None:
    assert process.pid is not None
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        # It has not yet become the first of its group, or nothing of this is left.
        with contextlib.suppress(ProcessLookupError):
            if process.is_alive():
                os.kill(process.pid, number)
