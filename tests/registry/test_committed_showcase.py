"""The showcase as it is committed: every file that its registry names is committed with it, unchanged."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from fergan_core.registry import Reader

ROOT = Path(__file__).parents[2]


def git(*words: str) -> bytes:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no git clone with a committed showcase in it")
    return done.stdout


@pytest.mark.slow
def test_every_file_of_the_committed_showcase_is_committed(tmp_path: Path) -> None:
    # What is committed and not what lies here: a person's own runs go into the same file.
    database = tmp_path / "runs.db"
    database.write_bytes(git("show", "HEAD:runs.db"))
    reader = Reader(str(database))
    named: dict[str, str] = {}
    for run_id in reader.runs()["id"]:
        for table in (reader.checkpoints(run_id), reader.sheets(run_id)):
            named |= dict(zip(table["path"], table["sha256"], strict=True))
    committed = set(git("ls-tree", "-r", "--name-only", "HEAD", "runs.files").decode().split("\n"))
    missing = sorted(path for path in named if f"runs.files/{path}" not in committed)
    assert not missing, f"git add --force runs.files: {len(missing)} files are not committed, {missing[0]} first"
    for path, digest in named.items():
        assert hashlib.sha256(git("show", f"HEAD:runs.files/{path}")).hexdigest() == digest, path


def test_it_is_small_and_has_generators_to_draw_with(tmp_path: Path) -> None:
    listed = git("ls-tree", "-r", "-l", "HEAD", "runs.db", "runs.files").decode().splitlines()
    assert sum(int(line.split()[3]) for line in listed) <= 40_000_000
    (tmp_path / "runs.db").write_bytes(git("show", "HEAD:runs.db"))
    reader = Reader(str(tmp_path / "runs.db"))
    runs = reader.runs()
    drawing = runs[[len(reader.checkpoints(run_id)) > 0 for run_id in runs["id"]]]
    assert {"gan", "flow", "meanflow", "diffusion"} <= set(drawing["method"])
    assert {"fer2013", "synthfer"} <= set(drawing["data"])
