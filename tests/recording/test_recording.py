"""The five calls: what a script records is in the registry as a run's of FerGAN, and what it cannot mean is refused."""

import io
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

import fergan_core as fergan
from fergan_core.errors import UsageError
from fergan_core.recording import Recording
from fergan_core.registry import Reader, Registry
from fergan_core.sheets import cut
from fergan_core.training.checkpoint import load_checkpoint
from tests.support.machine import ROOT
from tests.support.own_runs import EXAMPLE, run_example


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(str(tmp_path_factory.mktemp("recorded") / "runs.db"))


@pytest.fixture
def run(registry: Registry) -> Recording:
    return fergan.start(registry=registry)


def points(registry: Registry, run_id: str, metric: str) -> list[tuple[int, float]]:
    """A scalar's steps and values as they were recorded."""
    table = registry.reader.points([run_id], [metric], width=1)
    return list(zip(table["step"], table["mean"], strict=True))


def sheet_of(registry: Registry, run_id: str) -> tuple[list[str], np.ndarray]:
    """The newest sheet's names and its images as they were drawn."""
    row = registry.reader.sheets(run_id).iloc[-1]
    picture = np.asarray(Image.open(io.BytesIO(registry.reader.file(row.path).read_bytes())))
    images = cut(picture, int(row["columns"]))
    assert images is not None
    return row.emotions, images


def test_the_example_has_the_usual_loop_and_five_calls_and_records_all_of_them(tmp_path: Path) -> None:
    source = EXAMPLE.read_text()
    assert [source.count(f"fergan.{call}(") for call in ("start", "log", "sheet", "checkpoint", "finish")] == [1] * 5
    reader = Reader(run_example(tmp_path, steps=5))
    (run_id,) = reader.runs().query("not literature").id
    run = reader.run(run_id)
    assert (run["name"], run["status"], run["method"], run["preset"]) == ("own dcgan", "finished", *["own script"] * 2)
    assert (run["step"], run["epoch"], run["images_seen"]) == (5, 1, 80)  # of 48 faces an epoch has 3 batches of 16
    assert (run["recipe"]["config"]["lr"], run["recipe"]["batch_size"], run["dataset"]["images"]) == (2e-4, 16, 48)
    assert set(reader.metrics([run_id])) == {"loss_d", "loss_g"}
    assert len(reader.points([run_id], ["loss_d"], width=1)) == 5
    sheets = reader.sheets(run_id)
    assert [(row.step, row.emotions) for row in sheets.itertuples()] == [(2, ["happy"]), (4, ["happy"]), (5, ["happy"])]
    last = reader.checkpoints(run_id).iloc[-1]
    state = load_checkpoint(reader.file(last.path), reader.file(last.state_path), ["generator", "discriminator"])
    assert state["generator"]["0.weight"].shape == (100, 8, 6, 6)
    assert state["optimizer_g"]["param_groups"][0]["betas"] == [0.5, 0.999]


def test_numbers_of_any_kind_are_recorded_at_the_step_after_the_last(registry: Registry, run: Recording) -> None:
    for value in (1, True, np.float32(0.5), np.array([2.0]), torch.tensor(3.0, requires_grad=True), float("nan")):
        fergan.log({"mine/loss": value})
    fergan.log({"mine/loss": -math.inf, "other": 1}, step=40)
    fergan.log({"other": 2})
    fergan.finish("diverged", "it went wrong")
    recorded = points(registry, run.id, "mine/loss")
    assert [step for step, _ in recorded] == [1, 2, 3, 4, 5, 6, 40]
    assert [value for _, value in recorded][:5] == [1, 1, 0.5, 2, 3]
    assert math.isnan(recorded[5][1])
    assert recorded[6][1] == -math.inf
    assert points(registry, run.id, "other") == [(40, 1), (41, 2)]
    row = registry.reader.run(run.id)
    assert (row["status"], row["reason"], row["step"], row["steps"]) == ("diverged", "it went wrong", 41, 41)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fergan.log({"loss": "abc"}), "log: 'loss' is 'abc', not one number"),
        (lambda: fergan.log({"loss": torch.ones(2)}), "not one number"),
        (lambda: fergan.log({"": 1}), "not the name of a scalar"),
        (lambda: fergan.log({"loss": 1}, step=-1), "log: the step is -1"),
        (lambda: fergan.log({"loss": 1}, step=1.5), "log: the step is 1.5"),  # type: ignore[arg-type]
        (lambda: fergan.sheet(np.zeros((2, 8, 9), np.uint8)), "images are 9 x 8 px"),
        (lambda: fergan.sheet(np.zeros((2, 5, 8, 8), np.uint8)), r"the shape \(2, 5, 8, 8\)"),
        (lambda: fergan.sheet(np.zeros((0, 8, 8), np.uint8)), r"the shape \(0, 8, 8\)"),
        (lambda: fergan.sheet(torch.rand(2, 8, 8) * 255), "far beyond -1 to 1; give value_range"),
        (lambda: fergan.sheet(np.zeros((2, 8, 8), np.uint8), ["a"]), "1 labels for 2 images"),
        (lambda: fergan.sheet(np.zeros((2, 8, 8), np.uint8), [0, 2], classes=["a", "b"]), "2 is beyond the 2 classes"),
        (lambda: fergan.sheet(np.zeros((2, 8, 8), np.uint8), [0, 1], classes=["a", "a"]), "each another one"),
        (lambda: fergan.checkpoint({"epoch": 3}), "there are no weights in it"),
        (lambda: fergan.checkpoint({"net": nn.Linear(1, 1), "other": object()}), "neither a tensor nor JSON"),
        (lambda: fergan.finish("ended"), "'ended' is not how a run ends"),
        (lambda: fergan.start("x", 5), "config: 5 holds no named settings"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(registry: Registry, call: Any, says: str) -> None:
    with fergan.start(registry=registry), pytest.raises(UsageError, match=says):
        call()


def test_images_keep_their_side_their_colours_and_their_classes(registry: Registry, run: Recording) -> None:
    colours = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1]]).reshape(4, 3, 1, 1)
    fergan.sheet(colours.expand(4, 3, 64, 64), torch.tensor([1, 0, 1, 0]), classes=["a|b", "<i>car</i>", "none"])
    names, images = sheet_of(registry, run.id)
    assert names == ["a|b", "<i>car</i>"]
    assert images.shape == (2, 2, 64, 64, 3)
    assert np.abs(images[:, :, 32, 32].astype(int) - [[[0, 255, 0], [255] * 3], [[255, 0, 0], [0, 0, 255]]]).max() < 40
    shades = np.repeat(np.linspace(0, 1, 5, dtype=np.float32), 28 * 28).reshape(5, 28, 28)
    fergan.sheet(shades, [7, 7, 7, 12, 12], value_range=(0, 1), step=3)
    names, images = sheet_of(registry, run.id)
    assert names == ["7", "12"]
    assert np.abs(images[:, :, 14, 14, 0].astype(int) - [[0, 64], [191, 255]]).max() < 4
    fergan.sheet([torch.full((1, 900, 900), math.nan)], step=4)
    names, images = sheet_of(registry, run.id)
    assert (names, images.shape[:4]) == (["images"], (1, 1, 512, 512))
    assert images.max() < 16
    fergan.finish()


def test_weights_alone_tied_weights_and_a_network_are_saved(registry: Registry, run: Recording) -> None:
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    for step, state in enumerate((tied, tied.state_dict(), {"model": tied.state_dict(), "best": 0.5}), 1):
        fergan.checkpoint(state, step=step)
        row = registry.reader.checkpoints(run.id).iloc[-1]
        saved = load_file(registry.reader.file(row.path))
        assert torch.equal(saved["model.1.weight"], tied[0].weight)
        assert (row.step, row.epoch) == (step, step)
    fergan.finish()


def test_runs_at_once_are_told_apart_and_the_calls_act_on_the_last(registry: Registry) -> None:
    config = {"batch_size": 8, "steps_per_epoch": 10, "epochs": 2, "seed": 3}
    one, other = fergan.start("one", config, registry=registry), fergan.start("other", registry=registry)
    fergan.log({"loss": 1})
    one.log({"loss": 2}, step=12)
    fergan.finish()
    for call in (fergan.finish, other.finish, lambda: fergan.log({"loss": 1})):
        with pytest.raises(UsageError, match="start"):
            call()
    one.sheet(np.zeros((2, 8, 8), np.uint8))
    one.finish()
    assert [points(registry, run.id, "loss") for run in (one, other)] == [[(12, 2)], [(1, 1)]]
    row = registry.reader.run(one.id)
    assert [row[name] for name in ("seed", "epoch", "epochs", "steps", "images_seen")] == [3, 1, 2, 20, 96]
    assert list(registry.reader.sheets(one.id)["epoch"]) == [1]


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "interrupted"), (ValueError, "failed")])
def test_an_error_that_leaves_the_block_is_how_the_run_ended(
    registry: Registry, error: type[BaseException], status: str
) -> None:
    run = fergan.start(registry=registry)

    def train() -> None:
        with run:
            run.log({"loss": 1})
            raise error("wrong shape")

    with pytest.raises(error):
        train()
    row = registry.reader.run(run.id)
    assert (row["status"], row["step"]) == (status, 1)
    assert ("SIGINT at step 1" if status == "interrupted" else "ValueError: wrong shape") == row["reason"]


@pytest.mark.slow
def test_a_script_that_dies_leaves_its_run_as_failed_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys, fergan_core as fergan\n"
        "fergan.start('mine', {'lr': 1}, registry=sys.argv[1])\n"
        "fergan.log({'loss': 1})\n"
        "assert 'torch' not in sys.modules\n"
        "raise ValueError('wrong shape')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "runs.db")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1
    reader = Reader(str(tmp_path / "runs.db"))
    row = reader.run(reader.resolve("mine"))
    assert (row["status"], row["reason"], row["step"]) == ("failed", "ValueError: wrong shape", 1)
