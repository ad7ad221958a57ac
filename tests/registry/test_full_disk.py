"""A disk that is full: one sentence, nothing recorded is lost, and writing goes on once there is room."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fergan_core.errors import CheckpointError, RegistryError
from fergan_core.registry import PointWriter, Registry
from fergan_core.registry.backup import backup
from fergan_core.registry.verify import verify
from fergan_core.training.checkpoint import write_atomically

Enter = Callable[..., str]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.name != "posix" or os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk of its own (tmpfs)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as handle:
        try:
            while handle.write(bytes(4096)):
                pass
        except OSError:
            return filler
    raise AssertionError("the disk has no end")


def test_a_full_disk_is_said_and_loses_nothing(small_disk: Path, tmp_path: Path, enter: Enter) -> None:
    registry = Registry(str(small_disk / "runs.db"))
    reader, run_id = registry.reader, enter(registry)
    registry.add_points(run_id, [("loss_d", step, 1.0) for step in range(1000)])
    sheet = registry.files / run_id / "sheets" / "step-00000001.webp"
    written = write_atomically(sheet, bytes(5000))
    about = {"epoch": 1, "step": 1, "images_seen": 1, "path": f"{run_id}/sheets/{sheet.name}"}
    registry.add_sheet(run_id, **about, sha256=written.sha256, bytes=5000, emotions=["happy"], columns=8)
    filler = fill(small_disk)

    with pytest.raises(CheckpointError, match=r"cannot be written \(No space left on device\); .*--resume"):
        write_atomically(sheet, bytes(9000))
    points = PointWriter(registry, run_id)
    points.put([("loss_g", step, 1.0) for step in range(50_000)])
    with pytest.raises(RegistryError, match=r"^--registry: [^\n]* cannot be written \([^\n]*$"):
        points.flush()
    points.close()
    with pytest.raises(RegistryError, match=r"^[^\n]* cannot be (written|read) \([^\n]*$"):
        backup(registry.url, small_disk / "b")
    assert reader.points([run_id], ["loss_d"], buckets=1)["count"].tolist() == [1000]
    assert reader.metrics([run_id]) == ["loss_d"]
    report = verify(reader)
    assert (report.intact, report.files, report.strays) == (True, 1, [])

    filler.unlink()
    registry.add_points(run_id, [("loss_g", step, 1.0) for step in range(5000)])
    assert reader.points([run_id], ["loss_g"], buckets=1)["count"].tolist() == [5000]
    assert backup(registry.url, tmp_path / "b").lost == []
