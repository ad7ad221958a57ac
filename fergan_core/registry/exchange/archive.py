"""Runs as files: carrying a run to another registry in one .zip.

An archive holds `manifest.json` (the run's rows), `points.safetensors`, and under `files/` the run's own files. It is
imported completely or not at all, and nothing in it is trusted: names, sizes, hashes and formats are checked, and
nothing is unpickled.
"""

import hashlib
import shutil
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import sqlalchemy as sa
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save
from sqlalchemy.engine import Connection

from fergan_core.errors import BadArchive, RegistryError
from fergan_core.files import atomic_write, working_folder
from fergan_core.registry.connect import inserted_key
from fergan_core.registry.exchange.manifest import FORMAT, FileEntry, Manifest, explain, wanted_files
from fergan_core.registry.points import metric_keys
from fergan_core.registry.queries import Reader
from fergan_core.registry.registry import Registry
from fergan_core.registry.resolve import no_run
from fergan_core.registry.rows import MOST
from fergan_core.registry.schema import (
    NO_STATE,
    Base,
    CheckpointRow,
    EvaluationRow,
    FindingRow,
    MetricRow,
    NoteRow,
    PointRow,
    RunRow,
    ScoreRow,
    SheetRow,
    TagRow,
)

_MANIFEST, _POINTS, _FILES = "manifest.json", "points.safetensors", "files/"
_MANIFEST_BYTES = 64 << 20
# Weights hardly pack, points by a half: what unpacks to a hundred times its size was made to fill a disk.
_RATIO = 100
_CHUNK = 1 << 20
LONGEST_NAME = 1000
_FLOATS = ("value", "low", "high")  # a point's numbers

Points = dict[str, dict[str, np.ndarray[Any, Any]]]
"""A run's points by scalar: the columns `step` int64 [n], each step once, and `value`, `low` and `high` float64 [n]."""


def export_run(reader: Reader, run_id: str, out: Path, *, light: bool = False) -> int:
    """Write a run to the archive `out`, whole or not at all; return its size in bytes.

    `light` leaves all checkpoints out but the last, and of that keeps the weights alone. RegistryError where a file
    is not as it was recorded.
    """
    if out.is_dir() or not out.parent.is_dir():
        raise RegistryError(f"--out: '{out}' cannot be written; name a file in a folder that exists")
    with reader.connection() as connection:
        manifest, points = _collect(connection, run_id, light=light)
    try:
        with atomic_write(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(_MANIFEST, manifest.model_dump_json(), zipfile.ZIP_DEFLATED)
            archive.writestr(_POINTS, points, zipfile.ZIP_DEFLATED)
            for entry in wanted_files(manifest):
                _pack(archive, reader.file(entry.path), entry)
    except OSError as error:
        raise RegistryError(f"--out: '{out}' cannot be written ({error.strerror}); choose another place") from None
    return out.stat().st_size


def _pack(archive: zipfile.ZipFile, file: Path, entry: FileEntry) -> None:
    try:
        content = file.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise RegistryError(f"{entry.path} is missing or changed; `fergan runs verify` tells what else is")
    archive.writestr(_FILES + entry.path, content, zipfile.ZIP_STORED)


def _collect(connection: Connection, run_id: str, *, light: bool) -> tuple[Manifest, bytes]:
    """Read all of a run's rows but its points, and its points as safetensors."""
    run = connection.execute(sa.select(RunRow.__table__).where(RunRow.id == run_id)).mappings().one_or_none()
    if run is None:
        raise no_run(run_id)
    if run["literature"]:
        raise RegistryError(f"run {run_id} is from the literature; every registry has it already")
    key = run["key"]

    def rows(table: Any, *order: Any) -> list[dict[str, Any]]:
        result = connection.execute(sa.select(table.__table__).where(table.run_key == key).order_by(*order))
        return [dict(row) for row in result.mappings()]

    checkpoints = rows(CheckpointRow, CheckpointRow.step)
    if light:
        checkpoints = [{**row, **NO_STATE} for row in checkpoints[-1:]]
    evaluations = rows(EvaluationRow, EvaluationRow.key)
    for evaluation in evaluations:
        scores = sa.select(ScoreRow.__table__).where(ScoreRow.evaluation_key == evaluation["key"])
        evaluation["scores"] = [dict(row) for row in connection.execute(scores).mappings()]
    try:
        manifest = Manifest.model_validate(
            {
                "format": FORMAT,
                "run": dict(run),
                "tags": [row["tag"] for row in rows(TagRow, TagRow.tag)],
                "notes": rows(NoteRow, NoteRow.key),
                "checkpoints": checkpoints,
                "sheets": rows(SheetRow, SheetRow.step),
                "evaluations": evaluations,
                "findings": rows(FindingRow, FindingRow.key),
            }
        )
    except ValidationError as error:
        raise RegistryError(f"run {run_id} cannot be carried to another registry: {explain(error)}") from None
    return manifest, _pack_points(connection, key)


def _pack_points(connection: Connection, key: int) -> bytes:
    """Return a run's points: for each metric steps int64 [n] and values, lows, highs float64 [n]; NaN is NULL."""
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    names = sa.select(MetricRow.key, MetricRow.name).where(
        MetricRow.key.in_(sa.select(PointRow.metric_key).where(PointRow.run_key == key).distinct())
    )
    for metric, name in connection.execute(names).all():
        columns = [PointRow.__table__.c[column] for column in ("step", *_FLOATS)]
        rows = connection.execute(
            sa.select(*columns).where(PointRow.run_key == key, PointRow.metric_key == metric)
        ).all()
        steps, *floats = zip(*rows, strict=True)
        tensors[f"step/{name}"] = np.array(steps, np.int64)
        for column, values in zip(_FLOATS, floats, strict=True):
            tensors[f"{column}/{name}"] = np.array([np.nan if v is None else v for v in values], np.float64)
    return save(tensors)


def import_run(registry: Registry, path: Path) -> str:
    """Take the run out of an archive and return its id.

    Raises BadArchive where the archive is not one of ours, leads out of its folder, or differs from its own manifest,
    RegistryError where the registry has that run already. Then nothing is left behind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path)
            manifest = _read_manifest(archive, members, path)
            points = _read_points(_read(archive, members, _POINTS, path), path)
            registry.files.mkdir(parents=True, exist_ok=True)
            with working_folder(registry.files / manifest.run.id) as folder:
                _unpack(archive, members, manifest, folder, path)
                enter(registry, [(manifest, points)], folder)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise BadArchive(f"{path} is not a whole .zip ({error}); export the run again") from None
    except OSError as error:
        raise BadArchive(f"{path} cannot be read or unpacked ({error.strerror})") from None
    return manifest.run.id


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the archive's members by name; BadArchive where one is anything but a plain file of a known kind."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
        parts = name.split("/")
        if "\\" in name or ":" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise BadArchive(f"{path}: '{name!a}' leads out of its folder; do not trust this archive")
        if kind not in (0, stat.S_IFREG) or info.is_dir():
            raise BadArchive(f"{path}: '{name}' is not a plain file; do not trust this archive")
        if name != _MANIFEST and Path(name).suffix not in (".safetensors", ".webp"):
            raise BadArchive(f"{path}: '{name}' is neither weights nor a sheet; do not trust this archive")
        if name in members or info.flag_bits & 1:
            raise BadArchive(f"{path}: '{name}' is there twice or encrypted; export the run again")
        if info.file_size > _RATIO * info.compress_size + _CHUNK:
            raise BadArchive(f"{path}: '{name}' unpacks to {info.file_size:,} bytes; do not trust this archive")
        members[name] = info
    return members


def _read(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, path: Path) -> bytes:
    if name not in members:
        raise BadArchive(f"{path}: there is no {name} in it; give an archive that `fergan runs export` wrote")
    return archive.read(members[name])


def _read_manifest(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path) -> Manifest:
    if _MANIFEST in members and members[_MANIFEST].file_size > _MANIFEST_BYTES:
        raise BadArchive(f"{path}: its manifest is larger than {_MANIFEST_BYTES >> 20} MiB; do not trust this archive")
    try:
        manifest = Manifest.model_validate_json(_read(archive, members, _MANIFEST, path))
    except ValidationError as error:
        raise BadArchive(f"{path}: {explain(error)}; export the run again with this FerGAN") from None
    named = {_MANIFEST, _POINTS, *(_FILES + entry.path for entry in wanted_files(manifest))}
    odd = sorted(named ^ set(members))
    if odd:
        raise BadArchive(f"{path}: '{odd[0]}' is named in the manifest or packed, but not both; export the run again")
    return manifest


def _read_points(content: bytes, path: Path) -> Points:
    """Return a run's points by metric and column; BadArchive where they are not four columns of one length."""
    try:
        tensors = load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise BadArchive(f"{path}: its points cannot be read ({error}); export the run again") from None
    points: Points = {}
    for title, tensor in tensors.items():
        column, _, metric = title.partition("/")
        points.setdefault(metric, {})[column] = tensor
    for metric, columns in points.items():
        steps = columns.get("step", np.zeros(0))
        kinds = {"step": np.int64, **dict.fromkeys(_FLOATS, np.float64)}
        right = set(columns) == set(kinds) and all(
            columns[name].dtype == kind and columns[name].shape == (len(steps),) for name, kind in kinds.items()
        )
        if not metric or len(metric) > LONGEST_NAME:
            raise BadArchive(f"{path}: '{metric:.60}' is not the name of a scalar; export the run again")
        if (
            not right
            or len(np.unique(steps)) != len(steps)
            or (len(steps) and not 0 <= steps.min() <= steps.max() <= MOST)
        ):
            raise BadArchive(f"{path}: the points of '{metric}' are not as they should be; export the run again")
    return points


def _unpack(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], manifest: Manifest, folder: Path, path: Path
) -> None:
    """Write the run's files under `folder`, each checked against the manifest and for what it says it is."""
    for entry in wanted_files(manifest):
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(members[_FILES + entry.path]) as source, target.open("xb") as sink:
            sha256, size = _copy(source, sink, entry.bytes)
        if (sha256, size) != (entry.sha256, entry.bytes):
            raise BadArchive(f"{path}: '{entry.path}' is not what the manifest says; export the run again")
        if not _is_what_it_says(target):
            raise BadArchive(f"{path}: '{entry.path}' is no {target.suffix[1:]} file; do not trust this archive")


def _copy(source: IO[bytes], sink: IO[bytes], limit: int) -> tuple[str, int]:
    """Copy at most a byte more than `limit`; return the SHA-256 and size of what was copied."""
    digest, size = hashlib.sha256(), 0
    while size <= limit and (chunk := source.read(min(_CHUNK, limit + 1 - size))):
        digest.update(chunk)
        sink.write(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _is_what_it_says(file: Path) -> bool:
    """Tell whether a file is of its suffix's format: safetensors' header is read whole, WebP's magic compared."""
    if file.suffix == ".webp":
        with file.open("rb") as handle:
            head = handle.read(12)
        return head[:4] == b"RIFF" and head[8:] == b"WEBP"
    try:
        with safe_open(file, "np"):
            return True
    except (SafetensorError, OSError):
        return False


def enter(registry: Registry, runs: Sequence[tuple[Manifest, Points]], folder: Path) -> None:
    """Enter runs and move their files, prepared in a folder beside their place, there: all in one transaction.

    Raises RegistryError where the registry has one of them already; then nothing is left behind.
    """
    moved: list[Path] = []
    try:
        with registry.write() as connection:
            for manifest, points in runs:
                run_id = manifest.run.id
                place, staged = registry.files / run_id, folder / run_id
                if connection.scalar(sa.select(RunRow.key).where(RunRow.id == run_id)) is not None:
                    raise RegistryError(
                        f"run {run_id} is in this registry already, perhaps in the trash; purge it there to take it "
                        "anew"
                    )
                if place.exists():
                    raise RegistryError(f"the folder '{place}' is there and belongs to no run; move it away first")
                _insert(connection, manifest, points)
                if staged.exists():
                    staged.rename(place)
                    moved.append(place)
    except BaseException:
        for place in moved:
            shutil.rmtree(place, ignore_errors=True)
        raise


def _insert(connection: Connection, manifest: Manifest, points: Points) -> None:
    run = manifest.run.model_dump()
    if run["status"] == "running":
        # Nobody trains it here, whatever went on where it was exported.
        run |= {"status": "interrupted", "reason": "exported while it was running", "finished": run["heartbeat"]}
    key = inserted_key(connection.execute(sa.insert(RunRow).values(**run, literature=False)))

    def insert(table: type[Base], rows: list[dict[str, Any]]) -> None:
        if rows:
            connection.execute(sa.insert(table), [{**row, "run_key": key} for row in rows])

    insert(TagRow, [{"tag": tag} for tag in dict.fromkeys(manifest.tags)])
    insert(NoteRow, [note.model_dump() for note in manifest.notes])
    insert(CheckpointRow, [row.model_dump() for row in manifest.checkpoints])
    insert(SheetRow, [row.model_dump() for row in manifest.sheets])
    insert(FindingRow, [row.model_dump() for row in manifest.findings])
    for evaluation in manifest.evaluations:
        values = evaluation.model_dump(exclude={"scores"})
        evaluation_key = inserted_key(connection.execute(sa.insert(EvaluationRow).values(**values, run_key=key)))
        if evaluation.scores:
            scores = [{**score.model_dump(), "evaluation_key": evaluation_key} for score in evaluation.scores]
            connection.execute(sa.insert(ScoreRow), scores)
    keys = metric_keys(connection, points)
    for metric, columns in points.items():
        floats = [[None if np.isnan(v) else v for v in columns[name].tolist()] for name in _FLOATS]
        insert(
            PointRow,
            [
                {"metric_key": keys[metric], "step": step, **dict(zip(_FLOATS, values, strict=True))}
                for step, *values in zip(columns["step"].tolist(), *floats, strict=True)
            ],
        )
