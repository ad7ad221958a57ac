"""`make bench-gpu` in small, on the CPU: its parts, their limits, what it plans and what it leaves to bring back."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType

import pytest
import torch

from benchmarks.common import row
from benchmarks.gpu import bring, checks, training
from benchmarks.gpu.__main__ import Bench, run
from benchmarks.gpu.job import GPU_PRESETS, ON_CPU, Job, Size
from benchmarks.gpu.parts import Part, do
from fergan_core import methods
from fergan_core import recipe as recipes
from fergan_core.data import open_dataset
from fergan_core.registry import Registry
from fergan_core.registry.exchange.archive import import_run
from tests.support.commands import FORKS, few_light_faces

RECIPE = recipes.preset("robust-gpu")
SPEED = 1000.0


def test_the_measured_presets_are_all_that_are_meant_for_a_gpu_and_the_two_that_are_to_be_faster_there() -> None:
    assert {"robust-gpu", "vae-gpu", "diffusion-gpu", "flow-gpu"} <= set(GPU_PRESETS)
    assert set(Size().presets) == {*GPU_PRESETS, "dcgan-concat", "robust"}


@pytest.mark.parametrize("seconds", [60.0, 130.0, 470.0])
@pytest.mark.parametrize("scoring", [1.0, 15.0])
def test_a_plan_fills_the_time_with_whole_epochs_and_scores(seconds: float, scoring: float) -> None:
    images = 6_400
    plan = training.sized(RECIPE, images, SPEED, seconds, scoring)
    scorings = sum(
        epoch == plan.epochs or epoch % (plan.eval_every or plan.epochs) == 0 for epoch in range(1, plan.epochs + 1)
    )
    assert scorings == (2 if seconds > 12 * scoring else 1)
    took = plan.epochs * images / SPEED + scorings * scoring
    assert took <= seconds < took / 0.92 + (images / SPEED + 0.1 * seconds)
    assert plan.images == RECIPE.images
    assert plan.epochs / plan.checkpoint_every <= 12
    assert replace(plan, epochs=60, eval_every=10, checkpoint_every=5) == RECIPE


def test_where_no_epoch_fits_a_plan_has_fewer_images_and_where_nothing_fits_one_step() -> None:
    plan = training.sized(RECIPE, 25_600, SPEED, 20.0, 5.0)
    assert (plan.epochs, plan.eval_every) == (1, 0)
    assert plan.images == 107 * 128  # of 15 seconds 92 %
    assert training.sized(RECIPE, 25_600, SPEED, 3.0, 5.0).images == 128


def test_a_pilots_speed_leaves_out_its_longest_pause() -> None:
    steady = [(float(second), 500 * second) for second in range(5)]
    paused = [*steady, *((34.0 + second, 2_000 + images) for second, images in steady[1:])]
    assert training.speed_of(paused) == (500.0, 7.0)
    assert training.speed_of(steady[:2]) == (0.0, 0.0)
    assert training.speed_of([]) == (0.0, 0.0)


def test_a_large_archive_is_brought_back_in_parts_that_make_it_again(tmp_path: Path) -> None:
    archive = tmp_path / "run.zip"
    archive.write_bytes(bytes(range(100)))
    folder = tmp_path / "out"
    folder.mkdir()
    parts = bring.split(archive, folder, 40)
    assert [part.name for part in parts] == ["run.zip.1", "run.zip.2", "run.zip.3"]
    assert b"".join(part.read_bytes() for part in parts) == archive.read_bytes()
    (only,) = bring.split(archive, folder, 100)
    assert (only.name, only.read_bytes()) == ("run.zip", archive.read_bytes())


def test_draws_for_another_device_are_the_cpus() -> None:
    torch.manual_seed(0)
    expected = [torch.rand(3), torch.randn(2, 2), torch.randint(1, 7, (4,)), torch.randn(3)]
    torch.manual_seed(0)
    with checks.SameDraws():
        other = torch.rand(3, device="meta"), torch.randn(2, 2, device="meta")
        drawn = torch.randint(1, 7, (4,)), torch.randn_like(torch.empty(3))
    assert [draw.device.type for draw in other] == ["meta", "meta"]
    assert torch.equal(drawn[0], expected[2])
    assert torch.equal(drawn[1], expected[3])


def test_differences_are_relative_and_what_is_not_a_number_is_beyond_any_limit() -> None:
    expected = [{"loss": 2.0, "grad_norm": 100.0}, {"loss": 4.0, "grad_norm": 300.0}]
    actual = [{"loss": 2.0, "grad_norm": 102.0}, {"loss": 4.3, "grad_norm": 300.0}]
    assert checks.differences(actual, expected) == pytest.approx([0.01, 0.1])
    assert checks.differences([{"loss": float("nan")}], [{"loss": 1.0}]) == [float("inf")]
    assert checks.differences([{"loss": 0.0}], [{"loss": 0.0}]) == [0.0]


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["robust-gpu", "vae-gpu", "flow-gpu"])
def test_other_kernels_give_the_same_losses_and_another_rate_does_not(preset: str, small_data: Path) -> None:
    """PyTorch's own convolutions in place of oneDNN's are as another device."""
    recipe, dataset, cpu = (
        checks.without_own_draws(ON_CPU.recipe(preset)),
        open_dataset(small_data),
        torch.device("cpu"),
    )

    def losses(recipe: recipes.Recipe, *, nudged: bool = False) -> checks.Losses:
        return checks.first_losses(recipe, dataset, cpu, 4, 4, nudged=nudged)

    expected, nudged = losses(recipe), losses(recipe, nudged=True)
    with torch.backends.mkldnn.flags(enabled=False):
        other = losses(recipe)
    rates = {name: str(2 * rate) for name, rate in vars(recipe.method).items() if name in ("lr", "g_lr", "d_lr")}
    faulty = losses(recipes.changed(recipe, rates))
    assert other != expected
    assert checks.losses_row(preset, expected, other, nudged)["ok"]
    assert not checks.losses_row(preset, expected, faulty, nudged)["ok"]


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> ForkServerContext:
    """Return how processes are made whose imports, which take seconds, are behind them."""
    # A new process runs the file of `__main__` first, and AppTest leaves a page's there.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    first = FORKS.Process(target=os.getpid)
    first.start()
    first.join()
    return FORKS


def hang(job: Job) -> None:
    """Start a process that outlives its parent's limit, and wait for it."""
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    job.report(row("sleeper", sleeper.pid, "process id"))
    sleeper.wait()


def fail(job: Job) -> None:
    """Report a row and fail."""
    job.report(row("before", 1, "s"))
    raise ValueError("no such chip")


def train_and_score_few_faces(job: Job) -> None:
    """Train for about 10 seconds, with scorings of two; a slow machine takes longer."""
    with few_light_faces():
        training.run(replace(job, seconds=10.0))


@pytest.mark.slow
@pytest.mark.thorough
def test_a_part_ends_at_its_limit_with_what_it_started_and_a_failed_one_says_why(
    tmp_path: Path, forks: ForkServerContext
) -> None:
    jobs = [
        (
            Part(name, f"{__name__}.{name}", 0),
            Job("synthfer", "cpu", "robust-gpu", ON_CPU, tmp_path, tmp_path / name, seconds),
        )
        for name, seconds in (("hang", 3.0), ("fail", 60.0))
    ]
    started = time.monotonic()
    rows = do(jobs, forks)
    assert time.monotonic() - started < 20
    assert [(line["part"], line["name"], line["note"]) for line in rows] == [
        ("hang", "sleeper", ""),
        ("hang", "hang", "failed: not done within 3 s"),
        ("fail", "before", ""),
        ("fail", "fail", "failed: ValueError: no such chip"),
    ]
    status = Path(f"/proc/{rows[0]['value']}/status")

    def ended() -> bool:
        return not status.exists() or "\nState:\tZ" in status.read_text()

    while not ended() and time.monotonic() - started < 30:  # a busy machine takes a moment to end what was killed
        time.sleep(0.05)
    assert ended()


@pytest.mark.slow
@pytest.mark.thorough
def test_a_bench_in_small_leaves_a_json_and_a_run_that_is_imported(
    tmp_path: Path, small_data: Path, forks: ForkServerContext, capsys: pytest.CaptureFixture[str]
) -> None:
    out, folder = tmp_path / "out", tmp_path / "work"
    for place in (out, folder):
        place.mkdir()
    size = replace(ON_CPU, presets=("vae-gpu",))
    groups = [
        [Part("checks", "benchmarks.gpu.checks.run", 0.3), Part("fail", f"{__name__}.fail", 0.3)],
        [Part("train", f"{__name__}.train_and_score_few_faces", 0)],
    ]
    bench = Bench(1.0, str(small_data), "vae-gpu", out, "cpu", folder, forks)
    assert run(bench, groups, size) == 1  # since one part failed
    found = json.loads((out / bring.JSON).read_text())
    rows = {(line["part"], line["name"]): line for line in found["rows"]}
    assert rows["fail", "fail"]["note"] == "failed: ValueError: no such chip"
    assert rows["checks", "vae-gpu: losses of 4 steps as on the CPU"]["value"] == 0
    assert rows["checks", "vae-gpu: stopped, loaded and gone on"]["ok"]
    assert rows["train", "vae-gpu, planned"]["value"] >= 1
    assert rows["train", "vae-gpu: FID"]["value"] > rows["train", "vae-gpu: FID"]["reference"]
    assert "vae-gpu: FID" in capsys.readouterr().out
    files = {file.name: file.stat().st_size for file in out.iterdir()}
    assert len(files) <= bring.MOST_FILES
    assert {bring.JSON, bring.LOG, bring.ARCHIVE} < set(files)
    assert max(files.values()) <= bring.PART_BYTES
    registry = Registry(str(tmp_path / "home.db"))
    run_id = import_run(registry, out / bring.ARCHIVE)
    run_row, checkpoints = registry.reader.run(run_id), registry.reader.checkpoints(run_id)
    assert run_row["status"] in ("finished", "interrupted")  # where the machine became slower after the pilot
    assert set(registry.reader.scores([run_id])["step"]) == {int(checkpoints.iloc[-1]["step"])}
    weights = registry.reader.file(checkpoints.iloc[-1]["path"])
    faces = methods.load_generator(run_row["recipe"], weights).sample(torch.tensor([0, 3]), 0)
    assert faces.shape == (2, 1, 48, 48)
