"""`fergan runs` and its neighbours as a person types them: exit codes, JSON, and what goes to stderr."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from fergan_core.registry import Reader, Registry, Score
from trainers.cli import main


def fergan(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, which has its imports behind it already."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def typed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "trainers.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with two runs, 'first' (finished, tagged) and 'second' (running)."""
    made = Registry(str(tmp_path / "runs.db"))
    for name, preset in (("first", "quick"), ("second", "dcgan")):
        run_id = made.create_run(
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
            made.add_evaluation(run_id, epoch=2, step=20, judge="j", judge_sha256="", protocol=protocol, scores=scores)
            made.set_status(run_id, "finished")
    return made


def listed(registry: Registry, *words: str) -> list[str]:
    result = fergan("runs", "list", "--registry", registry.url, "--json", *words)
    assert result.returncode == 0, result.stderr
    return [row["name"] for row in json.loads(result.stdout)]


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


def test_show_tells_all_in_strict_json(registry: Registry) -> None:
    result = fergan("runs", "show", "first", "--registry", registry.url, "--json")
    shown = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert shown["name"] == "first"
    assert (shown["checkpoints"], shown["findings"], shown["tags"]) == ([], [], ["good"])
    (evaluation,) = shown["evaluations"]
    assert evaluation["judge"] == "j"
    assert {score["metric"]: score["value"] for score in evaluation["scores"]} == {"is": 1.5, "accuracy": None}
    assert "1.5000" in fergan("runs", "show", "first", "--registry", registry.url).stdout


def test_a_run_is_tagged_noted_trashed_restored_and_purged(registry: Registry) -> None:
    def do(*words: str) -> int:
        return fergan("runs", *words, "--registry", registry.url).returncode

    assert do("tag", "second", "x", "[red]y") == 0
    assert do("tag", "second", "x", "--remove") == 0
    assert do("note", "second", "[bold]look") == 0
    shown = json.loads(fergan("runs", "show", "second", "--registry", registry.url, "--json").stdout)
    assert shown["tags"] == ["[red]y"]
    assert [note["text"] for note in shown["notes"]] == ["[bold]look"]
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
    ("words", "code", "said"),
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
def test_wrong_use_is_told_in_words(registry: Registry, words: tuple[str, ...], code: int, said: str) -> None:
    result = typed("runs", *words, "--registry", registry.url)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_registry_that_is_not_there_is_made_by_list_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    assert fergan("runs", "tag", "first", "x", "--registry", path).returncode == 1
    assert fergan("runs", "show", "first", "--registry", path).returncode == 1
    assert not path.exists()
    result = fergan("runs", "list", "--registry", path, "--json")
    assert [row["id"] for row in json.loads(result.stdout)] == ["report22"]


def test_export_import_and_verify(registry: Registry, tmp_path: Path) -> None:
    archive, there = tmp_path / "first.zip", tmp_path / "there.db"
    assert fergan("runs", "export", "first", "--out", archive, "--registry", registry.url).returncode == 0
    result = fergan("runs", "import", archive, "--registry", there, "--json")
    assert json.loads(result.stdout)["name"] == "first"
    assert fergan("runs", "import", archive, "--registry", there).returncode == 1
    assert fergan("runs", "verify", "--registry", there).returncode == 0
    (there.with_suffix(".files")).mkdir(exist_ok=True)
    (there.with_suffix(".files") / "stray.webp").write_bytes(b"x")
    result = fergan("runs", "verify", "--registry", there, "--json")
    assert result.returncode == 0
    told = json.loads(result.stdout)
    assert (told["damage"], told["strays"]) == ([], [{"kind": "unknown", "path": "stray.webp"}])


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


def test_evaluations_that_differ_in_truncation_alone_are_shown_apart(registry: Registry) -> None:
    for truncation, value in ((0.5, 9.0), (1.0, 2.0)):
        registry.add_evaluation(
            Reader(registry.url).resolve("second"), epoch=2, step=20, judge="j", judge_sha256="a" * 64,
            protocol={"count": 10, "seed": 0, "prior": "natural", "truncation": truncation},
            scores=[Score("is", value)],
        )  # fmt: skip
    told = json.loads(fergan("runs", "show", "second", "--registry", registry.url, "--json").stdout)["evaluations"]
    assert [(made["truncation"], [score["value"] for score in made["scores"]]) for made in told] == [
        (0.5, [9.0]), (1.0, [2.0])
    ]  # fmt: skip
