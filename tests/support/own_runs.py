"""Runs as scripts of people's own record them: the example's, in this process."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.machine import ROOT

EXAMPLE = ROOT / "examples" / "own_training_loop.py"


def run_example(folder: Path, steps: int) -> str:
    """Run the example for a few steps on a few happy faces; return the path of the registry that it wrote."""
    from fergan_core.data.synthfer import synthfer

    faces = synthfer(counts={"train": {"happy": 48}})
    np.savez(folder / "few.npz", images=faces.images, labels=faces.labels, usage=np.full(len(faces.labels), "train"))
    flags = ["--steps", steps, "--sheet_every", 2, "--width", 2, "--batch_size", 16, "--data", folder / "few.npz"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FERGAN_REGISTRY", str(folder / "runs.db"))
        patch.setattr(sys, "argv", [str(EXAMPLE), *map(str, flags)])
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    return str(folder / "runs.db")
