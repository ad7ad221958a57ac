"""Several processes on one registry: first starts at once, writers at once, a writer killed in the middle."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fergan_core.registry import PointWriter, Reader, Registry, connect, migrate
from fergan_core.registry.connect import wal_reset_bug

# argv: registry, moment to begin at, whether to do without the write lock (as on a SQLite that needs none).
_FIRST_START = """
import sys, time
from fergan_core.registry import Registry, connect
if sys.argv[3] == "unlocked":
    connect.wal_reset_bug = lambda: False
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
registry = Registry(sys.argv[1])
print(registry.create_run(
    name="n", method="gan", preset="quick", recipe={}, seed=0, provenance={}, epochs=1, steps=1,
    dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": 1},
))
"""

# argv: registry, run, metric, transactions, points a transaction; says 'written N' after each transaction.
_WRITE = """
import sys
from fergan_core.registry import Registry
registry, run, metric, rounds, points = Registry(sys.argv[1]), *sys.argv[2:4], *map(int, sys.argv[4:6])
for r in range(rounds):
    registry.add_points(run, [(metric, r * points + i, float(i)) for i in range(points)])
    print("written", r, flush=True)
"""


def new_run(registry: Registry) -> str:
    return registry.create_run(
        name=None,
        method="gan",
        preset="quick",
        recipe={"preset": "quick"},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "", "images": 1},
        seed=0,
        provenance={"device": "cpu"},
        epochs=1,
        steps=1,
    )


def started(script: str, *words: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(processes: "list[subprocess.Popen[str]]") -> list[str]:
    outputs = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        outputs.append(out)
    return outputs


@pytest.mark.parametrize("locking", ["locked", "unlocked"])
def test_parallel_first_starts_make_one_registry(tmp_path: Path, locking: str) -> None:
    registry = tmp_path / "runs.db"
    begin = time.time() + 4
    ids = [out.strip() for out in ended([started(_FIRST_START, registry, begin, locking) for _ in range(6)])]
    runs = Reader(str(registry)).runs()
    assert set(runs["id"]) == {*ids, "report22"}
    assert len(runs) == 7
    with sqlite3.connect(registry) as connection:
        assert connection.execute("SELECT version_num FROM fergan_version").fetchall() == [(migrate.newest(),)]
        assert connection.execute("SELECT count(*) FROM changes").fetchone() == (1,)


def test_two_processes_and_a_reader_at_once_lose_nothing(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    runs = [new_run(registry), new_run(registry)]
    writers = [started(_WRITE, registry.url, run, metric, 40, 250) for run in runs for metric in ("a", "b")]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        points = Reader(registry.url).points(runs, ["a", "b"], buckets=10)
        assert points["count"].sum() >= seen
        seen = points["count"].sum()
    ended(writers)
    points = Reader(registry.url).points(runs, ["a", "b"], buckets=1)
    assert points["count"].tolist() == [10_000] * 4
    assert (points["low"].eq(0) & points["high"].eq(249)).all()


def test_a_killed_writer_leaves_all_that_it_committed(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run = new_run(registry)
    writer = started(_WRITE, registry.url, run, "a", 10_000, 500)
    assert writer.stdout is not None
    told = [writer.stdout.readline() for _ in range(20)]
    writer.send_signal(signal.SIGKILL)
    told += writer.communicate()[0].splitlines()
    whole = [line for line in told if line.startswith("written")]
    # The database's log is still there: nobody closed it.
    counts = Reader(registry.url).points([run], ["a"], buckets=1)["count"]
    assert counts.iloc[0] % 500 == 0
    assert counts.iloc[0] in (500 * len(whole), 500 * (len(whole) + 1))
    # The lock died with its holder, and the next writer takes over at once.
    begin = time.monotonic()
    registry.add_points(run, [("a", 10**9, 1.0)])
    assert time.monotonic() - begin < 5
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_run_without_a_heartbeat_has_crashed_and_runs_again_if_it_lives(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run = new_run(registry)
    reader = Reader(registry.url)
    assert reader.run(run)["status"] == "running"
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        connection.execute("UPDATE runs SET heartbeat = heartbeat - 26 WHERE id = ?", (run,))
    assert reader.run(run)["status"] == "crashed"
    assert reader.runs().set_index("id").loc[run, "status"] == "crashed"
    registry.heartbeat(run)
    assert reader.run(run)["status"] == "running"


def test_points_handed_over_are_written_in_the_background_and_the_rest_on_closing(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run = new_run(registry)
    reader = Reader(registry.url)
    with PointWriter(registry, run) as writer:
        begin = time.monotonic()
        for step in range(2000):
            writer.put([("a", step, 0.0), ("b", step, 1.0)])
        assert time.monotonic() - begin < 1
        deadline = time.monotonic() + 20
        while reader.points([run], ["a"])["count"].sum() < 2000 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert reader.points([run], ["a"], buckets=1)["count"].tolist() == [2000]
        writer.put([("a", 2000, 0.0)])
        writer.flush()
        assert reader.points([run], ["a"], buckets=1)["count"].tolist() == [2001]
        writer.put([("a", 2001, 0.0)])
    assert reader.points([run], ["a"], buckets=1)["count"].tolist() == [2002]


def test_an_error_of_the_writing_thread_is_heard(tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "runs.db"))
    run = new_run(registry)
    writer = PointWriter(registry, run)
    registry.trash(run)
    registry.purge(run)
    writer.put([("a", 1, 0.0)])
    with pytest.raises(Exception, match=f"no run '{run}'"):
        writer.flush()
    writer.close()


def test_the_lock_is_kept_for_the_versions_that_need_it() -> None:
    affected = [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2)]
    sound = [(3, 6, 23), (3, 44, 6), (3, 44, 9), (3, 50, 7), (3, 51, 3), (3, 52, 0)]
    assert [wal_reset_bug(version) for version in affected] == [True] * len(affected)
    assert [wal_reset_bug(version) for version in sound] == [False] * len(sound)


def test_another_process_holding_the_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "wal_reset_bug", lambda: True)
    registry = Registry(str(tmp_path / "runs.db"))
    hold = "import sys,time; from filelock import FileLock\nwith FileLock(sys.argv[1]): print('held',flush=True); time.sleep(2)"
    holder = started(hold, tmp_path / "runs.db.lock")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    begin = time.monotonic()
    run = new_run(registry)
    assert time.monotonic() - begin > 1
    assert json.loads(json.dumps(Reader(registry.url).run(run)["tags"])) == []
    ended([holder])
