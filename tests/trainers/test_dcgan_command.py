"""`python -m trainers.dcgan` on a real registry; what is to be stopped runs in a process of its own."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from safetensors.numpy import load_file, save_file

from fergan_core import evaluation
from fergan_core.data import open_dataset
from fergan_core.registry import Reader, Registry
from fergan_core.registry.schema import CheckpointRow, RunRow
from fergan_core.training.checkpoint import file_sha256
from tests.support.commands import Started, few_light_faces, run_module
from trainers.flags import parse

# 8 steps an epoch of a very small network.
SMALL = [
    "--images", "64", "--batch-size", "8", "--width", "4", "--eval-every", "0", "--watch-every", "25", "--seed", "3",
]  # fmt: skip


def dcgan(registry: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, with few faces scored."""
    with few_light_faces():
        return run_module("trainers.dcgan", *words(registry, *flags))


def words(registry: Path, *flags: str) -> list[str]:
    return ["--registry", str(registry), "--device", "cpu", "--json", *flags]


def train(registry: Path, *flags: str, code: int = 0) -> dict[str, object]:
    done = dcgan(registry, *flags)
    assert done.returncode == code, done.stderr
    line: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return line


def weights(registry: Path, run_id: str) -> pd.Series:
    return Reader(str(registry)).checkpoints(run_id).set_index("step")["sha256"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, small_data: Path) -> tuple[Path, str]:
    """An uninterrupted run of four epochs."""
    registry = tmp_path_factory.mktemp("uninterrupted") / "runs.db"
    outcome = train(
        registry, "--data", str(small_data), *SMALL, "--epochs", "4", "--name", "uninterrupted", "--tags", "a", "b"
    )
    return registry, str(outcome["id"])


@pytest.mark.slow
def test_a_training_says_that_it_scores_while_it_does(
    tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    evaluate = evaluation.Evaluator.evaluate

    def look(*arguments: Any, **others: Any) -> Any:
        (run_id,) = (row.id for row in Reader(str(registry)).runs().itertuples() if not row.literature)
        said.append(Reader(str(registry)).activity(run_id))
        return evaluate(*arguments, **others)

    monkeypatch.setattr(evaluation.Evaluator, "evaluate", look)
    registry = tmp_path / "runs.db"
    run_id = str(train(registry, "--data", str(small_data), *SMALL, "--epochs", "1")["id"])
    assert [activity.doing for activity in said] == ["scoring"]
    assert Reader(str(registry)).activity(run_id) is None


@pytest.mark.parametrize("preset", ["dcgan", "quick"])
@pytest.mark.parametrize("flag", ["--matching-aware", "--no-matching-aware"])
def test_a_choice_is_said_either_way_whatever_the_presets_own(preset: str, flag: str) -> None:
    chosen = parse("dcgan", "gan", ["--preset", preset, flag]).recipe
    assert chosen.method.matching_aware == (flag == "--matching-aware")
    assert chosen.preset == preset


@pytest.mark.slow
def test_a_run_leaves_points_sheets_checkpoints_and_scores(uninterrupted: tuple[Path, str]) -> None:
    registry, run_id = uninterrupted
    reader = Reader(str(registry))
    run = reader.run(run_id)
    assert (run["status"], run["epoch"], run["step"], run["images_seen"]) == ("finished", 4, 32, 256)
    assert run["tags"] == ["a", "b"]
    points = reader.points([run_id], reader.metrics([run_id]))
    every_step = {
        "loss_d", "loss_g", "d_real", "d_fake", "d_wrong", "d_accuracy", "d_accuracy_real", "d_accuracy_fake",
        "logit_real", "logit_fake", "logit_spread", "grad_norm_d", "grad_norm_g", "grad_ratio", "images_per_second",
    }  # fmt: skip
    counts = points.groupby("metric")["count"].sum()
    assert set(counts.index[counts == 32]) == every_step
    wide = points.pivot(index="step", columns="metric", values="mean").loc[1:]
    np.testing.assert_allclose(wide["grad_ratio"], wide["grad_norm_g"] / wide["grad_norm_d"], rtol=1e-5)
    # The instruments look every 25 steps.
    assert {"r_t", "r_v", "update_ratio_d", "update_ratio_g"} <= set(counts.index[counts < 3])
    assert list(reader.sheets(run_id).epoch) == [1, 2, 3, 4]
    assert list(reader.checkpoints(run_id).epoch) == [1, 2, 3, 4]
    for row in reader.sheets(run_id).itertuples():
        assert reader.file(row.path).read_bytes()[:4] == b"RIFF"
    scores = reader.scores([run_id])
    assert set(scores.epoch) == {4}
    assert {"is", "kl_nats", "kl_ratio", "accuracy"} <= set(scores.metric)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory, small_data: Path) -> tuple[Path, str]:
    """The same run, stopped by Ctrl-C after two epochs: its folder, which tests copy, and its id."""
    folder = tmp_path_factory.mktemp("interrupted")
    run_id = stopped(folder / "runs.db", small_data, signal.SIGINT, 2)
    if Reader(str(folder / "runs.db")).run(run_id)["status"] == "finished":
        pytest.skip("the machine was so fast that the run ended before the signal")
    return folder, run_id


def copied(run: tuple[Path, str], into: Path) -> tuple[Path, str]:
    """Copy a run with all its files; return its registry there and its id."""
    folder, run_id = run
    shutil.copytree(folder, into, dirs_exist_ok=True)
    return into / "runs.db", run_id


def stopped(registry: Path, data: Path, number: int, after_epoch: int) -> str:
    """Start the same run, stop it by a signal once it has passed an epoch, and return its id."""
    flags = words(registry, "--data", str(data), *SMALL, "--epochs", "4")
    training = Started("trainers.dcgan", *flags, out=registry.with_suffix(".txt"))
    deadline = time.monotonic() + 240
    while saved(registry) < after_epoch and time.monotonic() < deadline:
        assert not training.ended(), training.printed()
        time.sleep(0.02)
    training.send_signal(number)
    training.finish()
    runs = Reader(str(registry)).runs()
    return str(runs[~runs.literature.astype(bool)].id.iloc[0])


def saved(registry: Path) -> int:
    """Return how many checkpoints a registry has, -1 while there is no run.

    One quick query, which does not slow the training down.
    """
    try:
        with closing(sqlite3.connect(f"file:{registry}?mode=ro", uri=True)) as database:
            (begun,) = database.execute("SELECT count(*) FROM runs WHERE NOT literature").fetchone()
            (checkpoints,) = database.execute("SELECT count(*) FROM checkpoints").fetchone()
    except sqlite3.OperationalError:
        return -1
    return checkpoints if begun else -1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "after"),
    # After the last epoch's checkpoint its evaluation is under way.
    [
        (signal.SIGINT, 2),
        pytest.param(signal.SIGTERM, 4, marks=pytest.mark.thorough),
        pytest.param(signal.SIGKILL, 4, marks=pytest.mark.thorough),
        pytest.param(signal.SIGTERM, 2, marks=pytest.mark.thorough),
        pytest.param(signal.SIGKILL, 2, marks=pytest.mark.thorough),
        pytest.param(signal.SIGKILL, 0, marks=pytest.mark.thorough),
    ],
)
def test_a_stopped_run_resumed_reaches_the_same_weights_and_scores_bit_for_bit(
    uninterrupted: tuple[Path, str],
    interrupted: tuple[Path, str],
    small_data: Path,
    tmp_path: Path,
    number: signal.Signals,
    after: int,
) -> None:
    if number == signal.SIGINT:
        registry, run_id = copied(interrupted, tmp_path)
    else:
        registry = tmp_path / "runs.db"
        run_id = stopped(registry, small_data, number, after)
    before = Reader(str(registry)).run(run_id)
    if before["status"] == "finished":
        pytest.skip("the machine was so fast that the run ended before the signal")
    if number == signal.SIGKILL:
        assert before["status"] == "running"  # nobody could say otherwise yet
        make_old(registry, run_id)
        assert Reader(str(registry)).run(run_id)["status"] == "crashed"
    else:
        assert before["status"] == "interrupted"
        assert number.name in before["reason"]
    outcome = train(registry, "--resume", run_id)
    assert (outcome["status"], outcome["epochs"]) == ("finished", 4)
    expected = weights(*uninterrupted)
    again = weights(registry, run_id)
    assert again[expected.index].equals(expected)
    points, reference = (
        Reader(str(place)).points([run], ["loss_d", "loss_g", "flops_per_image"], buckets=1000)
        for place, run in ((registry, run_id), uninterrupted)
    )
    pd.testing.assert_frame_equal(points.drop(columns="run_id"), reference.drop(columns="run_id"))
    pd.testing.assert_frame_equal(scores(registry, run_id), scores(*uninterrupted), check_exact=True)


def scores(registry: Path, run_id: str) -> pd.DataFrame:
    """Return all scores of a run but how fast its faces were drawn."""
    all_scores = Reader(str(registry)).scores([run_id])
    keys = ["step", "judge", "metric", "emotion"]
    comparable = (
        all_scores[all_scores["metric"] != "speed"].drop(columns=["run_id", "run_name"]).fillna({"emotion": ""})
    )
    return comparable.sort_values(keys).reset_index(drop=True)


def make_old(registry: Path, run_id: str) -> None:
    """Set a run's heartbeat back by a minute: waiting for it would cost the suite half a minute."""
    with Registry(str(registry)).write() as connection:
        connection.execute(sa.update(RunRow).where(RunRow.id == run_id).values(heartbeat=time.time() - 60))


@pytest.mark.slow
def test_a_finished_run_is_not_resumed(uninterrupted: tuple[Path, str]) -> None:
    registry, run_id = uninterrupted
    done = dcgan(registry, "--resume", run_id)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: run uninterrupted is finished")


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint(
    interrupted: tuple[Path, str], tmp_path: Path
) -> None:
    registry, run_id = copied(interrupted, tmp_path)
    reader = Reader(str(registry))
    last = explode(registry, run_id)
    outcome = train(registry, "--resume", run_id, code=1)
    assert outcome["status"] == "diverged"
    assert "became" in str(outcome["reason"])
    assert f"at step {last + 1};" in str(outcome["reason"])
    assert reader.checkpoints(run_id).step.max() == last
    points = reader.points([run_id], ["loss_d", "loss_g"], step_from=last + 1)
    assert (points.nans.sum() + np.isinf(points[["low", "high"]]).any(axis=1).sum()) >= 1


def explode(registry: Path, run_id: str) -> int:
    """Make the weights of a run's last checkpoint as huge as an exploded network's; return its step."""
    reader = Reader(str(registry))
    newest = reader.checkpoints(run_id).iloc[-1]
    file = reader.file(newest.path)
    save_file({name: t * 1e30 if t.dtype == np.float32 else t for name, t in load_file(file).items()}, file)
    with Registry(str(registry)).write() as connection:
        changed = (
            sa.update(CheckpointRow).where(CheckpointRow.step == int(newest.step)).values(sha256=file_sha256(file))
        )
        connection.execute(changed)
    return int(newest.step)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--preset", "dcgam"], "unknown preset 'dcgam', did you mean 'dcgan'? the presets are dcgan, "),
        (["--data", "nosuch.csv"], "--data: there is no 'nosuch.csv'"),
        (["--emotions", "joy"], "--emotions: 'joy' is not an emotion"),
        (["--resume", "nosuch", "--epochs", "3"], "--resume: the run keeps its own recipe; leave out --epochs"),
        (
            ["--data", "{few}", "--images", "20", "--batch-size", "64"],
            "--batch-size: 64 is more than the 20 training images",
        ),
    ],
)
def test_wrong_use_is_told_in_one_line(tmp_path: Path, flags: list[str], message: str) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (42, 48, 48), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", images=faces, labels=np.arange(42) % 7)
    done = dcgan(tmp_path / "runs.db", *[flag.format(few=tmp_path / "few.npz") for flag in flags])
    assert done.returncode == 2
    # Above the error of a file's images stands what was read of the file.
    *_, error = lines = [line for line in done.stderr.splitlines() if not line.startswith(("data: ", "warning: "))]
    assert message in error
    assert len(lines) == 1
    assert done.stdout == ""


def test_a_run_that_is_not_there_is_not_resumed(tmp_path: Path) -> None:
    registry = tmp_path / "runs.db"
    for code, message in ((1, f"there is no registry at '{registry}'"), (2, "no run 'nosuch'")):
        done = dcgan(registry, "--resume", "nosuch")
        assert (done.returncode, done.stdout) == (code, "")
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert list(tmp_path.iterdir()) == [] or code == 2
        Registry(str(registry))


def test_help_is_fast_and_needs_no_torch() -> None:
    script = (
        "import sys\nsys.argv = ['x', '--help']\nfrom trainers import dcgan\n"
        "try:\n    dcgan.main()\nexcept SystemExit:\n    pass\nassert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "--checkpoint-every" in done.stdout


@pytest.mark.slow
def test_another_data_set_is_refused_on_resume(interrupted: tuple[Path, str], small_data: Path, tmp_path: Path) -> None:
    registry, run_id = copied(interrupted, tmp_path)
    faces = open_dataset(small_data)
    np.savez(tmp_path / "other.npz", images=faces.images[:500], labels=faces.labels[:500])
    flags = ["--resume", run_id, "--data", str(tmp_path / "other.npz")]
    done = dcgan(registry, *flags)
    assert done.returncode == 2
    assert f"is not the dataset of the run, which was trained on '{small_data}'; give that one" in done.stderr
