"""The committed showcase, copied where a test may open it: a person's own runs go into the file that lies here."""

import subprocess
from pathlib import Path

import pytest

from fergan_core.registry import Reader
from tests.support.machine import ROOT


def copied_showcase(folder: Path) -> Reader:
    """Return a reader of the registry as it is committed, in a folder, with the files lying here; skips without git."""
    done = subprocess.run(["git", "show", "HEAD:runs.db"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no git clone with a committed showcase in it")
    (folder / "runs.db").write_bytes(done.stdout)
    (folder / "runs.files").symlink_to(ROOT / "runs.files")
    return Reader(str(folder / "runs.db"))
