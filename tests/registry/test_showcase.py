"""The showcase: small, whole, without a trace of the machine it was made on, and never at the cost of a run."""

import hashlib
import math
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from fergan_core.errors import RegistryError
from fergan_core.registry import Reader, Registry, Score
from fergan_core.registry.exchange.showcase import chosen_checkpoints, chosen_sheets, scrubbed, spread, write_showcase
from fergan_core.registry.verify import verify
from tests.registry.conftest import copied

pytestmark = pytest.mark.slow

EPOCHS, STEPS_PER_EPOCH = 30, 60


def train(registry: Registry, name: str) -> str:
    """Record a run of 30 epochs: 1,800 points a metric, a sheet and a checkpoint an epoch, a score every fifth."""
    run_id = registry.create_run(
        name=name,
        method="gan",
        preset="quick",
        recipe={"preset": "quick"},
        dataset={"name": "fer2013", "source": "/home/somebody/data/fer2013.csv", "content_hash": "ab", "images": 5},
        seed=3,
        provenance={"device": "cpu", "command": "/home/somebody/.venv/bin/python -m trainers.dcgan --data ~/f/x.csv"},
        tags=["kept"],
        epochs=EPOCHS,
        steps=EPOCHS * STEPS_PER_EPOCH,
    )
    steps = range(1, EPOCHS * STEPS_PER_EPOCH + 1)
    losses = {step: math.sin(step / 50) for step in steps} | {777: 40.0, 1234: -40.0, 1800: math.nan}
    registry.add_points(run_id, [("loss_d", step, value) for step, value in losses.items()])
    registry.add_points(run_id, [("images_per_second", step, 10.0 if step % 2 else 1_000.0) for step in steps])
    registry.add_points(run_id, [("rare", step, float(step)) for step in range(1, 100)])
    for folder in ("checkpoints", "sheets"):
        (registry.files / run_id / folder).mkdir(parents=True)
    for epoch in range(1, EPOCHS + 1):
        step = epoch * STEPS_PER_EPOCH
        about = {"epoch": epoch, "step": step, "images_seen": step * 64}
        weights = registry.files / run_id / "checkpoints" / f"step-{step:08d}.safetensors"
        sheet = registry.files / run_id / "sheets" / f"step-{step:08d}.webp"
        generator = {"generator.w": np.linspace(-1, 1, 1000, dtype=np.float32) * epoch}
        generator |= {"generator.var": np.array([1e6], np.float32), "generator.n": np.array([7], np.int64)}
        save_file({**generator, "discriminator.w": np.ones(5000, np.float32)}, weights)
        save_file({"moment": np.ones(9, np.float32)}, weights.with_suffix(".state.safetensors"))
        Image.new("L", (52, 52), epoch).save(sheet)
        described = {}
        for prefix, file in (("", weights), ("state_", weights.with_suffix(".state.safetensors"))):
            described |= entry(registry, file, prefix)
        registry.add_checkpoint(run_id, **about, **described)
        registry.add_sheet(run_id, **about, **entry(registry, sheet), emotions=["happy"], columns=1)
        if epoch % 5 == 0:
            protocol = {"count": 10, "seed": 0, "prior": "natural"}
            scores = [Score("is", 1 + epoch / 10), Score("fid", 1 + abs(epoch - 20))]
            registry.add_evaluation(
                run_id, epoch=epoch, step=step, judge="j", judge_sha256="c", protocol=protocol, scores=scores
            )
    registry.set_status(run_id, "finished")
    return run_id


def entry(registry: Registry, file: Path, prefix: str = "") -> dict[str, object]:
    content = file.read_bytes()
    path, sha256 = file.relative_to(registry.files).as_posix(), hashlib.sha256(content).hexdigest()
    return {f"{prefix}path": path, f"{prefix}sha256": sha256, f"{prefix}bytes": len(content)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, str, str]:
    """A registry with two runs: the one to show and another."""
    registry = Registry(str(tmp_path_factory.mktemp("trained") / "source.db"))
    return registry, train(registry, "shown"), train(registry, "other")


@pytest.fixture
def source(trained: tuple[Registry, str, str], tmp_path: Path) -> tuple[Registry, str, str]:
    """A copy of it."""
    registry, shown, other = trained
    return copied(registry, tmp_path), shown, other


def test_a_showcase_is_small_and_says_the_same(source: tuple[Registry, str, str], tmp_path: Path) -> None:
    registry, run_id, _ = source
    target = tmp_path / "shown" / "runs.db"
    target.parent.mkdir()
    size = write_showcase(registry.url, target, [run_id])
    original, showcase = registry.reader, Reader(str(target))
    assert showcase.runs()["id"].tolist() == [run_id, "report22"]
    assert verify(showcase).damage == []
    on_disk = [file for file in target.parent.rglob("*") if file.is_file() and file.suffix != ".lock"]
    assert size == sum(file.stat().st_size for file in on_disk)
    assert set(os.listdir(target.parent)) - {"runs.db.lock"} == {"runs.db", "runs.files"}

    sheets = showcase.sheets(run_id)
    assert len(sheets) == 25
    assert (sheets["epoch"].iloc[0], sheets["epoch"].iloc[-1]) == (1, EPOCHS)
    checkpoints = showcase.checkpoints(run_id)
    assert checkpoints["epoch"].tolist() == [5, 20, EPOCHS]  # first, best and last
    assert checkpoints["state_path"].isna().all()
    light = load_file(showcase.file(checkpoints["path"].iloc[-1]))
    assert set(light) == {"generator.w", "generator.var", "generator.n"}
    assert (light["generator.w"].dtype, light["generator.n"].dtype) == (np.float16, np.int64)
    assert light["generator.var"].tolist() == [1e6]
    np.testing.assert_allclose(light["generator.w"], np.linspace(-1, 1, 1000) * EPOCHS, rtol=1e-3, atol=1e-3)
    assert showcase.scores([run_id]).to_json() == original.scores([run_id]).to_json()
    assert showcase.run(run_id)["tags"] == ["kept"]


def test_sheets_around_what_went_wrong_are_kept() -> None:
    steps = range(10, 1010, 10)
    chosen = chosen_sheets(steps, [333, 700], 9)
    assert {10, 330, 340, 690, 700, 1000} <= set(chosen)
    assert len(chosen) == len(set(chosen)) == 9
    assert chosen_sheets(steps, range(15, 995, 10), 25) == spread(steps, 25)
    assert chosen_sheets(steps, [333], 1) == [1000]
    assert chosen_sheets([10, 20], [15], 25) == [10, 20]


def test_the_last_checkpoint_is_kept_first_and_an_unmeasured_one_is_never_the_best() -> None:
    fid = {1: math.inf, 2: 3.0, 3: 9.0}
    assert [chosen_checkpoints(fid, count) for count in range(4)] == [[], [3], [1, 3], [1, 2, 3]]
    assert chosen_checkpoints({}, 3) == []


def test_thinned_points_keep_every_spike_and_nan(source: tuple[Registry, str, str], tmp_path: Path) -> None:
    registry, run_id, _ = source
    write_showcase(registry.url, tmp_path / "runs.db", [run_id])
    showcase = Reader(str(tmp_path / "runs.db"))
    assert showcase.run(run_id)["thinned"]
    assert not registry.reader.run(run_id)["thinned"]
    points = showcase.points([run_id], ["loss_d"], buckets=2000)
    full = registry.reader.points([run_id], ["loss_d"], buckets=500)
    assert len(points) == len(full) == 450
    np.testing.assert_allclose(points[["step", "low", "high"]], full[["step", "low", "high"]])
    assert (points["high"].max(), points["low"].min(), points["nans"].sum()) == (40.0, -40.0, 1)
    finite = points["mean"].notna()
    np.testing.assert_allclose(points["mean"][finite], full["mean"][finite])
    assert len(showcase.points([run_id], ["rare"])) == 99
    # Half of the steps at 10 images a second, half at 1,000: the time that all took is still known.
    speed = showcase.points([run_id], ["images_per_second"], buckets=2000)
    seconds = (np.diff(speed["step"], prepend=0) / speed["mean"]).sum()
    assert seconds == pytest.approx(900 / 10 + 900 / 1_000)


def test_at_one_width_thinned_points_spread_as_wide_as_full_ones(
    source: tuple[Registry, str, str], tmp_path: Path
) -> None:
    registry, run_id, _ = source
    write_showcase(registry.url, tmp_path / "runs.db", [run_id])
    showcase = Reader(str(tmp_path / "runs.db"))
    assert registry.reader.widest_stretch([run_id], ["loss_d"]) == 1
    assert showcase.widest_stretch([run_id], ["rare"]) == 1  # so few points that they were kept
    width = showcase.widest_stretch([run_id], ["loss_d", "rare"])
    assert width == 4
    for steps in (width, 5 * width):
        thinned = showcase.points([run_id], ["loss_d"], width=steps)
        full = registry.reader.points([run_id], ["loss_d"], width=steps)
        np.testing.assert_allclose(thinned[["step", "low", "high"]], full[["step", "low", "high"]])


@pytest.mark.parametrize("trial", [False, True])
def test_in_brief_less_is_kept_and_of_a_studys_trial_no_sheet(
    source: tuple[Registry, str, str], tmp_path: Path, trial: bool
) -> None:
    registry, run_id, other = source
    if trial:
        registry.tag(other, "study:s")
    write_showcase(registry.url, tmp_path / "runs.db", [run_id], [other])
    original, showcase = registry.reader, Reader(str(tmp_path / "runs.db"))
    assert (showcase.sheets(other)["epoch"].tolist(), len(showcase.checkpoints(other))) == (
        [] if trial else [EPOCHS],
        0,
    )
    points = showcase.points([other], ["loss_d"], buckets=2000)
    assert len(points) == (16 if trial else 30)
    assert (points["high"].max(), points["low"].min(), points["nans"].sum()) == (40.0, -40.0, 1)
    assert showcase.scores([other]).to_json() == original.scores([other]).to_json()
    assert len(showcase.sheets(run_id)) == 25
    assert verify(showcase).damage == []


def test_of_a_drawable_run_a_few_sheets_and_the_last_weights_are_kept(
    source: tuple[Registry, str, str], tmp_path: Path
) -> None:
    registry, run_id, other = source
    write_showcase(registry.url, tmp_path / "runs.db", [], [run_id], [other])
    showcase = Reader(str(tmp_path / "runs.db"))
    assert showcase.sheets(other)["epoch"].tolist()[::3] == [1, EPOCHS]
    assert len(showcase.sheets(other)) == 4
    assert showcase.checkpoints(other)["epoch"].tolist() == [EPOCHS]
    assert showcase.checkpoints(run_id).empty
    assert len(showcase.points([other], ["loss_d"], buckets=2000)) == 60


def test_nothing_tells_of_the_machine(source: tuple[Registry, str, str], tmp_path: Path) -> None:
    registry, run_id, _ = source
    write_showcase(registry.url, tmp_path / "runs.db", [run_id])
    assert b"somebody" not in (tmp_path / "runs.db").read_bytes()
    row = Reader(str(tmp_path / "runs.db")).run(run_id)
    assert row["dataset"]["source"] == "fer2013.csv"
    assert row["provenance"]["command"] == "python -m trainers.dcgan --data x.csv"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train --data=/a/b/c.csv --lr 1/2", "train --data=c.csv --lr 1/2"),
        ("--registry postgresql://me:secret@host/db --seed 1", "--registry URL --seed 1"),
        (r"C:\Users\me\python.exe -m x", "python.exe -m x"),
        ("'/a b/c d.csv'", None),
        ("Linux-6.1-x86_64 2.8.0+cpu", "Linux-6.1-x86_64 2.8.0+cpu"),
        ("judges/mine.safetensors", "judges/mine.safetensors"),
    ],
)
def test_scrubbing(text: str, expected: str | None) -> None:
    result = scrubbed({"a": [text, 3, None]})["a"]
    assert result[1:] == [3, None]
    if expected is None:
        assert "/a" not in result[0]
    else:
        assert result[0] == expected


def test_reading_a_showcase_writes_nothing(source: tuple[Registry, str, str], tmp_path: Path) -> None:
    registry, run_id, _ = source
    target = tmp_path / "shown" / "runs.db"
    target.parent.mkdir()
    write_showcase(registry.url, target, [run_id])
    before, names = target.read_bytes(), sorted(os.listdir(target.parent))
    with sqlite3.connect(target) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    reader = Reader(str(target))
    reader.runs()
    reader.points([run_id], reader.metrics([run_id]))
    verify(reader)
    assert target.read_bytes() == before
    assert sorted(os.listdir(target.parent)) == names


def test_a_registry_becomes_its_own_showcase(source: tuple[Registry, str, str], tmp_path: Path) -> None:
    registry, run_id, other = source
    target = tmp_path / "source.db"
    before = target.read_bytes()
    with pytest.raises(RegistryError, match=other):
        write_showcase(registry.url, target, [run_id])
    assert target.read_bytes() == before
    assert verify(Reader(str(target))).damage == []
    registry.trash(other)
    first = write_showcase(registry.url, target, [run_id])
    reader = Reader(str(target))
    assert set(reader.runs()["id"]) == {run_id, "report22"}
    assert verify(reader).damage == []
    assert not (registry.files / other).exists()
    points = reader.points([run_id], ["loss_d"]).to_json()
    assert abs(write_showcase(registry.url, target, [run_id]) - first) < 10_000
    assert Reader(str(target)).points([run_id], ["loss_d"]).to_json() == points
    Registry(str(target)).note(run_id, "it can be written again")
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".showcase")]


def test_a_run_that_only_the_old_showcase_has_is_not_lost(source: tuple[Registry, str, str], tmp_path: Path) -> None:
    registry, run_id, other = source
    target = tmp_path / "runs.db"
    write_showcase(registry.url, target, [run_id, other])
    write_showcase(registry.url, target, [run_id])
    new_run = train(Registry(str(target)), "mine")
    with pytest.raises(RegistryError, match=new_run):
        write_showcase(registry.url, target, [run_id])
    assert new_run in set(Reader(str(target)).runs()["id"])


def test_a_damaged_or_running_run_is_refused_and_leaves_the_old_showcase(
    source: tuple[Registry, str, str], tmp_path: Path
) -> None:
    registry, run_id, other = source
    target = tmp_path / "runs.db"
    write_showcase(registry.url, target, [run_id])
    before = target.read_bytes()
    registry.set_status(other, "running")
    with pytest.raises(RegistryError, match="still training"):
        write_showcase(registry.url, target, [run_id, other])
    reader = registry.reader
    reader.file(reader.sheets(run_id)["path"].iloc[0]).write_bytes(b"x")
    with pytest.raises(RegistryError, match="missing or changed"):
        write_showcase(registry.url, target, [run_id])
    assert target.read_bytes() == before
    assert verify(Reader(str(target))).damage == []


def test_spread() -> None:
    assert spread([1, 2, 3], 4) == [1, 2, 3]
    assert spread(list(range(100)), 4) == [0, 33, 66, 99]
    assert len(set(spread(list(range(26)), 25))) == 25
    assert spread([5], 4) == [5]
    assert (spread([1, 2, 3], 1), spread([1, 2, 3], 0)) == ([3], [])
