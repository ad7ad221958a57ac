"""`fergan runs` and its neighbours as a person types them: exit codes, JSON, and what goes to stderr."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

import fergan_core
from fergan_core.registry import Registry, Score
from fergan_core.registry.schema import RunRow
from tests.support import commands
from tests.support.commands import run_module
from trainers.console import when


def fergan(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in this process."""
    return run_module("trainers.cli", *words)


def typed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return commands.typed("trainers.cli", *words)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with two runs, 'first' (finished, tagged) and 'second' (running)."""
    writer = Registry(str(tmp_path / "runs.db"))
    for name, preset in (("first", "quick"), ("second", "dcgan")):
        run_id = writer.create_run(
            name=name,
            method="gan",
            preset=preset,
            recipe={"preset": preset},
            dataset={"name": "synthfer", "source": "synthfer", "content_hash": "ab", "images": 5},
            seed=0,
            provenance={"device": "cpu", "command": "python -m trainers.dcgan"},
            tags=["good"] if name == "first" else [],
            epochs=2,
            steps=20,
        )
        if name == "first":
            scores = [Score("is", 1.5, 1.4, 1.6, 3.0), Score("accuracy", float("nan"))]
            protocol = {"count": 10, "seed": 0, "prior": "natural"}
            writer.add_evaluation(
                run_id, epoch=2, step=20, judge="j", judge_sha256="", protocol=protocol, scores=scores
            )
            writer.set_status(run_id, "finished")
    return writer


def listed(registry: Registry, *words: str) -> list[str]:
    result = fergan("runs", "list", "--registry", registry.url, "--json", *words)
    assert result.returncode == 0, result.stderr
    return [row["name"] for row in json.loads(result.stdout)]


@pytest.mark.slow
def test_list_filters(registry: Registry) -> None:
    literature = "Report 2022 (IA930)"
    assert listed(registry) == ["second", "first", literature]
    assert listed(registry, "--status", "finished") == ["first", literature]
    assert listed(registry, "--tag", "good") == ["first"]
    assert listed(registry, "--preset", "dcgan") == ["second"]
    assert listed(registry, "--data", "fer2013") == [literature]
    assert listed(registry, "--trashed") == []
    table = typed("runs", "list", "--registry", registry.url)
    assert "first" in table.stdout
    assert table.stderr == ""


def test_list_names_the_rows_that_it_leaves_out(registry: Registry) -> None:
    assert fergan("runs", "list", "--registry", registry.url).stderr == ""
    with registry.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET created = 1e300 WHERE name = 'first'")
    result = fergan("runs", "list", "--json", "--registry", registry.url)
    assert result.returncode == 0
    assert "second" in [run["name"] for run in json.loads(result.stdout)]
    assert "first" not in result.stdout
    assert re.fullmatch(
        r"warning: 1 row is left out: run \w{8}: a row of 'runs' is left out: its 'created' is 1e\+300, not a time "
        r"between 1970 and 2200\n",
        result.stderr,
    )
    with registry.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET created = -1")
    many = fergan("runs", "list", "--registry", registry.url)
    assert re.match(r"warning: \d+ rows are left out: run ", many.stderr)
    assert many.stderr.count("\n") == 1


def test_show_tells_all_in_strict_json(registry: Registry) -> None:
    result = fergan("runs", "show", "first", "--registry", registry.url, "--json")
    document = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert document["name"] == "first"
    assert (document["checkpoints"], document["findings"], document["tags"]) == ([], [], ["good"])
    (evaluation,) = document["evaluations"]
    assert evaluation["judge"] == "j"
    assert {score["metric"]: score["value"] for score in evaluation["scores"]} == {"is": 1.5, "accuracy": None}
    assert "1.5000" in fergan("runs", "show", "first", "--registry", registry.url).stdout


def test_a_run_is_tagged_noted_trashed_restored_and_purged(registry: Registry) -> None:
    def do(*words: str) -> int:
        return fergan("runs", *words, "--registry", registry.url).returncode

    assert do("tag", "second", "x", "[red]y") == 0
    assert do("tag", "second", "x", "--remove") == 0
    assert do("note", "second", "[bold]look") == 0
    document = json.loads(fergan("runs", "show", "second", "--registry", registry.url, "--json").stdout)
    assert document["tags"] == ["[red]y"]
    assert [note["text"] for note in document["notes"]] == ["[bold]look"]
    assert "[red]y" in fergan("runs", "list", "--registry", registry.url).stdout
    assert do("purge", "second") == 1
    assert do("trash", "second") == 0
    assert "second" not in listed(registry)
    assert listed(registry, "--trashed") == ["second"]
    assert do("restore", "second") == 0
    assert "second" in listed(registry)
    assert do("trash", "second") == 0
    assert do("purge", "second") == 0
    assert do("show", "second") == 2


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("show", "frist"), 2, "did you mean 'first'"),
        (("show", "nothing-like-it"), 2, "fergan runs list"),
        (("trash", "report22"), 1, "literature"),
        (("tag", "first"), 2, "at least one"),
        (("list", "--statuss", "finished"), 2, "--status"),
        (("list", "--status", "asleep"), 2, "finished"),
        (("import", "none.zip"), 2, "none.zip"),
    ],
)
def test_wrong_use_is_explained(registry: Registry, words: tuple[str, ...], code: int, message: str) -> None:
    result = fergan("runs", *words, "--registry", registry.url)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_reading_creates_no_registry(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    archive = ("--out", tmp_path / "run.zip")
    for words in (
        ("runs", "tag", "first", "x"), ("runs", "show", "first"), ("runs", "verify"), ("runs", "trash", "first"),
        ("runs", "restore", "first"), ("runs", "purge", "first"), ("runs", "export", "first", *archive), ("claims",),
        ("findings", "first"), ("compare", "first", "second"), ("evaluate", "first"), ("sample", "first", *archive),
        ("replay", "first", "--from", "1", "--to", "2"),
    ):  # fmt: skip
        result = fergan(*words, "--registry", path)
        assert result.returncode in (1, 2), words
        assert "registry" in result.stderr
        assert list(tmp_path.iterdir()) == [], words
    result = fergan("runs", "list", "--registry", path)
    assert (result.returncode, result.stdout) == (0, "")
    assert f"there is no registry at '{path}'" in result.stderr
    assert fergan("runs", "list", "--registry", path, "--json").stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []


def create(registry: Registry, **changes: Any) -> str:
    """Enter a run."""
    about: dict[str, Any] = {
        "name": "first", "method": "gan", "preset": "quick", "recipe": {"preset": "quick"}, "seed": 0,
        "dataset": {"name": "synthfer", "source": "synthfer", "content_hash": "ab", "images": 5},
        "provenance": {}, "epochs": 2, "steps": 20,
    }  # fmt: skip
    return registry.create_run(**{**about, **changes})


@pytest.mark.slow
def test_a_new_run_can_have_the_name_of_one_in_the_trash(registry: Registry) -> None:
    def do(*words: str) -> subprocess.CompletedProcess[str]:
        return fergan("runs", *words, "--registry", registry.url)

    old = json.loads(do("show", "first", "--json").stdout)["id"]
    assert do("trash", "first").returncode == 0
    assert json.loads(do("show", "first", "--json").stdout)["id"] == old  # the only one of that name
    assert "in the trash" in do("show", "first").stdout
    again = do("trash", "first")
    assert (again.returncode, f"fergan runs restore {old}" in again.stderr) == (2, True)
    new = create(registry)
    assert json.loads(do("show", "first", "--json").stdout)["id"] == new
    assert json.loads(do("show", old, "--json").stdout)["id"] == old
    assert do("note", "first", "the new one").returncode == 0
    assert do("restore", "first").stdout == f"run {old} is back\n"
    stderr = do("show", "first").stderr
    assert f"{old} of 20" in stderr
    assert "means 2 runs" in stderr
    assert "in the trash" not in stderr
    assert do("restore", old).returncode == 1  # it is not in the trash
    assert do("trash", old).returncode == 0
    assert do("trash", new).returncode == 0
    assert do("show", "first").stderr.count(", in the trash") == 2
    assert do("restore", new).returncode == 0
    assert do("purge", "first").stdout == f"run {old} is deleted\n"
    for words in (("findings", old), ("compare", old, "second"), ("evaluate", old)):
        assert fergan(*words, "--registry", registry.url).returncode == 2
    assert do("trash", "first").returncode == 0
    for words in (("findings", "first"), ("compare", "first", "second"), ("replay", "first", "--from=1", "--to=2")):
        result = fergan(*words, "--registry", registry.url)
        assert (result.returncode, "is in the trash" in result.stderr) == (2, True), words


def terminal(columns: int, zone: str, *words: str) -> str:
    """Run the command in a terminal of so many columns in a time zone; return what it printed, without colours."""
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TZ": zone, "TERM": "xterm-256color"}
    environment.pop("COLUMNS", None)
    child = subprocess.Popen([sys.executable, "-m", "trainers.cli", *words], stdout=secondary, env=environment)
    os.close(secondary)
    read = b""
    with contextlib.suppress(OSError):  # the terminal's end
        while chunk := os.read(primary, 65536):
            read += chunk
    assert child.wait(60) == 0
    os.close(primary)
    return re.sub(r"\x1b\[[0-9;]*m", "", read.decode())


@pytest.mark.slow
def test_lists_are_complete_in_a_narrow_terminal_and_in_a_pipe(registry: Registry) -> None:
    long = "a-name-of-one-word-" * 8
    run_id = create(registry, name=long, tags=["study:rates", "a tag of five words"])
    with registry.write() as connection:
        connection.execute(RunRow.__table__.update().where(RunRow.id == run_id).values(created=1_800_000_000.0))
    narrow = terminal(80, "Europe/Berlin", "runs", "list", "--registry", registry.url)
    lines = narrow.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\u2026" not in narrow
    (row,) = (line for line in lines if run_id in line)
    assert "2027-01-15 09:00+01:00" in row
    place = row.index(long[:10])
    column = [line[place : row.index("running")].strip() for line in lines[lines.index(row) :]]
    cell = "".join(column).replace(" ", "")
    assert cell.startswith(f"{long}quickonsynthferatagoffivewordsstudy:rates")
    piped = typed("runs", "list", "--registry", registry.url).stdout
    (row,) = (line for line in piped.splitlines() if run_id in line)
    assert long in row
    assert "a tag of five words study:rates" in row
    assert re.search(r"2027-01-1\d \d\d:\d\d( UTC|[+-]\d\d:\d\d)", row)
    assert "\x1b" not in piped
    details = fergan("runs", "show", run_id, "--registry", registry.url).stdout
    assert re.search(r"2027-01-1\d \d\d:\d\d( UTC|[+-]\d\d:\d\d)", details)


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "2026-07-01 12:00 UTC"),
        ("Europe/Berlin", "2026-07-01 14:00+02:00"),
        ("Asia/Kolkata", "2026-07-01 17:30+05:30"),
    ],
)
def test_a_time_names_its_zone(zone: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert when(1_782_907_200.0) == written
    assert (when(1e300), when(float("nan"))) == ("unknown", "unknown")
    monkeypatch.undo()
    time.tzset()


def test_export_import_and_verify(registry: Registry, tmp_path: Path) -> None:
    archive, target = tmp_path / "first.zip", tmp_path / "there.db"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    half = tmp_path / f".first.zip.{ended.pid}.tmp"  # as an export leaves that is killed
    half.touch()
    os.utime(half, (time.time() - 3_600,) * 2)
    report = json.loads(fergan("runs", "verify", "--registry", registry.url, "--json").stdout)
    assert report["strays"] == [{"kind": "temporary", "path": half.name}]
    assert fergan("runs", "export", "first", "--out", archive, "--registry", registry.url).returncode == 0
    assert not half.exists()
    result = fergan("runs", "import", archive, "--registry", target, "--json")
    assert json.loads(result.stdout)["name"] == "first"
    assert fergan("runs", "import", archive, "--registry", target).returncode == 1
    assert fergan("runs", "verify", "--registry", target).returncode == 0
    (target.with_suffix(".files")).mkdir(exist_ok=True)
    (target.with_suffix(".files") / "stray.webp").write_bytes(b"x")
    result = fergan("runs", "verify", "--registry", target, "--json")
    assert result.returncode == 0
    report = json.loads(result.stdout)
    assert (report["damage"], report["strays"]) == ([], [{"kind": "unknown", "path": "stray.webp"}])


@pytest.mark.parametrize(
    "words", [(), ("runs",), ("runs", "export"), ("data", "info"), ("data", "sheet"), ("evaluate",), ("showcase",)]
)
def test_help_is_quick_and_needs_neither_torch_nor_pandas(words: tuple[str, ...]) -> None:
    script = (
        "import sys, time\nfrom trainers.cli import main\n"
        "try:\n    main([*sys.argv[1:], '--help'])\n"
        "finally:\n    heavy = {'torch', 'pandas', 'sqlalchemy'} & set(sys.modules)\n"
        "    print(sorted(heavy), time.process_time() < 1, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0
    assert result.stdout.startswith("usage: fergan")
    assert result.stderr.split() == ["[]", "True"]


def test_the_version_is_told() -> None:
    assert fergan("--version").stdout == f"fergan {fergan_core.__version__}\n"


def test_evaluations_that_differ_in_truncation_alone_are_shown_apart(registry: Registry) -> None:
    for truncation, value in ((0.5, 9.0), (1.0, 2.0)):
        registry.add_evaluation(
            registry.reader.resolve("second"), epoch=2, step=20, judge="j", judge_sha256="a" * 64,
            protocol={"count": 10, "seed": 0, "prior": "natural", "truncation": truncation},
            scores=[Score("is", value)],
        )  # fmt: skip
    run = json.loads(fergan("runs", "show", "second", "--registry", registry.url, "--json").stdout)
    values = {row["truncation"]: [score["value"] for score in row["scores"]] for row in run["evaluations"]}
    assert values == {0.5: [9.0], 1.0: [2.0]}


def test_a_csv_is_imported_and_a_runs_tables_are_exported(tmp_path: Path) -> None:
    url = str(tmp_path / "runs.db")
    (tmp_path / "log.csv").write_text("step,loss\n1,2\n2,x\n")
    done = fergan("import", tmp_path / "log.csv", "--registry", url)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "row 3, column 'loss': 'x' is not a number" in done.stderr
    (tmp_path / "log.csv").write_text("step,loss\n1,2\n2,3\n")
    done = fergan("import", tmp_path / "log.csv", "--name", "theirs", "--registry", url, "--json")
    ((run_id, name),) = [(run["id"], run["name"]) for run in json.loads(done.stdout)]
    assert name == "theirs"
    done = fergan("runs", "export", "theirs", run_id[:4], "--csv", tmp_path / "tables", "--registry", url)
    assert done.returncode == 0, done.stderr
    assert "rows of runs 1, points 2, scores 0" in done.stdout
    assert len((tmp_path / "tables" / "points.csv").read_text().splitlines()) == 3
    for words, says in (
        (("theirs",), "choose one of --out FILE.zip"),
        (("theirs", "--out", "a.zip", "--csv", "b"), "choose one of --out FILE.zip"),
        (("theirs", "theirs", "--out", "a.zip"), "name one run for --out"),
        (("theirs", "--csv", "b", "--light"), "--light: tables have no weights"),
    ):
        done = fergan("runs", "export", *words, "--registry", url)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
