"""Damage and strays are told apart, and both are mended without touching what a living process may need."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from fergan_core.errors import RegistryError
from fergan_core.registry import Reader, Registry
from fergan_core.registry.repair import repair
from fergan_core.registry.verify import being_written, verify
from tests.support.commands import Started, few_light_faces, run_module

Enter = Callable[..., str]
LONG_AGO = time.time() - 3600


def put(path: Path, content: bytes = b"x", *, age: float = 3600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age,) * 2)
    return path


def checkpoint(registry: Registry, run_id: str, step: int) -> dict[str, Path]:
    """Record a checkpoint and a sheet of a step; return their files."""
    folder = registry.files / run_id
    files = {
        "path": folder / "checkpoints" / f"step-{step:08d}.safetensors",
        "state_path": folder / "checkpoints" / f"step-{step:08d}.state.safetensors",
        "sheet": folder / "sheets" / f"step-{step:08d}.webp",
    }
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({"w": np.full(9, step, np.float32)}, file)
    about = {"epoch": step // 10, "step": step, "images_seen": step}

    def entry(file: Path, prefix: str = "") -> dict[str, object]:
        return {
            f"{prefix}path": file.relative_to(registry.files).as_posix(),
            f"{prefix}sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            f"{prefix}bytes": file.stat().st_size,
        }

    registry.add_checkpoint(run_id, **about, **entry(files["path"]), **entry(files["state_path"], "state_"))
    registry.add_sheet(run_id, **about, **entry(files["sheet"]), emotions=["happy"], columns=8)
    return files


@pytest.fixture
def run_id(registry: Registry, enter: Enter) -> str:
    """A run that has ended, with two checkpoints and sheets."""
    run_id = enter(registry)
    for step in (10, 20):
        checkpoint(registry, run_id, step)
    registry.set_status(run_id, "interrupted")
    return run_id


def dead_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_what_a_killed_writer_leaves_is_stray_and_is_removed(registry: Registry, reader: Reader, run_id: str) -> None:
    folder, dead = registry.files / run_id, dead_process()
    gone = [
        put(folder / "checkpoints" / f".step-00000030.safetensors.{dead}.tmp"),
        put(folder / "checkpoints" / "step-00000030.state.safetensors"),
        put(folder / "checkpoints" / "step-00000030.safetensors"),
        put(folder / "sheets" / "step-00000030.webp"),
        put(registry.files / f".import-{dead}-abc" / "x" / "sheets" / "a.webp").parents[2],
        put(registry.files.with_name(f".runs.db.{dead}.tmp")),
        put(folder / "activity.json"),
    ]
    os.utime(gone[4], (LONG_AGO, LONG_AGO))
    for inner in gone[4].rglob("*"):
        os.utime(inner, (LONG_AGO, LONG_AGO))
    remaining = [
        put(folder / "notes.txt"),
        put(registry.files / "somebody" / "sheets" / "step-00000001.webp"),
        put(folder / "sheets" / f".step-00000031.webp.{os.getpid()}.tmp"),  # its process lives
        put(folder / "sheets" / f".step-00000032.webp.{dead}.tmp", age=1),  # written a moment ago
    ]
    report = verify(reader)
    assert report.intact
    assert {stray.kind for stray in report.strays} == {"temporary", "unrecorded", "unknown"}
    assert {stray.file for stray in report.strays} == {*gone, *remaining[:2]}
    lines = repair(registry, report)
    assert sorted(line.partition(":")[0] for line in lines) == ["left"] * 2 + ["removed"] * 7
    assert not any(file.exists() for file in gone)
    assert all(file.exists() for file in remaining)
    assert [stray.kind for stray in verify(reader).strays] == ["unknown", "unknown"]
    assert reader.checkpoints(run_id)["step"].tolist() == [10, 20]


def test_a_living_runs_files_are_let_be(registry: Registry, reader: Reader, run_id: str) -> None:
    newest = put(registry.files / run_id / "sheets" / "step-00000099.webp")
    registry.set_status(run_id, "running")
    assert verify(reader).strays == []
    registry.set_status(run_id, "interrupted")
    report = verify(reader)
    assert [stray.file for stray in report.strays] == [newest]
    registry.set_status(run_id, "running")  # it is resumed between the look and the repair
    assert repair(registry, report) == []
    registry.set_status(run_id, "interrupted")
    about = {"epoch": 9, "step": 99, "images_seen": 9, "path": f"{run_id}/sheets/{newest.name}"}
    registry.add_sheet(run_id, **about, sha256="a" * 64, bytes=1, emotions=["happy"], columns=8)
    assert repair(registry, report) == []  # or it has recorded the file
    assert newest.exists()


def test_records_of_lost_files_are_dropped_so_that_the_run_can_go_on(
    registry: Registry, reader: Reader, run_id: str
) -> None:
    files = [checkpoint(registry, run_id, step) for step in (10, 20, 30)]
    files[0]["state_path"].unlink()
    content = bytearray(files[1]["path"].read_bytes())
    content[-1] ^= 1
    files[1]["path"].write_bytes(content)
    files[2]["sheet"].unlink()
    report = verify(reader)
    assert {(damage.kind, reader.file(damage.path)) for damage in report.damage} == {
        ("missing", files[0]["state_path"]),
        ("changed", files[1]["path"]),
        ("missing", files[2]["sheet"]),
    }
    assert not report.intact
    lines = repair(registry, report)
    assert len(lines) == 3
    assert all(line.startswith("lost: ") for line in lines)
    saved = reader.checkpoints(run_id)
    assert saved["step"].tolist() == [10, 30]
    assert saved["state_path"].isna().tolist() == [True, False]
    assert reader.sheets(run_id)["step"].tolist() == [10, 20]
    assert files[1]["path"].with_name(files[1]["path"].name + ".damaged").read_bytes() == content
    assert not files[1]["state_path"].exists()
    after = verify(reader)
    assert after.intact
    assert [stray.kind for stray in after.strays] == ["unknown"]


def test_a_folder_that_is_not_there_at_all_costs_no_record(registry: Registry, reader: Reader, run_id: str) -> None:
    registry.files.rename(registry.files.with_name("elsewhere"))
    report = verify(reader)
    assert len(report.damage) == report.files == 6
    with pytest.raises(RegistryError, match="not one of 6 recorded files"):
        repair(registry, report)
    assert reader.checkpoints(run_id)["step"].tolist() == [10, 20]


def test_a_database_that_sqlite_finds_wrong_is_damage(registry: Registry, reader: Reader, run_id: str) -> None:
    with registry.write() as connection:
        connection.exec_driver_sql("UPDATE findings SET step = 'x'")
        connection.exec_driver_sql("UPDATE runs SET seed = 'seven' WHERE id = ?", (run_id,))
    (fault,) = verify(reader).database
    assert fault.startswith("runs: --registry: ")
    assert "'seed' holds str" in fault


def test_a_temporary_file_of_an_older_fergan_is_judged_by_its_age(tmp_path: Path) -> None:
    assert not being_written(put(tmp_path / ".import-abcd"))
    assert being_written(put(tmp_path / ".import-efgh", age=0))


@pytest.mark.slow
@pytest.mark.thorough
def test_a_training_that_is_killed_is_cleaned_and_resumed(tmp_path: Path, small_data: Path) -> None:
    """Killed as soon as the weights of its first epoch are on disk, which is before or after their record."""
    path = tmp_path / "runs.db"
    flags = ["--images", "256", "--epochs", "2", "--width", "4", "--eval-every", "0", "--checkpoint-every", "1"]
    words = ("--registry", path, "--data", small_data, *flags)
    training = Started("trainers.dcgan", *words, out=tmp_path / "printed.txt")
    while not training.ended() and not list(tmp_path.rglob("checkpoints/*.state.safetensors")):
        time.sleep(0.001)
    training.send_signal(signal.SIGKILL)
    training.finish()
    reader, registry = Reader(str(path)), Registry(str(path))
    run_id = next(row for row in reader.runs()["id"] if row != "report22")
    assert verify(reader).strays == []  # its heartbeat is fresh: it may live
    with registry.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET heartbeat = heartbeat - 60")
    for file in registry.files.rglob("*.*"):
        os.utime(file, (LONG_AGO, LONG_AGO))
    report = verify(reader)
    assert report.intact
    repair(registry, report)
    assert verify(reader).strays == []
    with few_light_faces():
        resumed = run_module("trainers.dcgan", "--registry", path, "--resume", run_id)
    assert resumed.returncode == 0, resumed.stderr
    report = verify(reader)
    assert report.intact
    assert report.strays == []
    assert len(reader.checkpoints(run_id)) == 2
