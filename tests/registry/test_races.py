"""Several processes at once, and one that is killed: nothing is lost, nothing is broken."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fergan_core.errors import RegistryError
from fergan_core.registry import Reader, Registry
from fergan_core.registry import connect as connect_module
from fergan_core.registry.connect import WriteLock, wal_reset_bug

Enter = Callable[..., str]

START = """
import sys
from fergan_core.registry import Registry
print("ready", flush=True)
sys.stdin.readline()
registry = Registry(sys.argv[1])
print(registry.create_run(name=None, method="gan", preset="quick", recipe={}, seed=0, provenance={}, epochs=1, steps=1,
      dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": 1}), flush=True)
"""
WRITE = """
import sys
from fergan_core.registry import Registry
print("ready", flush=True)
sys.stdin.readline()
registry, run_id, number = Registry(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for batch in range(40):
    registry.add_points(run_id, [(f"m{number}", batch * 10 + i, float(number)) for i in range(10)])
    registry.tag(run_id, f"{number}-{batch}")
"""
WRITE_UNTIL_KILLED = """
import sys
from fergan_core.registry import PointWriter, Registry
from fergan_core.registry import writer
writer.WRITE_SECONDS = 0.01
points = PointWriter(Registry(sys.argv[1]), sys.argv[2])
step = 0
while True:
    points.put([("a", step, 1.0), ("b", step, 1.0)])
    step += 1
    if step % 100 == 0:
        points.flush()
        print(step, flush=True)
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def together(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Let processes go on at once when all are ready; return what each printed then; fail where one failed."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), [error for _, error in results]
    return [out.strip() for out, _ in results]


def is_intact(path: Path) -> bool:
    """Tell whether SQLite finds nothing wrong with a file."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.thorough
def test_processes_that_start_at_once_make_one_registry(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    ids = together([start(START, str(path)) for _ in range(4)])
    runs = Reader(str(path)).runs()
    assert sorted(runs["id"]) == sorted([*ids, "report22"])
    assert is_intact(path)


@pytest.mark.slow
@pytest.mark.thorough
def test_processes_that_write_at_once_lose_nothing(registry: Registry, reader: Reader, enter: Enter) -> None:
    one, two = enter(registry), enter(registry)
    together([start(WRITE, registry.url, run_id, str(n)) for n, run_id in enumerate((one, one, two))])
    points = reader.points([one, two], ["m0", "m1", "m2"], buckets=1)
    assert points.set_index("metric")["count"].to_dict() == {"m0": 400, "m1": 400, "m2": 400}
    assert sorted(reader.run(one)["tags"]) == sorted(f"{n}-{batch}" for n in (0, 1) for batch in range(40))
    assert is_intact(registry.files.with_suffix(".db"))


@pytest.mark.slow
def test_a_killed_writer_leaves_a_registry_that_can_be_read_and_written(
    registry: Registry, reader: Reader, enter: Enter
) -> None:
    run_id = enter(registry)
    process = start(WRITE_UNTIL_KILLED, registry.url, run_id)
    assert process.stdout is not None
    flushed = [int(process.stdout.readline()) for _ in range(3)][-1]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    points = reader.points([run_id], ["a", "b"], buckets=1).set_index("metric")
    assert points.loc["a", "count"] == points.loc["b", "count"] >= flushed  # whole transactions only
    assert points.loc["a", "step"] == points.loc["a", "count"] - 1
    Registry(registry.url).forget_after(run_id, 10)
    assert reader.points([run_id], ["a"], buckets=1)["count"].tolist() == [11]
    assert is_intact(registry.files.with_suffix(".db"))


def test_the_versions_of_sqlite_that_need_the_lock() -> None:
    for version in ((3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 0), (3, 51, 2)):
        assert wal_reset_bug(version), version
    for version in ((3, 6, 23), (3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 52, 0)):
        assert not wal_reset_bug(version), version


@pytest.mark.slow
@pytest.mark.thorough
def test_without_the_lock_writers_wait_for_each_other_too(
    registry: Registry, reader: Reader, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect_module, "wal_reset_bug", lambda: False)
    run_id = enter(registry)
    process = start(WRITE, registry.url, run_id, "5")
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    process.stdin.write("\n")
    process.stdin.flush()
    while process.poll() is None:
        registry.add_points(run_id, [("mine", int(time.time() * 1000), 1.0)])
    assert process.returncode == 0, process.communicate()[1]
    process.communicate()
    assert reader.points([run_id], ["m5"], buckets=1)["count"].tolist() == [400]


def test_a_lock_that_is_never_given_back_is_told(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, enter: Enter
) -> None:
    real = connect_module.FileLock
    monkeypatch.setattr(connect_module, "FileLock", lambda path, timeout: real(path, timeout=0.2))
    with (
        WriteLock(registry.url).held(opening=True),
        pytest.raises(RegistryError, match=r"runs.db' is held by another process"),
    ):
        Registry(registry.url)
    enter(Registry(registry.url))
