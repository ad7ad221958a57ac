"""Forks and replays: from a run's exact state, changed in what was said and in nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from fergan_core.registry import Reader, Registry
from tests.support.commands import run_module

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_scored")]
SMALL = (
    "--preset", "quick", "--images", "128", "--batch-size", "32", "--width", "4", "--eval-every", "0",
    "--watch-every", "2", "--emotions", "happy", "sad", "neutral",
)  # fmt: skip
SAME = ["loss_d", "loss_g", "grad_norm_d", "grad_norm_g"]


def fork(registry: Path, of: str, *settings: str) -> str:
    words = ("--set", *settings) if settings else ()
    done = run_module(
        "trainers.dcgan", "--registry", registry, "--device", "cpu", "--json", "--fork", of, "--name", "branch", *words
    )
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout.splitlines()[-1])["id"])


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory, small_data: Path) -> tuple[Path, str]:
    registry = tmp_path_factory.mktemp("forks") / "runs.db"
    words = ("--registry", registry, "--data", small_data, "--device", "cpu", "--json", *SMALL, "--epochs", "4")
    done = run_module("trainers.dcgan", *words)
    assert done.returncode == 0, done.stderr
    return registry, str(json.loads(done.stdout.splitlines()[-1])["id"])


def test_a_fork_that_only_draws_more_sheets_does_what_its_parent_did(parent: tuple[Path, str]) -> None:
    registry, run_id = parent
    branch = fork(registry, f"{run_id}@2", "sheet_every=3")
    reader = Reader(str(registry))
    row = reader.run(branch)
    assert (row["parent"], row["parent_step"], row["status"], row["epoch"]) == (run_id, 8, "finished", 4)
    hashes = [reader.checkpoints(one).set_index("epoch")["sha256"] for one in (run_id, branch)]
    assert hashes[1].to_dict() == hashes[0].loc[3:].to_dict()
    assert list(reader.sheets(branch).step) == [9, 12, 15, 16]  # an epoch has four steps
    for name in (*SAME, "r_v", "spectral_d/head.logit", "d_accuracy_old"):
        ours, theirs = (reader.points([one], [name]).set_index("step")["mean"] for one in (branch, run_id))
        assert len(ours)
        assert ours.to_dict() == theirs.loc[9:].to_dict()


def test_a_fork_changes_what_was_set_and_starts_from_the_same_state(parent: tuple[Path, str]) -> None:
    registry, run_id = parent
    branch = fork(registry, f"{run_id}@2", "d_lr=1e-3", "g_ema=0.9")
    reader = Reader(str(registry))
    before, after = reader.run(run_id)["recipe"], reader.run(branch)["recipe"]
    assert after["method"] == {**before["method"], "d_lr": 1e-3, "g_ema": 0.9}
    assert {**after, "method": None} == {**before, "method": None}
    points = {one: reader.points([one], ["loss_d"]).set_index("step")["mean"] for one in (run_id, branch)}
    assert points[branch].loc[9] == points[run_id].loc[9]  # before the first changed update
    assert points[branch].loc[12] != points[run_id].loc[12]


def test_an_epoch_is_its_end_though_the_run_was_stopped_within_the_next(
    parent: tuple[Path, str], tmp_path: Path
) -> None:
    registry, run_id = parent
    shutil.copytree(registry.parent, tmp_path, dirs_exist_ok=True)
    stopped = tmp_path / registry.name
    later = Reader(str(stopped)).checkpoints(run_id).set_index("epoch").loc[3]
    names = ("path", "sha256", "bytes", "state_path", "state_sha256", "state_bytes")
    files = {name: later[name] for name in names}
    Registry(str(stopped)).add_checkpoint(run_id, epoch=2, step=10, images_seen=320, **files)
    assert Reader(str(stopped)).run(fork(stopped, f"{run_id}@2"))["parent_step"] == 8


@pytest.mark.parametrize(
    ("of", "settings", "message"),
    [
        ("{run}@9", (), "no training state at epoch 9; it has: 1, 2, 3, 4"),
        ("{run}@2", ("d_lrr=1",), "no field 'd_lrr'; did you mean 'd_lr'"),
        ("{run}@2", ("d_lr=fast",), "--d-lr"),
        ("{run}@2", ("width=8",), "width changes the networks"),
        ("{run}@2", ("batch_size=64",), "'batch_size' must stay"),
        ("{run}@2", ("d_lr",), "not field=value"),
    ],
)
def test_what_cannot_be_forked_is_said_in_one_line(
    parent: tuple[Path, str], of: str, settings: tuple[str, ...], message: str
) -> None:
    registry, run_id = parent
    words = ("--set", *settings) if settings else ()
    done = run_module("trainers.dcgan", "--registry", registry, "--fork", of.format(run=run_id), *words)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr.replace("\n", " ")


def test_set_without_fork_and_recipe_flags_with_it_are_refused(parent: tuple[Path, str]) -> None:
    registry, run_id = parent
    done = run_module("trainers.dcgan", "--registry", registry, "--set", "d_lr=1e-4")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    done = run_module("trainers.dcgan", "--registry", registry, "--fork", run_id, "--d-lr", "1e-4")
    assert done.returncode == 2
    assert "--set" in done.stderr


def test_a_replay_is_the_same_to_the_last_bit_and_measures_every_step(parent: tuple[Path, str]) -> None:
    registry, run_id = parent
    done = run_module(
        "trainers.cli", "replay", run_id, "--from", "1", "--to", "2", "--registry", registry, "--device", "cpu"
    )
    assert done.returncode == 0, done.stderr
    assert "16 of 16 losses and gradient norms are the same" in done.stdout
    reader = Reader(str(registry))
    again = done.stdout.split()[1]
    assert reader.run(again)["parent"] == run_id
    assert reader.points([again], ["r_v"])["step"].tolist() == list(range(5, 9))
    assert reader.points([run_id], ["r_v"])["step"].tolist() == list(range(2, 17, 2))
