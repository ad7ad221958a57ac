"""Commands as tests run them: in this process, which has its imports behind it, or in one of their own."""

import contextlib
import io
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

Words = str | int | float | Path
LIGHT_FACES = 200  # of 2,000: as many kinds of scores in a third of the time
FEW_LATENTS = 8  # of 64, whose Jacobians are computed

# Processes forked from one that has imported torch and what else trainings and drawings take, and has done nothing yet.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["torch._dynamo", "fergan_core.experiment", "trainers.cli", "trainers.training"])


@contextlib.contextmanager
def few_light_faces() -> Iterator[None]:
    """Let evaluations during trainings in this process score LIGHT_FACES faces, and all evaluations compute FEW_LATENTS
    Jacobians, where a test is not about the scores.

    A training of seconds is followed by a quarter of a minute of scoring otherwise.
    """
    from fergan_core import evaluation  # not above: tests of commands that need no torch are not to import it
    from fergan_core.evaluation import slow_scores

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "LIGHT_COUNT", LIGHT_FACES)
        patch.setattr(slow_scores, "LATENTS", FEW_LATENTS)
        yield


def run_module(module: str, *words: Words) -> subprocess.CompletedProcess[str]:
    """Do in this process what `python -m MODULE WORDS` does; return its exit code and what it printed.

    It saves the 3 to 6 seconds that a process of its own takes to import torch. What only such a process shows
    (signals, what is imported, a terminal) is for `typed`.
    """
    out, err = io.StringIO(), io.StringIO()
    arguments = [module, *map(str, words)]
    code = 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        patch.setattr(sys, "argv", arguments)
        # runpy warns that the module is imported already: other tests import it, and it keeps no state.
        warnings.filterwarnings("ignore", message=".*found in sys.modules after import", category=RuntimeWarning)
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def typed(module: str, *words: Words) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE WORDS` in a process of its own."""
    return subprocess.run(command(module, *words), capture_output=True, text=True, timeout=540, check=False)


def command(module: str, *words: Words) -> list[str]:
    """Return the command line `python -m MODULE WORDS` of this Python."""
    return [sys.executable, "-m", module, *map(str, words)]


class Started:
    """A command at work in a process of its own; what it prints is in a file, or on a terminal."""

    def __init__(self, module: str, *words: Words, out: Path, environment: Mapping[str, str] | None = None) -> None:
        """Do what `python -m MODULE WORDS` does, with `few_light_faces` and without the 6 to 10 seconds of imports."""
        self._out = out
        arguments = (module, *map(str, words))
        self._process = FORKS.Process(target=_run, args=(arguments, out, {**os.environ, **(environment or {})}))
        with pytest.MonkeyPatch.context() as patch:
            # The new process runs the file of `__main__` first, and AppTest leaves a page's there.
            patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
            self._process.start()

    def ended(self) -> bool:
        """Tell whether the command has ended."""
        return not self._process.is_alive()

    def send_signal(self, number: int) -> None:
        """Send the process a signal, as a person or the system would."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def finish(self, timeout: float = 240) -> int:
        """Wait for the command's end and return its exit code, below 0 for a signal's number; kill it when late."""
        self._process.join(timeout)
        if not self.ended():
            self._process.kill()
            raise TimeoutError(f"not ended within {timeout} seconds: {self.printed()}")
        assert self._process.exitcode is not None
        return self._process.exitcode

    def printed(self) -> str:
        """Return what the command has printed into its file."""
        return self._out.read_text() if self._out.exists() else ""


def _run(arguments: tuple[str, ...], out: Path, environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    # Tests that run in the background ignore Ctrl-C, and their child processes would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = list(arguments)
    with few_light_faces():
        runpy.run_module(arguments[0], run_name="__main__")
