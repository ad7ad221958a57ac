"""All of a run as tables: what is in them, and that they are written together or not at all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fergan_core.errors import RegistryError
from fergan_core.recipe import Recipe, to_dict
from fergan_core.registry import Registry, Score
from fergan_core.registry.exchange.tables import FINDING_COLUMNS, RUN_COLUMNS, SCORE_COLUMNS, run_tables, write_tables

NAMES = ["runs", "points", "scores", "findings", "checkpoints", "sheets"]


@pytest.fixture
def run_id(registry: Registry) -> str:
    run_id = registry.create_run(
        name="a, \"b\"", method="gan", preset="quick", recipe=to_dict(Recipe()), seed=3, epochs=2, steps=20,
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "a" * 64},
        provenance={}, tags=["one", "two"],
    )  # fmt: skip
    registry.add_points(run_id, [("loss_d", 1, 0.1), ("loss_d", 2, float("nan")), ("loss_d", 3, float("inf"))])
    scores = [Score("fid", 2.5, 2.0, 3.0, 0.1), Score("accuracy", 0.5, emotion="happy")]
    protocol = {
        "count": 10,
        "seed": 0,
        "prior": "natural",
        "sampling": {"sampler": "heun", "steps": 8, "guidance": 1.0},
    }
    registry.add_evaluation(run_id, epoch=2, step=20, judge="j", judge_sha256="s", protocol=protocol, scores=scores)
    found = {
        "step": 3,
        "epoch": 1,
        "kind": "divergence",
        "severity": "alarm",
        "sentence": "It rose.",
        "numbers": {"to": 2},
    }
    registry.set_findings(run_id, [found])
    file = {"epoch": 1, "step": 10, "images_seen": 20, "sha256": "0" * 64, "bytes": 3}
    registry.add_checkpoint(run_id, path=f"{run_id}/checkpoints/10.safetensors", **file)
    registry.add_sheet(run_id, path=f"{run_id}/sheets/10.webp", emotions=["sad", "a,b"], columns=10, **file)
    return run_id


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_table_comes_back_with_its_columns(registry: Registry, run_id: str, tmp_path: Path, kind: str) -> None:
    tables = run_tables(registry.reader, [run_id])
    write_tables(tables, tmp_path / "out", kind)  # type: ignore[arg-type]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(f"{name}.{kind}" for name in NAMES)
    read = {name: getattr(pd, f"read_{kind}")(tmp_path / "out" / f"{name}.{kind}") for name in NAMES}
    assert all(len(read[name]) == (3 if name == "points" else 2 if name == "scores" else 1) for name in NAMES)
    assert list(read["runs"])[: len(RUN_COLUMNS)] == list(RUN_COLUMNS)
    run = read["runs"].iloc[0]
    assert (run["name"], run["tags"], run["recipe.batch_size"]) == ('a, "b"', '["one", "two"]', 128)
    assert str(run["created"]).endswith("+00:00")
    assert list(read["points"]) == ["run_id", "metric", "step", "value", "low", "high"]
    assert read["points"]["value"].tolist()[::2] == [0.1, np.inf]
    assert list(read["scores"]) == list(SCORE_COLUMNS)
    fid = read["scores"].set_index("metric").loc["fid"]
    assert [fid[name] for name in ("value", "low", "high", "real", "count", "sampler", "sampler_steps")] == [
        2.5, 2.0, 3.0, 0.1, 10, "heun", 8
    ]  # fmt: skip
    assert list(read["findings"]) == list(FINDING_COLUMNS)
    assert read["findings"]["numbers"][0] == '{"to": 2}'
    assert read["sheets"]["emotions"][0] == '["sad", "a,b"]'
    assert read["checkpoints"]["path"][0].startswith(run_id)


def test_a_point_that_is_nan_is_told_from_a_value_that_is_not_there(
    registry: Registry, run_id: str, tmp_path: Path
) -> None:
    write_tables(run_tables(registry.reader, [run_id]), tmp_path / "out", "csv")
    lines = (tmp_path / "out" / "points.csv").read_text().splitlines()
    assert lines[2] == f"{run_id},loss_d,2,NaN,,"


def test_nothing_is_overwritten(registry: Registry, run_id: str, tmp_path: Path) -> None:
    tables = run_tables(registry.reader, [run_id])
    (tmp_path / "out").mkdir()
    write_tables(tables, tmp_path / "out", "csv")
    with pytest.raises(RegistryError, match=r"--parquet: '.*out' is there already; name a folder that is new or empty"):
        write_tables(tables, tmp_path / "out", "parquet")
    assert len(list((tmp_path / "out").iterdir())) == len(NAMES)


def test_the_literature_has_tables_too(registry: Registry) -> None:
    tables = run_tables(registry.reader, ["report22"])
    assert len(tables["runs"]) == 1
    assert len(tables["scores"]) > 0
    assert tables["sheets"].empty
