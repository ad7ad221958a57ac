"""Archives: a run goes out and comes in whole, and nothing odd comes in."""

import hashlib
import json
import math
import os
import pickle
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel
from safetensors.numpy import save_file

from fergan_core.errors import BadArchive, RegistryError
from fergan_core.registry import Reader, Registry, Score, schema
from fergan_core.registry.exchange import manifest
from fergan_core.registry.exchange.archive import export_run, import_run
from fergan_core.registry.verify import verify
from tests.registry.conftest import copied


def record(registry: Registry, run_id: str, step: int) -> None:
    """Put a checkpoint and a sheet of a step on disk and into the registry."""
    folder = registry.files / run_id
    for name in ("checkpoints", "sheets"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    weights = folder / "checkpoints" / f"step-{step:08d}.safetensors"
    state = weights.with_suffix(".state.safetensors")
    sheet = folder / "sheets" / f"step-{step:08d}.webp"
    save_file({"generator.w": np.full(2000, step, np.float32), "discriminator.w": np.ones(3, np.float32)}, weights)
    save_file({"moment": np.full(4, step, np.float32)}, state)
    Image.new("L", (52, 52), step % 256).save(sheet)
    about = {"epoch": step // 10, "step": step, "images_seen": step * 64}
    described = {}
    for prefix, file in (("", weights), ("state_", state)):
        described |= {
            f"{prefix}path": file.relative_to(registry.files).as_posix(),
            f"{prefix}sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            f"{prefix}bytes": file.stat().st_size,
        }
    registry.add_checkpoint(run_id, **about, **described)
    registry.add_sheet(
        run_id,
        **about,
        path=sheet.relative_to(registry.files).as_posix(),
        sha256=hashlib.sha256(sheet.read_bytes()).hexdigest(),
        bytes=sheet.stat().st_size,
        emotions=["happy"],
        columns=1,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, str]:
    """A registry with one run that has something in every table."""
    registry = Registry(str(tmp_path_factory.mktemp("recorded") / "runs.db"))
    run_id = registry.create_run(
        name="first",
        method="gan",
        preset="quick",
        recipe={"preset": "quick"},
        dataset={"name": "synthfer", "source": "synthfer", "content_hash": "ab", "images": 5},
        seed=3,
        provenance={"device": "cpu"},
        tags=["a", "b"],
        epochs=2,
        steps=20,
    )
    values = [0.5, math.nan, math.inf, -math.inf, 1e-300]
    registry.add_points(run_id, [("loss_d", step, value) for step, value in enumerate(values, 1)])
    registry.add_points(run_id, [("loss_g", 1, 2.0)])
    for step in (10, 20):
        record(registry, run_id, step)
    registry.add_evaluation(
        run_id,
        epoch=2,
        step=20,
        judge="synthfer",
        judge_sha256="cd",
        protocol={"count": 10, "seed": 0, "prior": "natural"},
        scores=[Score("is", 1.5, 1.4, 1.6, 3.0), Score("accuracy", 0.5, emotion="happy")],
    )
    finding = {
        "step": 20,
        "epoch": 2,
        "kind": "collapse",
        "severity": "alarm",
        "sentence": "It fell.",
        "numbers": {"emotion": "happy", "n": 1},
    }
    registry.set_findings(run_id, [finding])
    registry.note(run_id, "worth a look")
    registry.set_status(run_id, "finished")
    return registry, run_id


@pytest.fixture
def full(recorded: tuple[Registry, str], tmp_path: Path) -> tuple[Registry, str]:
    """A copy of it."""
    return copied(recorded[0], tmp_path), recorded[1]


@pytest.fixture(scope="module")
def exported(recorded: tuple[Registry, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of its run."""
    archive = tmp_path_factory.mktemp("exported") / "run.zip"
    export_run(recorded[0].reader, recorded[1], archive)
    return archive


def everything(reader: Reader, run_id: str) -> list[object]:
    row = reader.run(run_id)
    frames = [reader.checkpoints(run_id), reader.sheets(run_id), reader.scores([run_id]), reader.findings([run_id])]
    points = reader.points([run_id], reader.metrics([run_id]))
    return [row, sorted(reader.metrics([run_id])), points.to_json(), *(frame.to_json() for frame in frames)]


def test_a_run_comes_out_as_it_went_in(full: tuple[Registry, str], tmp_path: Path) -> None:
    registry, run_id = full
    archive = tmp_path / "run.zip"
    size = export_run(registry.reader, run_id, archive)
    assert size == archive.stat().st_size
    target = Registry(str(tmp_path / "there.db"))
    assert import_run(target, archive) == run_id
    original, copy = registry.reader, target.reader
    assert everything(copy, run_id) == everything(original, run_id)
    row = copy.points([run_id], ["loss_d"], buckets=5).set_index("step")
    assert row.loc[3, "high"] == math.inf
    assert row.loc[2, "nans"] == 1
    report = verify(copy)
    assert (report.files, report.damage) == (6, [])
    assert not [name for name in os.listdir(target.files) if name != run_id]
    with pytest.raises(RegistryError, match="already"):
        import_run(target, archive)
    assert verify(copy).damage == []


def test_light_keeps_the_last_weights_alone(full: tuple[Registry, str], tmp_path: Path) -> None:
    registry, run_id = full
    export_run(registry.reader, run_id, tmp_path / "light.zip", light=True)
    target = Registry(str(tmp_path / "there.db"))
    import_run(target, tmp_path / "light.zip")
    checkpoints = target.reader.checkpoints(run_id)
    assert checkpoints["step"].tolist() == [20]
    assert checkpoints["state_path"].tolist() == [None]
    assert verify(target.reader).files == 3


def test_an_imported_purged_run_is_free_again_and_a_running_one_comes_in_as_interrupted(
    full: tuple[Registry, str], tmp_path: Path
) -> None:
    registry, run_id = full
    registry.set_status(run_id, "running")
    export_run(registry.reader, run_id, tmp_path / "run.zip")
    registry.trash(run_id)
    registry.purge(run_id)
    assert import_run(registry, tmp_path / "run.zip") == run_id
    assert registry.reader.run(run_id)["status"] == "interrupted"


def test_the_literature_stays(full: tuple[Registry, str], tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="literature"):
        export_run(Reader(full[0].url), "report22", tmp_path / "x.zip")


@pytest.mark.parametrize(
    ("row", "table"),
    [
        (manifest.RunRow, schema.RunRow),
        (manifest.NoteRow, schema.NoteRow),
        (manifest.CheckpointRow, schema.CheckpointRow),
        (manifest.SheetRow, schema.SheetRow),
        (manifest.EvaluationRow, schema.EvaluationRow),
        (manifest.ScoreLine, schema.ScoreRow),
        (manifest.FindingRow, schema.FindingRow),
    ],
)
def test_an_archive_has_every_column_that_is_not_a_registrys_own(
    row: type[BaseModel], table: type[schema.Base]
) -> None:
    of_the_registry = {"key", "run_key", "evaluation_key", "trashed", "literature"}
    columns = {column.name for column in table.__table__.columns}
    assert set(row.model_fields) - {"scores"} == columns - of_the_registry


Members = list[tuple[zipfile.ZipInfo, bytes]]


def rename(suffix: str, name: str) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        info = next(info for info, _ in members if info.filename.endswith(suffix))
        info.filename = name

    return change


def edit(change: Callable[[dict], None]) -> Callable[[Members], None]:
    def apply(members: Members) -> None:
        info, content = members[0]
        manifest = json.loads(content)
        change(manifest)
        members[0] = (info, json.dumps(manifest).encode())

    return apply


def swap(suffix: str, content: bytes, *, in_manifest: bool) -> Callable[[Members], None]:
    """Put other bytes in a file; `in_manifest` makes the manifest say so."""

    def apply(members: Members) -> None:
        index = next(i for i, (info, _) in enumerate(members) if info.filename.endswith(suffix))
        info, _ = members[index]
        members[index] = (info, content)
        if in_manifest:

            def tell(manifest: dict) -> None:
                for row in [*manifest["checkpoints"], *manifest["sheets"]]:
                    if "files/" + row["path"] == info.filename:
                        row |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

            edit(tell)(members)

    return apply


def symlink(members: Members) -> None:
    info = next(info for info, _ in members if info.filename.endswith(".webp"))
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16


def point_outside(manifest: dict) -> None:
    manifest["sheets"][0]["path"] = "otherrun/sheets/a.webp"


def climb(manifest: dict) -> None:
    manifest["sheets"][0]["path"] = "../../a.webp"


def bomb(members: Members) -> None:
    index = next(i for i, (info, _) in enumerate(members) if info.filename.endswith(".webp"))
    info = members[index][0]
    info.compress_type = zipfile.ZIP_DEFLATED
    members[index] = (info, bytes(64 << 20))


HOSTILE: dict[str, Callable[[Members], None]] = {
    "climbing name": rename(".webp", "files/../../evil.webp"),
    "absolute name": rename(".webp", "/tmp/evil.webp"),
    "backslash name": rename(".webp", "files\\..\\evil.webp"),
    "drive name": rename(".webp", "C:/evil.webp"),
    "pickle by name": rename(".webp", "files/weights.pt"),
    "unnamed member": rename(".webp", "files/other/sheets/a.webp"),
    "pickle by content": swap("20.safetensors", pickle.dumps({"a": 1}), in_manifest=True),
    "pickle for points": swap("points.safetensors", pickle.dumps({"a": 1}), in_manifest=False),
    "text for a sheet": swap(".webp", b"<svg onload=alert(1)>", in_manifest=True),
    "changed weights": swap("20.safetensors", b"x" * 100, in_manifest=False),
    "symbolic link": symlink,
    "bomb": bomb,
    "manifest outside the run": edit(point_outside),
    "manifest that climbs": edit(climb),
    "odd id": edit(lambda manifest: manifest["run"].update(id="../x")),
    "other format": edit(lambda manifest: manifest.update(format="fergan-run-9")),
    "missing rows": edit(lambda manifest: manifest.pop("sheets")),
    "a time beyond all calendars": edit(lambda manifest: manifest["run"].update(created=1e300)),
    "a time that is none": edit(lambda manifest: manifest["notes"][0].update(created=float("nan"))),
    "a negative epoch": edit(lambda manifest: manifest["checkpoints"][0].update(epoch=-1)),
    "epochs that go backwards": edit(lambda manifest: manifest["sheets"][1].update(epoch=0)),
    "an unknown status": edit(lambda manifest: manifest["run"].update(status="asleep")),
    "a sheet of no emotion": edit(lambda manifest: manifest["sheets"][0].update(emotions=[])),
    "a sheet that names an emotion twice": edit(lambda manifest: manifest["sheets"][0].update(emotions=["x", "x"])),
    "a sheet without columns": edit(lambda manifest: manifest["sheets"][0].update(columns=0)),
    "a recipe of no batch": edit(lambda manifest: manifest["run"]["recipe"].update(batch_size=0)),
    "a recipe whose method is a word": edit(lambda manifest: manifest["run"]["recipe"].update(method="gan")),
    "a dataset of many images": edit(lambda manifest: manifest["run"]["dataset"].update(images="many")),
    "a protocol without faces": edit(lambda manifest: manifest["evaluations"][0]["protocol"].pop("count")),
    "a score twice": edit(
        lambda manifest: manifest["evaluations"][0]["scores"].append(manifest["evaluations"][0]["scores"][0])
    ),
    "an evaluation twice": edit(lambda manifest: manifest["evaluations"].append(manifest["evaluations"][0])),
    "a score of odd faces": edit(lambda manifest: manifest["evaluations"][0]["scores"][0].update(metric="is_at_many")),
    "a collapse of no emotion": edit(lambda manifest: manifest["findings"][0].update(numbers={})),
    "a finding until never": edit(lambda manifest: manifest["findings"][0]["numbers"].update(until="never")),
    "an endless name": edit(lambda manifest: manifest["run"].update(name="x" * 5000)),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_leaves_nothing_behind(exported: Path, tmp_path: Path, what: str) -> None:
    with zipfile.ZipFile(exported) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    HOSTILE[what](members)
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
    (tmp_path / "inside").mkdir()
    target = Registry(str(tmp_path / "inside" / "there.db"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file() and "there" not in str(path)}
    with pytest.raises(BadArchive) as caught:
        import_run(target, bad)
    assert "\n" not in str(caught.value)
    assert target.reader.runs()["id"].tolist() == ["report22"]
    assert not target.files.exists() or not list(target.files.iterdir())
    after = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file() and "there" not in str(path)}
    assert after == before


def test_a_refusal_names_the_archive_the_field_and_its_value(exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    edit(lambda manifest: manifest["findings"][0].update(created=1e300))(members)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
    with pytest.raises(BadArchive) as caught:
        import_run(Registry(str(tmp_path / "there.db")), tmp_path / "bad.zip")
    assert str(caught.value) == (
        f"{tmp_path / 'bad.zip'}: findings.0.created is 1e+300: not a time between 1970 and 2200; export the run again "
        "with this FerGAN"
    )


def test_names_of_other_classes_are_taken_in(full: tuple[Registry, str], tmp_path: Path) -> None:
    registry, run_id = full
    with registry.write() as connection:
        connection.execute(schema.SheetRow.__table__.update().values(emotions=["contempt"]))
    export_run(registry.reader, run_id, tmp_path / "run.zip")
    target = Registry(str(tmp_path / "there.db"))
    import_run(target, tmp_path / "run.zip")
    assert target.reader.sheets(run_id)["emotions"].tolist() == [["contempt"], ["contempt"]]


@pytest.mark.parametrize("keep", [0, 100, 2000])
def test_a_cut_archive_is_refused(exported: Path, tmp_path: Path, keep: int) -> None:
    archive = tmp_path / "run.zip"
    archive.write_bytes(exported.read_bytes()[:keep])
    target = Registry(str(tmp_path / "there.db"))
    with pytest.raises(BadArchive):
        import_run(target, archive)
    with pytest.raises(BadArchive):
        import_run(target, tmp_path / "none.zip")
