"""Every page on a registry whose tables hold, beside good rows, a bad value in every column that pages read."""

import io
import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fergan_core.emotions import EMOTIONS
from fergan_core.registry import Reader, Registry, Score
from tests.support.pages import HOME, open_page, seen_backticks

PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    *((path.stem, {}) for path in sorted(HOME.with_name("views").glob("[a-z]*.py"))),
    ("scores", {"part": "Confusion"}),
    ("scores", {"part": "Copying"}),
    ("studies", {}),
    ("compare", {"part": "Groups of runs"}),
    ("methods", {"part": "What a face costs"}),
    ("methods", {"part": "Faces"}),
)
# By SQLite's type of a column: what it must not hold, or hardly ever holds. SQLite takes any value in any column.
BAD: dict[str, list[Any]] = {
    "INTEGER": [-1, 2**63 - 1, -(2**63), "many", b"\xff\xfe", 0.5],
    "DOUBLE": [1e300, -1e300, float("inf"), "never", b"\xff", -1.0],
    "BOOLEAN": [7, "yes"],
    "VARCHAR": ["", "<b>*x*</b>", b"\xff\xfe", 5, "x" * 3000, "../../x"],
    "JSON": [
        "not JSON", "null", "[]", "7", '"x"', "{}", '{"count": "x", "seed": 0, "prior": "natural"}', '["contempt"]',
        '["happy", "happy"]', '{"batch_size": 0}', '{"batch_size": "x", "emotions": 3}', '{"emotions": ["contempt"]}',
        '{"method": 3}', '{"images": "x"}', '{"emotion": 3}', '{"emotion": "contempt", "until": "never"}',
        '{"emotion": "contempt"}', '{"count": 9, "seed": 0, "prior": "natural", "truncation": "x"}',
        '{"count": 9, "seed": 0, "prior": "natural", "sampling": null}',
    ],
}  # fmt: skip
# What a copy of a row needs of its own, so that it can stand beside the others.
OWN = {
    "runs": ("key", "id"), "sheets": ("step",), "checkpoints": ("step",), "findings": ("key",), "notes": ("key",),
    "evaluations": ("key", "protocol_key"), "points": ("step",), "tags": ("tag",), "scores": ("metric",),
}  # fmt: skip


def sheet(emotions: int) -> bytes:
    """Draw a sheet of two columns."""
    file = io.BytesIO()
    Image.new("L", (102, 2 + 50 * emotions), 90).save(file, "WEBP")
    return file.getvalue()


def good_run(registry: Registry, name: str, seed: int, loss: str) -> str:
    """Enter a run with something good in every table."""
    run_id = registry.create_run(
        name=name, method="gan", preset="quick", tags=["study:s"], seed=seed, epochs=2, steps=20,
        recipe={"preset": "quick", "batch_size": 8, "epochs": 2, "seed": seed, "method": {"kind": "gan", "loss": loss}},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "ab", "images": 80}, provenance={},
    )  # fmt: skip
    metrics = ("loss_g", "loss_d", "images_per_second", "pulse_diversity/happy", "spectral_d/conv", "grad_norm_g")
    registry.add_points(run_id, [(metric, step, 1.0 + step) for metric in metrics for step in range(1, 21)])
    protocol = {"count": 100, "seed": 0, "prior": "natural", "truncation": 1.0, "real_count": 50}
    scores = [Score(metric, 1.5, 1.4, 1.6, 3.0, noise=0.5) for metric in ("is", "kl_nats", "fid", "coverage", "speed")]
    scores += [Score("accuracy", 0.5, emotion=emotion, real=0.7) for emotion in (None, "happy", "sad")]
    scores += [Score("read_as_happy", 0.4, emotion="happy", real=0.6), Score("is_at_50", 1.2), Score("ct", 0.1)]
    for step in (10, 20):
        about = {"epoch": step // 10, "step": step, "images_seen": step * 8}
        path = f"{run_id}/sheets/step-{step:08d}.webp"
        (registry.files / path).parent.mkdir(parents=True, exist_ok=True)
        (registry.files / path).write_bytes(sheet(7))
        registry.add_sheet(run_id, **about, path=path, sha256="ab", bytes=9, emotions=list(EMOTIONS), columns=2)
        weights = f"{run_id}/checkpoints/step-{step:08d}.safetensors"
        registry.add_checkpoint(run_id, **about, path=weights, sha256="ab", bytes=9)
        of = {"epoch": step // 10, "step": step, "judge": "synthfer", "judge_sha256": "cd"}
        registry.add_evaluation(run_id, **of, protocol=protocol, scores=scores)
    common = {
        "epoch": 1,
        "kind": "collapse",
        "severity": "alarm",
        "sentence": "It fell.",
        "numbers": {"emotion": "sad"},
    }
    registry.set_findings(run_id, [common | {"step": 12}, common | {"step": 15, "kind": "divergence", "numbers": {}}])
    registry.note(run_id, "worth a look")
    registry.set_status(run_id, "finished")
    return run_id


def spoil(path: str, run_id: str, seed: int) -> int:
    """Add a copy of a good row for each column and bad value of every table, that value in it; return how many."""
    draw, number = random.Random(seed), 1000
    connection = sqlite3.connect(path)
    key = connection.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()[0]
    evaluation = connection.execute("SELECT min(key) FROM evaluations WHERE run_key = ?", (key,)).fetchone()[0]
    added = 0
    for table, columns in OWN.items():
        kinds = {row[1]: row[2].partition("(")[0] for row in connection.execute(f"PRAGMA table_info({table})")}
        where = {"runs": f"key = {key}", "scores": f"evaluation_key = {evaluation}"}.get(table, f"run_key = {key}")
        rows = connection.execute(f"SELECT {', '.join(kinds)} FROM {table} WHERE {where}").fetchall()
        for column, kind in kinds.items():
            if column in ("key", "run_key", "metric_key", "evaluation_key"):
                continue
            for value in BAD[kind]:
                number += 1
                row = dict(zip(kinds, draw.choice(rows), strict=True))
                for name in columns:
                    row[name] = number if kinds[name] == "INTEGER" else f"n{number}"
                row[column] = value
                places = ", ".join("CAST(? AS TEXT)" if isinstance(row[n], bytes) else "?" for n in kinds)
                connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", list(row.values()))
                added += 1
                if table == "evaluations":  # without scores nothing would show it
                    copied = f"SELECT {row['key']}, metric, emotion, value, low, high, real, noise FROM scores"
                    connection.execute(f"INSERT INTO scores {copied} WHERE evaluation_key = {evaluation}")
    # Pictures that are not what their rows say: fewer faces, none, and a file that is gone.
    for place, change in enumerate((sheet(3), b"no picture", None)):
        name = f"{run_id}/sheets/step-{500 + place:08d}.webp"
        if change is not None:
            (Path(path).with_suffix(".files") / name).write_bytes(change)
        values = (key, 500 + place, 3, 9, name, "ab", 9, json.dumps(EMOTIONS), 2, 1.0)
        connection.execute(f"INSERT INTO sheets VALUES ({', '.join('?' * 10)})", values)
    connection.execute("UPDATE changes SET writes = writes + 1")
    connection.commit()
    connection.close()
    return added


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A registry of four good runs, beside whose rows there are bad ones; and the runs' ids."""
    path = str(tmp_path_factory.mktemp("spoiled") / "runs.db")
    registry = Registry(path)
    ids = [good_run(registry, f"{loss}-{seed}", seed, loss) for loss in ("hinge", "bce") for seed in (0, 1)]
    assert sum(spoil(path, run_id, seed) for seed, run_id in enumerate(ids[:1])) > 300
    return path, ids


def test_the_good_rows_are_read_and_each_bad_one_is_named(spoiled: tuple[str, list[str]]) -> None:
    path, ids = spoiled
    reader = Reader(path)
    runs = reader.runs()
    assert set(ids) <= set(runs["id"])
    sentences = runs.attrs["left_out"]
    assert any("'created' is 1e+300, not a time between 1970 and 2200" in sentence for sentence in sentences)
    assert all("a row of 'runs' is left out" in sentence and "\n" not in sentence for sentence in sentences)
    for table, read in (("sheets", reader.sheets), ("checkpoints", reader.checkpoints)):
        frame = read(ids[0])
        assert {10, 20} <= set(frame["step"])
        assert all(f"run {ids[0]}: a row of '{table}'" in sentence for sentence in frame.attrs["left_out"])
    assert {12, 15} <= set(reader.findings(ids)["step"])
    assert set(reader.scores(ids)["run_id"]) == set(ids)
    bad = next(sentence.split()[1].rstrip(":") for sentence in sentences if "1e+300" in sentence)
    registry = Registry(path)
    registry.trash(reader.resolve(bad))  # the way to be rid of it
    registry.restore(bad)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("view", "query"), PAGES, ids=lambda value: value if isinstance(value, str) else "-".join(value.values())
)
def test_no_bad_row_takes_a_page_down(
    spoiled: tuple[str, list[str]], view: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, ids = spoiled
    address = {"run": ids[0], "runs": ",".join(ids), "A": ",".join(ids[:2]), "B": ",".join(ids[2:]), "draw": "false"}
    app = open_page(view, path, monkeypatch, address | query)
    errors = [error.value for error in app.error]
    if view == "explore":  # which draws at once, with weights that are only rows here
        errors = [error for error in errors if "No such file" not in error]
    assert not errors, errors
    assert not seen_backticks(app)  # among what is shown there are sentences with commands
    if view in ("claims", "judges", "train"):
        return  # nothing there is of these runs
    warnings = " ".join(warning.value for warning in app.warning).replace("\\", "")
    assert "is left out: its '" in warnings


@pytest.mark.slow
def test_a_sheet_of_other_classes_is_shown_under_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "runs.db")
    registry = Registry(path)
    run_id = good_run(registry, "cats", 0, "hinge")
    names = json.dumps(["tabby", "si*mese", "ginger", "happy", "e", "f", "g"])
    with registry.write() as connection:
        connection.exec_driver_sql("UPDATE sheets SET emotions = ?", (names,))
    for view in ("checkpoints", "instability"):
        app = open_page(view, path, monkeypatch, {"run": run_id})
        assert not app.warning
        if view == "checkpoints":
            assert {"tabby", "si*mese"} <= set(app.button_group(key="sheet").options)
