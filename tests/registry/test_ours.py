"""What is not a registry is neither taken for one nor touched; damage is said in a sentence with the way back."""

import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fergan_core.errors import Damaged, NewerSchema, RegistryError
from fergan_core.registry import Reader, Registry, Score
from fergan_core.registry.connect import sqlite_path
from fergan_core.registry.ours import APPLICATION_ID, Kind, kind_of
from fergan_core.registry.schema import VERSION_TABLE
from trainers.shell import guarded

Enter = Callable[..., str]


def foreign(path: Path, mode: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute("CREATE TABLE runs (id INTEGER)")
    connection.execute("INSERT INTO runs VALUES (1)")
    connection.commit()
    connection.close()


def with_all_in_its_log(path: Path) -> None:
    """Make a database as one looks whose program was killed after its first transaction."""
    source = path.with_name("source.db")
    connection = sqlite3.connect(source)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE theirs (id INTEGER)")
    connection.commit()
    path.write_bytes(source.read_bytes())
    path.with_name(f"{path.name}-wal").write_bytes(source.with_name("source.db-wal").read_bytes())
    connection.close()
    source.unlink()


MAKERS: dict[str, Callable[[Path], object]] = {
    "empty": Path.touch,
    "text": lambda path: path.write_text("emotion,pixels,Usage\n" * 40),
    "page": lambda path: path.write_text("<!doctype html><title>404</title>"),
    "picture": lambda path: Image.new("L", (48, 48)).save(path, "png"),
    "one byte": lambda path: path.write_bytes(b"S"),
    "header alone": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "another program's": lambda path: foreign(path, "DELETE"),
    "another program's in WAL mode": lambda path: foreign(path, "WAL"),
    "another program's in its log": with_all_in_its_log,
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("what", MAKERS)
def test_what_is_not_a_registry_is_refused_and_stays_as_it_is(tmp_path: Path, what: str) -> None:
    path = tmp_path / "it.db"
    MAKERS[what](path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    for opener in (Reader, Registry):
        with pytest.raises(RegistryError, match=r"^--registry: '.*it\.db' cannot be [^\n]*$"):
            opener(str(path))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before


def test_an_older_registry_without_our_number_is_ours_and_gets_it(registry: Registry) -> None:
    path = sqlite_path(registry.url)
    assert path is not None
    assert path.read_bytes()[68:72] == APPLICATION_ID.to_bytes(4, "big")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 0")
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    before = path.read_bytes()
    assert kind_of(path) is Kind.OURS
    assert Reader(registry.url).runs()["id"].tolist() == ["report22"]
    assert path.read_bytes() == before
    Registry(registry.url)
    assert path.read_bytes()[68:72] == APPLICATION_ID.to_bytes(4, "big")


def test_a_newer_registry_out_of_wal_mode_stays_as_it_is(registry: Registry) -> None:
    path = sqlite_path(registry.url)
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NewerSchema):
        Registry(registry.url)
    assert path.read_bytes() == before


def test_a_new_registry_takes_nothing_from_the_log_of_another(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with_all_in_its_log(path)
    path.unlink()
    Registry(str(path))
    assert Reader(str(path)).runs()["id"].tolist() == ["report22"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'theirs'").fetchall() == []
    connection.close()


def ask(url: str) -> None:
    """Ask all that the commands and pages ask, and write a little."""
    reader = Reader(url)
    for trashed in (False, True):
        for run_id in reader.runs(trashed)["id"]:
            reader.run(reader.resolve(run_id)), reader.checkpoints(run_id), reader.sheets(run_id)
            reader.points([run_id], reader.metrics([run_id])), reader.scores([run_id], sampled=True)
            reader.findings([run_id]), reader.recipes([run_id])
    reader.last_write()
    writer = Registry(url)
    for run_id in Reader(url).runs()["id"]:
        if run_id != "report22":
            writer.tag(run_id, "again"), writer.note(run_id, "again"), writer.add_points(run_id, [("loss_d", 1, 2.0)])


@pytest.fixture
def full(registry: Registry, enter: Enter) -> bytes:
    """The bytes of a registry with three runs that have something in every table."""
    for name in ("one", "two", "drei, älter"):
        run_id = enter(registry, name=name, tags=["a", "b"])
        for metric in ("loss_d", "loss_g", "probe"):
            registry.add_points(run_id, [(metric, step, step / 7) for step in range(500)])
        for step in (10, 20):
            file = {"path": f"{run_id}/sheets/step-{step}.webp", "sha256": "a" * 64, "bytes": 9}
            about = {"epoch": step // 10, "step": step, "images_seen": step}
            registry.add_checkpoint(run_id, **about, **{**file, "path": f"{run_id}/checkpoints/{step}.safetensors"})
            registry.add_sheet(run_id, **about, **file, emotions=["happy"], columns=8)
            scores = [Score("is", 1.5, 1.4, 1.6), Score("accuracy", 0.5, emotion="happy")]
            protocol = {"count": 10, "seed": 0, "prior": "natural"}
            registry.add_evaluation(
                run_id, epoch=1, step=step, judge="j", judge_sha256="b" * 64, protocol=protocol, scores=scores
            )
        finding = {"kind": "collapse", "severity": "alarm", "sentence": "It fell.", "numbers": {"n": 1}}
        registry.set_findings(run_id, [{"step": 20, "epoch": 2, **finding}])
        registry.note(run_id, "worth a look")
    path = sqlite_path(registry.url)
    assert path is not None
    return path.read_bytes()


@pytest.mark.slow
def test_flipped_bytes_and_cut_files_end_in_a_sentence(full: bytes, tmp_path: Path) -> None:
    """80 registries with 60 flipped bytes, and 20 that were cut, anywhere: an answer or a sentence, no traceback."""
    draw = random.Random(0)
    path = tmp_path / "bad" / "runs.db"
    path.parent.mkdir()
    errors: list[RegistryError] = []
    for trial in range(100):
        content = bytearray(full)
        if trial < 80:
            for position in draw.sample(range(len(content)), 60):
                content[position] ^= 1 << draw.randrange(8)
        else:
            del content[draw.randrange(len(content)) :]
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(content)
        try:
            ask(str(path))
        except RegistryError as error:
            errors.append(error)
    assert all("\n" not in str(error) for error in errors)
    damage = [error for error in errors if isinstance(error, Damaged)]
    assert all("verify --repair" in str(error) for error in damage)
    assert len(damage) > 50


def test_a_row_that_does_not_decode_is_damage(registry: Registry, enter: Enter, capsys: pytest.CaptureFixture) -> None:
    run_id = enter(registry)
    for value in (b"\xff\xfe", 7, "{", json.dumps("text"), None):
        with registry.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET recipe = '{}', reason = '' WHERE id = ?", (run_id,))
            column = "recipe" if value != b"\xff\xfe" else "reason"
            cast = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"
            if value is not None:
                connection.exec_driver_sql(f"UPDATE runs SET {column} = {cast} WHERE id = ?", (value, run_id))
        if value is None:
            Reader(registry.url).run(run_id)
            continue
        with pytest.raises(Damaged, match=r"^--registry: [^\n]* is damaged[^\n]*fergan restore[^\n]*$"):
            Reader(registry.url).run(run_id)
        assert guarded(lambda: print(Reader(registry.url).run(run_id))) == 1
        assert capsys.readouterr().err.startswith("error: --registry")
