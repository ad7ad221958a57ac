"""What a damaged registry still holds is saved, what it does not is listed, and nothing is made up."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from safetensors.numpy import save_file

from fergan_core.errors import RegistryError
from fergan_core.registry import Reader, Registry, Score
from fergan_core.registry.pages import Pages
from fergan_core.registry.salvage import salvage
from fergan_core.registry.schema import Base
from fergan_core.registry.verify import verify
from tests.registry.conftest import copied
from tests.registry.test_verify import checkpoint
from trainers.cli import main

Enter = Callable[..., str]
NAMES = [table.name for table in Base.metadata.sorted_tables if table.name != "changes"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, enter: Enter) -> Registry:
    """A registry of about 60 pages with four runs that have something in every table, one with a very long recipe."""
    registry = Registry(str(tmp_path_factory.mktemp("filled") / "runs.db"))
    for number in range(4):
        long = {"note": "x" * 9000} if number == 1 else {}
        run_id = enter(registry, name=f"run {number}", tags=["a", "b"], recipe={"preset": "quick", **long})
        for metric in ("loss_d", "loss_g", "probe"):
            registry.add_points(run_id, [(metric, step, step / 7) for step in range(400)])
        for step in (10, 20):
            checkpoint(registry, run_id, step)
            scores = [Score("is", 1.5, 1.4, 1.6), Score("accuracy", 0.5, emotion="happy")]
            protocol = {"count": 10, "seed": 0, "prior": "natural"}
            about = {"epoch": 1, "step": step, "judge": "j", "judge_sha256": "b" * 64}
            registry.add_evaluation(run_id, **about, protocol=protocol, scores=scores)
        finding = {"kind": "collapse", "severity": "alarm", "sentence": "It fell.", "numbers": {"emotion": "happy"}}
        registry.set_findings(run_id, [{"step": 20, "epoch": 2, **finding}])
        registry.note(run_id, "worth a look")
        registry.set_status(run_id, "finished")
    registry.forget_after(run_id, 15)  # so that there are free pages and cells with rows that were deleted
    return registry


@pytest.fixture
def full(filled: Registry, tmp_path: Path) -> Path:
    """A copy of it."""
    return copied(filled, tmp_path).files.with_suffix(".db")


def rows(path: Path) -> dict[str, set[tuple]]:
    """Return the rows of each table but the literature's."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        rows_by_table = {name: connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in NAMES}
        run_keys = connection.exec_driver_sql("SELECT key FROM runs WHERE literature = 0").scalars().all()
        evaluations = connection.exec_driver_sql("SELECT key, run_key FROM evaluations").all()
    engine.dispose()
    evaluation_keys = {key for key, run in evaluations if run in run_keys}
    keep = {
        name: (lambda row: row[0] in run_keys)
        if name in ("runs", "tags", "points", "checkpoints", "sheets")
        else (lambda row: row[1] in run_keys)
        if name in ("notes", "evaluations", "findings")
        else (lambda row: row[0] in evaluation_keys)
        if name == "scores"
        else (lambda row: True)
        for name in NAMES
    }
    return {name: {tuple(row) for row in rows_by_table[name] if keep[name](row)} for name in NAMES}


def test_every_row_of_a_whole_database_is_read_from_its_pages(full: Path) -> None:
    content = full.read_bytes()
    pages = Pages(content)
    pages.skip_free()
    roots = pages.roots()
    with sqlite3.connect(full) as connection:
        for name in NAMES:
            read = [row.values for row in pages.walk(roots[name])]
            assert len(read) == connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
    connection.close()
    assert pages.bad == 0


@pytest.mark.slow
def test_nothing_is_lost_where_the_schema_alone_is(full: Path) -> None:
    """The first page says where each table begins: without it rows are known by their shape."""
    before = rows(full)
    content = bytearray(full.read_bytes())
    content[:4096] = bytes(4096)
    full.write_bytes(content)
    saved = salvage(full, full.with_suffix(".files"))
    after = rows(full)
    for name in NAMES:
        lost = before[name] - after[name]
        assert not lost, (name, len(lost))
    assert saved.rows["runs"] == 4


def test_the_log_of_a_killed_writer_is_read_too(full: Path, tmp_path: Path, enter: Enter) -> None:
    before = rows(full)
    connection = sqlite3.connect(full)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("UPDATE notes SET text = 'from the log' WHERE text = 'worth a look'")
    connection.commit()
    copy = tmp_path / "copy" / "runs.db"
    copy.parent.mkdir()
    copy.write_bytes(full.read_bytes())
    copy.with_name("runs.db-wal").write_bytes(full.with_name("runs.db-wal").read_bytes())
    connection.close()
    saved = salvage(copy, copy.with_suffix(".files"))
    assert {row[2] for row in rows(copy)["notes"]} == {"from the log"}
    assert rows(copy)["points"] == before["points"]
    assert saved.aside.with_name(f"{saved.aside.name}-wal").exists()


def damaged_copies(content: bytes, folder: Path, kind: str) -> list[tuple[Path, int]]:
    """Write four copies with 20 flipped bits each, or four cut ones; return each with the pages hit at most."""
    draw = random.Random(1)
    copies = []
    for trial in range(4):
        bad = bytearray(content)
        if kind == "flips":
            for position in draw.sample(range(len(bad)), 20):
                bad[position] ^= 1 << draw.randrange(8)
        else:
            del bad[draw.randrange(len(bad) // 2, len(bad)) :]
        path = folder / f"{kind}{trial}" / "runs.db"
        path.parent.mkdir()
        path.write_bytes(bad)
        copies.append((path, 20 if kind == "flips" else (len(content) - len(bad)) // 4096 + 1))
    return copies


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cuts", pytest.param("flips", marks=pytest.mark.thorough)])
def test_damage_anywhere_loses_what_it_hits_and_no_more(full: Path, tmp_path: Path, kind: str) -> None:
    original, content = rows(full), full.read_bytes()
    pages = Pages(content)
    most = max(len(pages._page(number)[0]) for number in range(2, pages.count + 1))
    for path, hit in damaged_copies(content, tmp_path, kind):
        before = path.read_bytes()
        saved = salvage(path, path.with_suffix(".files"))
        assert saved.aside.read_bytes() == before
        after, reader = rows(path), Reader(str(path))
        assert verify(reader).database == []
        for run_id in reader.runs()["id"]:
            reader.run(run_id), reader.scores([run_id], sampled=True), reader.points([run_id], reader.metrics([run_id]))
        # A lost run or metric takes its points along; of the others no more is lost than the pages held that were hit.
        runs = {row[0] for row in after["runs"]} & {row[0] for row in original["runs"]}
        metrics = {row[0] for row in after["metrics"]} & {row[0] for row in original["metrics"]}
        expected = {row for row in original["points"] if row[0] in runs and row[1] in metrics}
        assert len(expected - after["points"]) <= hit * most
        assert len(after["points"] - original["points"]) <= hit * 2  # of a flip within a row, SQLite knows nothing
        if original["points"] - after["points"]:
            assert saved.lost


@pytest.mark.slow
def test_the_command_saves_lists_and_keeps(full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = str(full)
    files = full.with_suffix(".files")
    lost_run = Reader(registry).resolve("run 2")
    with sqlite3.connect(full) as connection:
        connection.execute("UPDATE runs SET recipe = '{' WHERE id = ?", (lost_run,))
    connection.close()
    assert main(["runs", "verify", "--registry", registry]) == 1
    assert "damaged: runs: " in capsys.readouterr().out
    assert main(["runs", "list", "--registry", registry]) in (0, 1)
    capsys.readouterr()
    assert main(["runs", "verify", "--repair", "--registry", registry]) == 1
    output = capsys.readouterr().out
    assert "saved: " in output
    assert "cannot be read; " in output
    assert "runs: 1 rows" in output
    aside = next(full.parent.glob("runs.damaged-*.db"))
    assert str(aside) in output
    assert sorted(file.name for file in (aside.with_suffix(".files") / lost_run).iterdir()) == ["checkpoints", "sheets"]
    assert not list((files / lost_run).rglob("*.*"))
    assert main(["runs", "verify", "--registry", registry]) == 0
    assert set(Reader(registry).runs()["name"]) == {"run 0", "run 1", "run 3", "Report 2022 (IA930)"}
    save_file({"w": np.ones(2)}, files / "x.safetensors")
    assert main(["runs", "verify", "--registry", registry]) == 0  # a stray, which is not damage


@pytest.mark.parametrize("content", [b"", b"<html>" * 999, bytes(70_000), b"SQLite format 3\0" + bytes(8000)])
def test_what_holds_no_run_is_left_as_it_was(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(content)
    assert main(["runs", "verify", "--repair", "--registry", str(path)]) == 1
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".lock"] == ["runs.db"]


def test_a_registry_in_use_is_not_saved(full: Path) -> None:
    registry = Registry(str(full))
    run_id = registry.reader.resolve("run 0")
    registry.set_status(run_id, "running")
    before = full.read_bytes()
    with pytest.raises(RegistryError, match=f"run {run_id} is being trained"):
        salvage(full, full.with_suffix(".files"))
    assert full.read_bytes() == before
    assert not list(full.parent.glob(".runs.db.*"))
