"""A backup is consistent while trainings write, never harms an earlier one, and comes back with every hash checked."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fergan_core.errors import RegistryError
from fergan_core.registry import PointWriter, Reader, Registry
from fergan_core.registry import backup as backup_module
from fergan_core.registry.backup import backup, restore
from fergan_core.registry.verify import verify
from trainers.cli import main

Enter = Callable[..., str]


def add_sheet(registry: Registry, run_id: str, step: int, content: bytes) -> Path:
    """Record a file of this content."""
    file = registry.files / run_id / "sheets" / f"step-{step:08d}.webp"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    about = {"epoch": 1, "step": step, "images_seen": step, "path": f"{run_id}/sheets/{file.name}"}
    registry.add_sheet(run_id, **about, sha256=digest, bytes=len(content), emotions=["happy"], columns=8)
    return file


@pytest.fixture
def run_id(registry: Registry, enter: Enter) -> str:
    """An ended run with three sheets, two of them alike, and points."""
    run_id = enter(registry, name="kept")
    for step, content in ((1, b"one"), (2, b"two"), (3, b"two")):
        add_sheet(registry, run_id, step, content)
    registry.add_points(run_id, [("loss_d", step, 1.0) for step in range(100)])
    registry.set_status(run_id, "finished")
    return run_id


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_what_is_backed_up_comes_back(registry: Registry, run_id: str, tmp_path: Path) -> None:
    backed_up = backup(registry.url, tmp_path / "b")
    assert (backed_up.files, backed_up.copied, backed_up.lost) == (3, 2, [])
    (tmp_path / "new").mkdir()
    restored = restore(tmp_path / "b", str(tmp_path / "new" / "x.db"))
    assert (restored.files, restored.lost, restored.aside) == (3, [], None)
    old, new = Reader(registry.url), Reader(str(tmp_path / "new" / "x.db"))
    assert new.run(run_id) == old.run(run_id)
    assert new.points([run_id], ["loss_d"]).equals(old.points([run_id], ["loss_d"]))
    report = verify(new)
    assert (report.intact, report.files, report.strays) == (True, 3, [])
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["x.db", "x.db.lock", "x.files"]
    Registry(new.url).tag(run_id, "goes on")


@pytest.mark.slow
def test_a_second_backup_adds_what_is_new_and_leaves_the_first(registry: Registry, run_id: str, tmp_path: Path) -> None:
    first = backup(registry.url, tmp_path / "b")
    before = contents(tmp_path / "b")
    add_sheet(registry, run_id, 1, b"drawn again")
    add_sheet(registry, run_id, 4, b"four")
    second = backup(registry.url, tmp_path / "b")
    assert (second.files, second.copied) == (4, 2)
    after = contents(tmp_path / "b")
    assert {name: after[name] for name in before} == before
    restore(first.database, str(tmp_path / "first.db"))
    assert (tmp_path / "first.files" / run_id / "sheets" / "step-00000001.webp").read_bytes() == b"one"
    first.database.unlink()  # by hand: with the next backup its own files go too
    backup(registry.url, tmp_path / "b")
    assert b"one" not in contents(tmp_path / "b").values()
    assert backup(registry.url, tmp_path / "b").copied == 0


def test_a_backup_that_fails_leaves_the_first(registry: Registry, run_id: str, tmp_path: Path) -> None:
    backup(registry.url, tmp_path / "b")
    before = contents(tmp_path / "b")
    path = registry.files.with_suffix(".db")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(RegistryError, match="verify --repair"):
        backup(registry.url, tmp_path / "b")
    assert contents(tmp_path / "b") == before


def test_lost_files_are_named_and_all_else_is_kept(registry: Registry, run_id: str, tmp_path: Path) -> None:
    (registry.files / run_id / "sheets" / "step-00000001.webp").unlink()
    backed_up = backup(registry.url, tmp_path / "b")
    assert backed_up.lost == [f"{run_id}/sheets/step-00000001.webp"]
    assert backed_up.copied == 1
    back = restore(tmp_path / "b", str(tmp_path / "new.db"))
    assert back.lost == backed_up.lost
    assert [damage.kind for damage in verify(Reader(str(tmp_path / "new.db"))).damage] == ["missing"]


def test_a_rotten_file_is_made_whole_by_the_next_backup_and_never_restored(
    registry: Registry, run_id: str, tmp_path: Path
) -> None:
    backup(registry.url, tmp_path / "b")
    place = next(
        file for file in (tmp_path / "b" / "files").rglob("*") if file.is_file() and file.read_bytes() == b"one"
    )
    place.write_bytes(b"0ne")
    back = restore(tmp_path / "b", str(tmp_path / "new.db"))
    assert back.lost == [f"{run_id}/sheets/step-00000001.webp"]
    assert not (tmp_path / "new.files" / back.lost[0]).exists()
    assert backup(registry.url, tmp_path / "b").copied == 1
    assert place.read_bytes() == b"one"


@pytest.mark.slow
def test_a_backup_amid_a_training_is_consistent(registry: Registry, enter: Enter, tmp_path: Path) -> None:
    """A run draws, records and, resumed again and again, deletes; every backup holds just what its own rows name."""
    run_id = enter(registry)
    end = threading.Event()

    def train() -> None:
        step = 0
        with PointWriter(registry, run_id) as points:
            while not end.is_set():
                step += 1
                points.put([("loss_d", step, 1.0)])
                add_sheet(registry, run_id, step % 40, f"{step}".encode())
                if step % 40 == 39:
                    registry.forget_after(run_id, 20)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        backups = [backup(registry.url, tmp_path / "b") for _ in range(4)]
    finally:
        end.set()
        thread.join()
    for number, result in enumerate(backups):
        restored = restore(result.database, str(tmp_path / f"{number}.db"))
        assert restored.lost == result.lost
        report = verify(Reader(str(tmp_path / f"{number}.db")))
        assert len(report.damage) == len(result.lost)
    assert sum(len(result.lost) for result in backups) <= 4  # files that were replaced just while they were copied


def test_restoring_moves_what_is_there_aside(registry: Registry, run_id: str, enter: Enter, tmp_path: Path) -> None:
    backup(registry.url, tmp_path / "b")
    later = enter(registry, name="later")
    add_sheet(registry, later, 1, b"later")
    with pytest.raises(RegistryError, match=f"run {later} is being trained"):
        restore(tmp_path / "b", registry.url)
    registry.set_status(later, "finished")
    back = restore(tmp_path / "b", registry.url)
    assert back.aside is not None
    assert set(Reader(registry.url).runs()["id"]) == {run_id, "report22"}
    assert verify(Reader(registry.url)).intact
    assert later in set(Reader(str(back.aside)).runs()["id"])
    assert verify(Reader(str(back.aside))).intact


@pytest.mark.slow
def test_restoring_over_a_damaged_registry_works_and_over_another_programs_does_not(
    registry: Registry, run_id: str, tmp_path: Path
) -> None:
    backup(registry.url, tmp_path / "b")
    path = registry.files.with_suffix(".db")
    for content in (b"", b"<html>", path.read_bytes()[:9000]):
        path.write_bytes(content)
        back = restore(tmp_path / "b", registry.url)
        assert back.aside is not None
        assert back.aside.read_bytes() == content
        assert run_id in set(Reader(registry.url).runs()["id"])
    theirs = tmp_path / "theirs.db"
    with sqlite3.connect(theirs) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    before = theirs.read_bytes()
    with pytest.raises(RegistryError, match="another program's database"):
        restore(tmp_path / "b", str(theirs))
    assert theirs.read_bytes() == before


def test_folders_that_are_no_backups_are_refused(registry: Registry, run_id: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    for target, message in ((tmp_path / "full", "something else"), (registry.files / "b", "own files")):
        with pytest.raises(RegistryError, match=message):
            backup(registry.url, target)
    with pytest.raises(RegistryError, match="is not a backup"):
        restore(tmp_path / "full", str(tmp_path / "new.db"))
    with pytest.raises(RegistryError, match="no registry"):
        backup(str(tmp_path / "none.db"), tmp_path / "b")
    assert sorted(file.name for file in (tmp_path / "full").iterdir()) == ["thesis.tex"]
    with backup_module._claimed(tmp_path / "b"), pytest.raises(RegistryError, match="another backup"):
        backup(registry.url, tmp_path / "b")


def test_the_commands(registry: Registry, run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, restored = str(tmp_path / "b"), str(tmp_path / "new.db")
    assert main(["backup", target, "--registry", registry.url]) == 0
    assert "3 files (2 new)" in capsys.readouterr().out
    assert main(["restore", target, "--registry", restored, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 3
    (registry.files / run_id / "sheets" / "step-00000001.webp").write_bytes(b"xxx")
    add_sheet(registry, run_id, 5, b"five")
    (registry.files / run_id / "sheets" / "step-00000005.webp").unlink()
    assert main(["backup", target, "--registry", registry.url]) == 1
    assert "not in the backup" in capsys.readouterr().out
