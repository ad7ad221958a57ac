"""Studies: a queue that several processes share, that goes on after a stop, and whose failures are results."""

import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from fergan_core.errors import UsageError
from fergan_core.experiment import Span, Study, design
from fergan_core.experiment import study as studies
from fergan_core.recipe import changed, preset
from fergan_core.registry import Reader, Registry, trials
from tests.support.commands import Started, few_light_faces, run_module, typed
from trainers.sweep import parse_vary

TINY = (
    "--set", "images=128", "batch_size=32", "width=4", "epochs=1", "eval_every=0", "watch_every=0",
    "emotions=happy,sad",
)  # fmt: skip


def started(registry: Path, *flags: str) -> Started:
    """Start the command in a process of its own."""
    return Started("trainers.sweep", *words(registry, *flags), out=registry.with_suffix(".txt"))


def sweep(registry: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    with few_light_faces():
        return run_module("trainers.sweep", *words(registry, *flags))


def running_step(registry: Path) -> int:
    """Return the last recorded step of the run that is training, 0 while there is none."""
    query = "SELECT coalesce(max(step), 0) FROM runs WHERE status = 'running'"
    try:
        with closing(sqlite3.connect(f"file:{registry}?mode=ro", uri=True)) as database:
            return int(database.execute(query).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def words(registry: Path, *flags: str) -> list[str]:
    return ["--study", "s", "--registry", str(registry), "--device", "cpu", *flags]


def test_a_design_is_every_combination_seed_by_seed() -> None:
    settings = design({"loss": ["hinge", "lsgan"], "d_lr": ["1e-4", "2e-4"]}, seeds=2, draws=None, seed=0)
    assert len(settings) == 8
    assert [setting["seed"] for setting in settings] == ["0"] * 4 + ["1"] * 4
    assert len({tuple(setting.items()) for setting in settings}) == 8


def test_random_settings_are_the_same_again_and_within_their_range() -> None:
    vary = {"d_lr": Span(1e-5, 1e-3, log=True), "loss": ["hinge", "lsgan"]}
    settings = design(vary, seeds=2, draws=50, seed=0)
    assert settings == design(vary, seeds=2, draws=50, seed=0)
    rates = [float(setting["d_lr"]) for setting in settings[:50]]
    assert 1e-5 <= min(rates) < 2e-5
    assert 5e-4 < max(rates) <= 1e-3
    assert 15 < sum(rate < 1e-4 for rate in rates) < 35  # evenly in the logarithm
    with pytest.raises(UsageError, match=r"d_lr is a range.*--draws"):
        design(vary, seeds=2, draws=None, seed=0)


def test_vary_is_read_or_refused() -> None:
    assert parse_vary(("d-lr=1e-4,2e-4",)) == {"d_lr": ["1e-4", "2e-4"]}
    assert parse_vary(("d_lr=1e-5..1e-3,log", "beta1=0.0..0.9")) == {
        "d_lr": Span(1e-5, 1e-3, log=True), "beta1": Span(0.0, 0.9)
    }  # fmt: skip
    for bad in ("d_lr", "d_lr=", "d_lr=a..b", "d_lr=2..1"):
        with pytest.raises(UsageError, match="--vary"):
            parse_vary((bad,))


def test_the_queue_holds_each_recipe_once(tmp_path: Path) -> None:
    study = Study(Registry(str(tmp_path / "runs.db")), "s")
    settings = design({"loss": ["hinge", "lsgan"]}, seeds=2, draws=None, seed=0)
    quick = preset("quick")
    assert study.enqueue(quick, settings) == 4
    assert study.enqueue(quick, settings) == 0
    again = Study(Registry(str(tmp_path / "runs.db")), "s")
    assert again.enqueue(quick, design({"loss": ["hinge", "lsgan"]}, seeds=3, draws=None, seed=0)) == 2
    # The same settings of another recipe are other trials.
    assert again.enqueue(changed(quick, {"batch_size": "32"}), settings) == 4
    assert again.waiting() == 10


@pytest.mark.slow
@pytest.mark.thorough
def test_a_waiting_trial_is_trained_as_it_was_enqueued_whoever_takes_it(tmp_path: Path, small_data: Path) -> None:
    registry = tmp_path / "runs.db"
    recipe = changed(preset("quick"), dict(pair.split("=") for pair in TINY[1:]))
    recipe = changed(recipe, {"precision": "float32"})
    study = Study(Registry(str(registry)), "s")
    study.enqueue(recipe, design({"loss": ["hinge"], "precision": ["float32", "bfloat16"]}, 1, None, seed=0))
    done = sweep(registry, "--data", str(small_data), "--preset", "dcgan")
    assert done.returncode == 0, done.stderr
    study_trials = trials(Reader(str(registry)), "s")
    table, varied = study_trials.table, study_trials.varied
    assert varied == ["set precision"]
    assert list(table["set precision"]) == ["float32", "bfloat16"]
    assert bool((table["precision"] <= 1).all())
    for run_id in table["run_id"]:
        trained = Reader(str(registry)).run(run_id)["recipe"]
        assert (trained["images"], trained["method"]["width"], trained["method"]["loss"]) == (128, 4, "hinge")


@pytest.mark.slow
def test_a_trial_whose_process_died_before_it_was_a_run_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(Registry(str(tmp_path / "runs.db")), "s")
    study.enqueue(preset("quick"), [{"seed": "0"}])
    first_trial = study._take()
    assert first_trial is not None
    assert study._take() is None  # its process may be on the way
    monkeypatch.setattr(studies, "_SLOW_START", timedelta(0))
    second_trial = study._take()
    assert second_trial is not None
    assert (second_trial[0].number, second_trial[1], second_trial[2]) == (1, first_trial[1], first_trial[2])


@pytest.mark.slow
@pytest.mark.thorough
def test_two_processes_share_a_study_and_each_trial_is_run_once(tmp_path: Path, small_data: Path) -> None:
    registry = tmp_path / "runs.db"
    flags = ("--data", str(small_data), "--vary", "loss=non-saturating,hinge", "--seeds", "2", *TINY)
    first = started(registry, *flags)
    second = sweep(registry, *flags)
    assert first.finish() == second.returncode == 0, first.printed() + second.stderr
    study_trials = trials(Reader(str(registry)), "s")
    table, varied = study_trials.table, study_trials.varied
    assert varied == ["loss"]
    assert sorted(zip(table["loss"], table["seed"], strict=True)) == [
        ("hinge", 0), ("hinge", 1), ("non-saturating", 0), ("non-saturating", 1)
    ]  # fmt: skip
    assert set(table["status"]) == {"finished"}
    # Started again there is nothing to do.
    assert "0 trials added, 0 waiting" in sweep(registry, *flags).stderr


@pytest.mark.slow
@pytest.mark.thorough
def test_a_stopped_study_goes_on_and_a_failed_trial_is_a_result(tmp_path: Path, small_data: Path) -> None:
    registry = tmp_path / "runs.db"
    # A penalty by which the discriminator's loss is soon no number.
    data = ("--data", str(small_data))
    first = started(registry, *data, "--vary", "r1=0,1e38", "--seeds", "1", *TINY, "epochs=12")
    deadline = time.monotonic() + 120
    while running_step(registry) <= 8 and time.monotonic() < deadline:
        assert not first.ended(), first.printed()
        time.sleep(0.02)
    first.send_signal(signal.SIGINT)
    assert first.finish() == 0, first.printed()
    assert Study(Registry(str(registry)), "s").waiting() == 2
    done = sweep(registry, *data)
    assert done.returncode == 0, done.stderr
    study_trials = trials(Reader(str(registry)), "s")
    table, varied = study_trials.table, study_trials.varied
    assert varied == ["r1"]
    assert len(table) == 2
    assert (table["failed"] == (table["r1"] > 0)).all()
    assert set(table.loc[table["failed"], "status"]) == {"diverged"}


def test_wrong_flags_end_before_anything_is_trained(tmp_path: Path) -> None:
    for flags, message in (
        (("--vary", "losss=hinge"), "did you mean 'loss'"),
        (("--vary", "loss=hing"), "--loss"),
        (("--seeds", "0"), "--seeds"),
        (("--set", "loss"), "--set"),
    ):
        for run in (run_module, typed) if flags == ("--seeds", "0") else (run_module,):
            done = run("trainers.sweep", *words(tmp_path / "runs.db", *flags))
            assert done.returncode == 2, done.stderr
        assert message in done.stderr
    assert not (tmp_path / "runs.db").exists()
