"""Commands as tests run them: in this process, which has its imports behind it, or typed into one of their own."""

import contextlib
import io
import runpy
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

Words = str | int | float | Path
LIGHT_FACES = 200  # of 2,000: as many kinds of scores in a third of the time

_IN_A_PROCESS = f"""
import runpy, sys
from fergan_core import evaluation
evaluation.LIGHT_COUNT = {LIGHT_FACES}
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__")
"""


@contextlib.contextmanager
def few_light_faces() -> Iterator[None]:
    """Let evaluations during trainings in this process score LIGHT_FACES faces, where a test is not about the scores.

    A training of seconds is followed by a quarter of a minute of scoring otherwise.
    """
    from fergan_core import evaluation  # not above: tests of commands that need no torch are not to import it

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "LIGHT_COUNT", LIGHT_FACES)
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


def command_with_few_light_faces(module: str, *words: Words) -> list[str]:
    """Return a command line that does what `python -m MODULE WORDS` does, with `few_light_faces`."""
    return [sys.executable, "-c", _IN_A_PROCESS, module, *map(str, words)]
