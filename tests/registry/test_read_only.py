"""Reading writes nothing, and needs no right to write."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fergan_core.errors import RegistryError
from fergan_core.registry import Reader, Registry, Score

Enter = Callable[..., str]
NOBODY = 65534


def ask_everything(url: str) -> int:
    """Make every query of a Reader; return how many runs there are."""
    reader = Reader(url)
    runs = reader.runs()
    ids = runs["id"].tolist()
    reader.points(ids, reader.metrics(ids)), reader.scores(ids), reader.findings(ids), reader.last_write()
    reader.runs(trashed=True)
    for run_id in ids:
        reader.run(reader.resolve(run_id)), reader.checkpoints(run_id), reader.sheets(run_id)
    return len(runs)


@pytest.fixture
def full(registry: Registry, enter: Enter) -> Path:
    """A registry's file with a run in it."""
    run_id = enter(registry, tags=["a"])
    registry.add_points(run_id, [("loss_g", step, 1.0) for step in range(100)])
    registry.add_evaluation(run_id, epoch=1, step=9, judge="j", judge_sha256="", protocol={}, scores=[Score("is", 1.0)])
    return registry.files.with_suffix(".db")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of this machine can enter, and pytest's own cannot promise that."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)
        os.chmod(name, 0o755)


def without_rights(folder: Path, question: Callable[[], object]) -> None:
    """Run a question in a child process that cannot write in the folder; fail where it fails."""
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:  # root may write anywhere
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            question()
        except BaseException as error:
            print(repr(error))
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_the_committed_kind_of_registry_stays_as_it_is_to_the_byte(full: Path, open_folder: Path) -> None:
    copy = open_folder / "runs.db"
    with sqlite3.connect(full) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    connection.close()
    content = copy.read_bytes()
    assert content[18:20] == b"\x01\x01"  # journal_mode=DELETE
    assert ask_everything(str(copy)) == 2
    assert copy.read_bytes() == content
    assert [file.name for file in open_folder.iterdir()] == ["runs.db"]


@pytest.mark.parametrize("wal", [True, False])
def test_a_folder_without_the_right_to_write_is_read(full: Path, open_folder: Path, wal: bool) -> None:
    copy = open_folder / "runs.db"
    copy.write_bytes(full.read_bytes())
    if not wal:
        with sqlite3.connect(copy) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        connection.close()
    assert copy.read_bytes()[18:20] == (b"\x02\x02" if wal else b"\x01\x01")
    assert not copy.with_name("runs.db-wal").exists()

    def question() -> None:
        assert ask_everything(str(copy)) == 2

    without_rights(open_folder, question)
    assert [file.name for file in open_folder.iterdir()] == ["runs.db"]


def test_writing_without_the_right_is_refused_in_one_sentence(full: Path, open_folder: Path) -> None:
    copy = open_folder / "runs.db"
    copy.write_bytes(full.read_bytes())

    def question() -> None:
        with pytest.raises(RegistryError, match=r"runs.db' cannot be (written|opened)"):
            Registry(str(copy))

    without_rights(open_folder, question)


def test_a_registrys_own_reader_sees_what_it_writes_and_cannot_write(registry: Registry, enter: Enter) -> None:
    run_id = enter(registry)
    assert run_id in set(registry.reader.runs()["id"])
    with pytest.raises(RegistryError, match="readonly"), registry.reader.connection() as connection:
        connection.exec_driver_sql("DELETE FROM runs")


def test_readers_see_a_living_writers_commits_at_once(full: Path) -> None:
    registry, reader = Registry(str(full)), Reader(str(full))
    with registry.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET name = 'half done'")
        assert "half done" not in set(reader.runs()["name"])  # and it does not wait for the writer either
    assert set(reader.runs()["name"]) == {"half done"}
