"""Whole-or-nothing writes: what a reader sees, what an error and a killed process leave, and who removes it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fergan_core.files import (
    age,
    atomic_write,
    clear_stale,
    is_temporary,
    sync,
    working_folder,
    write_atomically,
    writer_lives,
)

LONG_AGO = time.time() - 100_000


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"old")
    with atomic_write(path) as temporary:
        assert temporary.parent == path.parent
        assert is_temporary(temporary.name)
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    write_atomically(tmp_path / "a.db", b"old")

    def fail() -> None:
        with atomic_write(tmp_path / "a.db") as temporary:
            temporary.write_bytes(b"half")
            temporary.with_name(f"{temporary.name}-wal").write_bytes(b"a log of SQLite's")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == ["a.db"]
    assert (tmp_path / "a.db").read_bytes() == b"old"


def test_a_place_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "a", b"")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(OSError, match="irectory"):
        write_atomically(tmp_path / "full", b"")
    assert names(tmp_path) == ["full"]


def test_nothing_written_is_an_error_and_not_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a"):
        pass
    assert names(tmp_path) == []


def test_a_folder_and_a_database_are_written_whole_too(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "faces") as temporary:
        (temporary / "happy").mkdir(parents=True)
        (temporary / "happy" / "0.png").write_bytes(b"x")
    assert (tmp_path / "faces" / "happy" / "0.png").read_bytes() == b"x"
    with atomic_write(tmp_path / "a.db") as temporary:
        connection = sqlite3.connect(temporary)
        connection.execute("CREATE TABLE a (b)")
        connection.close()
    assert sqlite3.connect(tmp_path / "a.db").execute("SELECT count(*) FROM a").fetchone() == (0,)
    assert names(tmp_path) == ["a.db", "faces"]


def test_a_working_folder_goes_away_with_what_was_not_taken_out_of_it(tmp_path: Path) -> None:
    with working_folder(tmp_path / "runs.db") as folder:
        assert folder.parent == tmp_path
        assert is_temporary(folder.name)
        (folder / "new.db").touch()
    assert names(tmp_path) == []


def test_the_next_write_removes_what_dead_processes_left_of_the_same_and_nothing_else(
    tmp_path: Path, dead: int
) -> None:
    living = os.getppid()
    stale = [f".out.{dead}.tmp", f".out.{dead}.tmp-wal"]
    others = [f".out.{living}.tmp", f".out.{living}.new", f".other.{dead}.tmp", f"out.{dead}.tmp", f".out.b.{dead}.tmp"]
    for name in (*stale, *others):
        (tmp_path / name).touch()
    (tmp_path / f".out.{dead}.new" / "half").mkdir(parents=True)
    write_atomically(tmp_path / "out", b"")
    assert names(tmp_path) == sorted([*others, "out"])


def test_a_process_of_that_number_a_day_later_is_another_one(tmp_path: Path) -> None:
    left = tmp_path / f".out.{os.getppid()}.tmp"
    left.touch()
    assert writer_lives(left)
    os.utime(left, (LONG_AGO, LONG_AGO))
    assert age(left) > 90_000
    assert not writer_lives(left)
    clear_stale(tmp_path / "out")
    assert names(tmp_path) == []


def test_what_an_earlier_process_of_our_own_number_left_is_not_in_the_way(tmp_path: Path) -> None:
    """In a container every process may have the number 1."""
    (tmp_path / f".out.{os.getpid()}.new" / "old").mkdir(parents=True)
    with working_folder(tmp_path / "out") as folder:
        assert names(folder) == []
    (tmp_path / f".out.{os.getpid()}.tmp").mkdir()
    write_atomically(tmp_path / "out", b"x")
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("name", "temporary"),
    [
        (".step-00000010.webp.1234.tmp", True),
        (".runs.db.1234.tmp-journal", True),
        (".runs.db.1234.new", True),
        (".import-1234-abc", True),
        (".import-abc", True),
        (".showcase-abc", True),
        ("step-00000010.webp", False),
        ("a.1234.tmp", False),
        (".a.tmp", False),
        (".1234.tmp", False),
    ],
)
def test_temporary_names_are_known(name: str, temporary: bool) -> None:
    assert is_temporary(name) is temporary


def test_a_killed_write_leaves_the_old_file_and_the_next_one_clears_up(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"old")
    code = (
        "import sys, time, pathlib; from fergan_core.files import atomic_write\n"
        "with atomic_write(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half'); print('half', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert names(tmp_path) == [f".a.{process.pid}.tmp", "a"]
    assert (tmp_path / "a").read_bytes() == b"old"
    write_atomically(tmp_path / "a", b"new")
    assert names(tmp_path) == ["a"]


def test_a_file_and_a_folder_can_be_synced(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    sync(tmp_path / "a")
    sync(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "b")
