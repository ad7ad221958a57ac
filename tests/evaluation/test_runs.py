"""A real run's checkpoints: scored, and recorded once for each protocol, by the function and by the command."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fergan_core.data import Dataset
from fergan_core.errors import CheckpointError, NoRun, UsageError
from fergan_core.evaluation import Protocol, cas, evaluate_checkpoints
from fergan_core.judges.judge import load_judge
from fergan_core.registry import Reader, Registry
from tests.evaluation.conftest import value
from tests.support.commands import LIGHT_FACES, Started, run_module
from trainers.evaluate_commands import choose, split_run

pytestmark = pytest.mark.usefixtures("few_scored")


def fergan(*words: str | int | Path) -> subprocess.CompletedProcess[str]:
    return run_module("trainers.cli", *words)


def test_a_run_and_its_epoch_are_told_apart() -> None:
    assert split_run("quick-abcd") == ("quick-abcd", None)
    assert split_run("quick@25") == ("quick", "25")
    assert split_run("me@home@all") == ("me@home", "all")
    for wrong in ("quick@", "quick@last", "@3"):
        with pytest.raises(UsageError):
            split_run(wrong)
    rows = [{"epoch": 2, "step": 20}, {"epoch": 1, "step": 10}]
    assert [row["epoch"] for row in choose(rows, None, "a")] == [2]
    assert [row["epoch"] for row in choose(rows, "all", "a")] == [1, 2]
    with pytest.raises(NoRun, match="it has: 1, 2"):
        choose(rows, "3", "a")
    for epoch in (None, "all", "3"):
        with pytest.raises(NoRun, match="no checkpoint to draw faces from"):
            choose([], epoch, "a")


@pytest.mark.slow
def test_a_checkpoint_is_scored_and_recorded_once_a_protocol(run: tuple[Path, str], few: Dataset) -> None:
    path, run_id = run
    registry, reader = Registry(str(path)), Reader(str(path))
    step = int(reader.checkpoints(run_id)["step"].max())
    protocols = [Protocol("synthfer", count=60)]
    ((_, first),) = evaluate_checkpoints(registry, run_id, [step], protocols, dataset=None)
    assert list(evaluate_checkpoints(registry, run_id, [step], protocols, dataset=None)) == [(step, first)]
    rows = reader.scores([run_id])
    rows = rows[rows["count"] == 60]
    assert set(rows["metric"]) - {score.metric for score in first.scores} == {"speed"}
    assert len(rows) == len(first.scores) + 1
    assert (rows["value"][rows["metric"] == "speed"] == first.faces_per_second).all()
    recorded = rows[(rows["metric"] == "is")].iloc[0]
    score = value(first, "is")
    assert (recorded["value"], recorded["low"], recorded["high"]) == (score.value, score.low, score.high)
    assert recorded["noise"] == score.noise
    assert recorded["truncation"] == 1.0
    assert recorded["judge_sha256"] == load_judge("synthfer").sha256
    with pytest.raises(CheckpointError, match="no checkpoint at step"):
        next(evaluate_checkpoints(registry, run_id, [step, step + 1], protocols, dataset=None))


@pytest.mark.slow
def test_a_run_is_scored_in_training_by_the_light_protocol(run: tuple[Path, str]) -> None:
    path, run_id = run
    rows = Reader(str(path)).scores([run_id])
    light = rows[rows["count"] == LIGHT_FACES]
    assert set(light["epoch"]) == {1, 2}
    assert {"is", "kid", "recall", "coverage", "vendi", "ct"} <= set(light["metric"])
    assert light[light.metric == "kid"][["low", "high", "real", "noise"]].notna().all(axis=None)


@pytest.mark.slow
def test_the_command_scores_all_checkpoints_by_both_judges(
    run: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run_id = run
    monkeypatch.setattr(cas, "STEPS", 4)
    # The judges of the built-in faces are a third of the size of FER2013's, which these data have by default.
    words = ("evaluate", f"{run_id}@all", "--judge", "synthfer", "--registry", path, "--count", 60, "--json")
    done = fergan(*words)
    assert done.returncode == 0, done.stderr
    every_epoch = json.loads(done.stdout)["evaluations"]
    assert [(scored["id"], scored["epoch"]) for scored in every_epoch] == [(run_id, 1), (run_id, 2)]
    assert {"is", "accuracy", "cas", "cas_gain", "log_condition"} <= {one["metric"] for one in every_epoch[0]["scores"]}
    by_both = fergan("evaluate", run_id, "--judge", "synthfer", "synthfer-check", *words[4:])
    evaluations = json.loads(by_both.stdout)["evaluations"]
    assert [scored["judge"] for scored in evaluations] == ["synthfer", "synthfer-check"]
    assert evaluations[0] == every_epoch[1]
    first, *last = (
        [score["value"] for score in scored["scores"] if score["metric"] == "log_condition"]
        for scored in (every_epoch[0], *evaluations)
    )
    assert first != last[0] == last[1]  # the generator's, whoever judges its faces
    assert fergan(*words).stdout == done.stdout


@pytest.mark.slow
def test_sampled_faces_are_scored_from_their_file(run: tuple[Path, str], tmp_path: Path) -> None:
    path, run_id = run
    file = tmp_path / "faces.npz"
    words = ("sample", f"{run_id}@1", "--registry", path, "--per-emotion", 12, "--seed", 3)
    done = fergan(*words, "--out", file)
    assert done.returncode == 0, done.stderr
    with np.load(file, allow_pickle=False) as faces:
        assert sorted(faces.files) == ["images", "labels"]
        assert (faces["images"].dtype, faces["images"].shape) == (np.uint8, (84, 48, 48))
        assert np.bincount(faces["labels"]).tolist() == [12] * 7
    fergan(*words, "--out", tmp_path / "again.npz")
    with np.load(file) as first, np.load(tmp_path / "again.npz") as second:
        assert np.array_equal(first["images"], second["images"])
    scored = fergan("evaluate", "--images", file, "--judge", "synthfer", "--light", "--json")
    assert scored.returncode == 0, scored.stderr
    report = json.loads(scored.stdout)
    labels = np.repeat(np.arange(7), 12)
    with np.load(file) as faces:
        logits, _ = load_judge("synthfer").read(faces["images"])
    assert report["count"] == 84
    assert report["accuracy"] == pytest.approx(float(np.mean(logits.argmax(1).numpy() == labels)))
    folder = tmp_path / "faces"
    assert fergan(*words, "--out", folder).returncode == 0
    from_folder = json.loads(fergan("evaluate", "--images", folder, "--judge", "synthfer", "--light", "--json").stdout)
    assert from_folder["accuracy"] == report["accuracy"]


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drawing_that_is_stopped_says_that_nothing_was_written(
    run: tuple[Path, str], tmp_path: Path, number: signal.Signals
) -> None:
    path, run_id = run
    words = ["sample", run_id, "--registry", str(path), "--per-emotion", "100000", "--out", str(tmp_path / "faces.npz")]
    screen, terminal = pty.openpty()  # which shows the bar as soon as the first faces are drawn
    drawing = Started("trainers.cli", *words, out=Path(os.ttyname(terminal)), environment={"TERM": "xterm"})
    output = b""
    while b"drawing faces" not in output:
        output += os.read(screen, 4096)
    os.close(terminal)  # so that the screen ends with the drawing
    drawing.send_signal(number)
    with contextlib.suppress(OSError):  # the terminal's end, on Linux
        while more := os.read(screen, 4096):
            output += more
    os.close(screen)
    assert drawing.finish(timeout=60) == 130
    message = output.decode()
    assert re.search(r"stopped with [\d,]+ of 700,000 faces drawn and nothing written to '", message)
    assert "Traceback" not in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate"], "name either runs"),
        (["evaluate", "some-run", "--images", "faces.npz"], "name either runs"),
        (["evaluate", "--images", "nothing.npz"], "nothing.npz"),
        (["evaluate", "nobody"], "no run"),
        (["sample", "nobody", "--out", "x.npz"], "no run"),
    ],
)
def test_wrong_words_are_answered_in_one_line(words: list[str], message: str, run: tuple[Path, str]) -> None:
    done = fergan(*words, "--registry", run[0])
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
