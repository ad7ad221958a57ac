"""A small copy of a registry, to be committed: chosen runs, thinned points, few sheets, the generator's weights alone.

SQLite only: the copy is one file in journal_mode=DELETE, so that opening it writes nothing beside it.
"""

import hashlib
import math
import re
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import sqlalchemy as sa
from safetensors import SafetensorError
from safetensors.numpy import load, save
from sqlalchemy.engine import Connection

from fergan_core.errors import RegistryError
from fergan_core.files import LOGS, working_folder
from fergan_core.recipe import OWN_SCRIPT, from_dict
from fergan_core.registry.connect import WriteLock, full_url, sqlite_path, writing_engine
from fergan_core.registry.faults import readable_errors
from fergan_core.registry.queries import Reader
from fergan_core.registry.schema import (
    NO_STATE,
    CheckpointRow,
    EvaluationRow,
    FindingRow,
    MetricRow,
    PointRow,
    RatingStudyRow,
    RunRow,
    ScoreRow,
    SheetRow,
    TagRow,
)
from fergan_core.registry.studies import study_tag


@dataclass(frozen=True)
class Portion:
    """How much of a run is kept at most: stretches of points for each metric, sheets, checkpoints."""

    stretches: int
    sheets: int
    checkpoints: int


STANDARD = Portion(stretches=500, sheets=25, checkpoints=3)
DRAWABLE = Portion(stretches=60, sheets=4, checkpoints=1)
BRIEF = Portion(stretches=30, sheets=1, checkpoints=0)
# Of a study's dozens of trials one wants the scores, the findings, and how they went.
TRIAL = Portion(stretches=16, sheets=0, checkpoints=0)

# Images by the seconds that they took: over steps of as many images the mean is the harmonic one.
_SPEED = "images_per_second"
_HALF_MAX = float(np.finfo(np.float16).max)
_ADDRESS = re.compile(r"\w+://[^\s'\"]+")
_PATH = re.compile(r"(?<![\w.:/\\])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\'\"=:]+)+[/\\]?")


def write_showcase(
    source: str | None,
    target: Path,
    run_ids: Sequence[str],
    brief: Sequence[str] = (),
    drawable: Sequence[str] = (),
) -> int:
    """Write the chosen runs and the literature's to the registry `target`, in place of what is there.

    Of those in `brief` and `drawable`, which are chosen too, less is kept (BRIEF, DRAWABLE), of every study's trials
    least (TRIAL). Returns the size of the database and its files in bytes. `target` may be the source itself. Raises
    RegistryError where a chosen run is still training, or where the old `target` has runs that would be lost.
    """
    reader = Reader(source)
    origin = sqlite_path(reader.url)
    if origin is None or not reader.exists:
        raise RegistryError("a showcase is made from an SQLite registry that exists; give its file to --registry")
    target = target.expanduser().absolute()
    if target.is_dir() or not target.parent.is_dir():
        raise RegistryError(f"--out: '{target}' cannot be written; name a file in a folder that exists")
    run_ids = [*dict.fromkeys([*run_ids, *brief, *drawable])]
    for run_id in run_ids:
        if reader.run(run_id)["status"] == "running":
            raise RegistryError(f"run {run_id} is still training; wait for its end")
    # Nobody writes to the old target while the new one is made and put in its place.
    with WriteLock(full_url(str(target))).held():
        _refuse_loss(reader, origin, target, run_ids)
        with working_folder(target) as folder:
            new_database = folder / "runs.db"
            _copy_database(origin, new_database)
            _reduce(reader, new_database, run_ids, dict.fromkeys(brief, BRIEF) | dict.fromkeys(drawable, DRAWABLE))
            _finish(new_database)
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            _replace(new_database, target, folder)
    return size


def _refuse_loss(reader: Reader, origin: Path, target: Path, run_ids: Sequence[str]) -> None:
    """Raise RegistryError where the target has a run that is neither chosen, in the trash, nor kept by the source."""
    if not target.exists():
        return
    old = Reader(str(target)).runs()
    remaining = set(run_ids)
    if not (origin.exists() and origin.samefile(target)):
        remaining |= set(reader.runs()["id"]) | set(reader.runs(trashed=True)["id"])
    lost = [run_id for run_id in old["id"][~old["literature"].astype(bool)] if run_id not in remaining]
    if lost:
        raise RegistryError(
            f"--out: {target.name} has run {lost[0]}, which would be lost; choose it too, or trash it, or export it"
        )


def _copy_database(origin: Path, copy_path: Path) -> None:
    source = sqlite3.connect(f"file:{quote(str(origin))}?mode=ro", uri=True, timeout=30)
    try:
        with readable_errors(f"sqlite:///{origin}", "read"):
            source.execute("VACUUM INTO ?", (str(copy_path),))
    finally:
        source.close()


def _reduce(reader: Reader, database: Path, run_ids: Sequence[str], smaller: Mapping[str, Portion]) -> None:
    engine = writing_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(sa.delete(RunRow).where(RunRow.literature.is_(False), RunRow.id.not_in(run_ids)))
        connection.execute(sa.delete(RatingStudyRow))  # people's answers, and real faces
        chosen = sa.select(RunRow.key, RunRow.id, RunRow.method, RunRow.provenance, RunRow.dataset).where(
            RunRow.literature.is_(False)
        )
        trials = set(connection.scalars(sa.select(TagRow.run_key).where(TagRow.tag.startswith(study_tag("")))))
        for key, run_id, method, provenance, dataset in connection.execute(chosen).all():
            portion = TRIAL if key in trials else smaller.get(run_id, STANDARD)
            _keep_sheets(connection, reader, key, database.with_suffix(".files"), portion.sheets)
            # Nothing can draw from the weights of a script's own network.
            checkpoints = 0 if method == OWN_SCRIPT else portion.checkpoints
            _keep_checkpoints(connection, reader, key, database.with_suffix(".files"), checkpoints)
            thinned = _thin(connection, key, portion.stretches)
            values = {"provenance": scrubbed(provenance), "dataset": scrubbed(dataset), "trashed": None}
            connection.execute(sa.update(RunRow).where(RunRow.key == key).values(**values))
            if thinned:
                connection.execute(sa.update(RunRow).where(RunRow.key == key).values(thinned=True))
        connection.execute(sa.delete(MetricRow).where(MetricRow.key.not_in(sa.select(PointRow.metric_key).distinct())))
    engine.dispose()


def spread(items: Sequence[int], count: int) -> list[int]:
    """Choose at most `count` items, the last and the first among them and the others evenly between."""
    if len(items) <= count:
        return list(items)
    if count < 2:
        return list(items[len(items) - count :])
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def chosen_sheets(steps: Sequence[int], events: Sequence[int], count: int) -> list[int]:
    """Choose at most `count` of a run's sheets by their steps: the first, the last, those before and after the steps
    of what went wrong, as far as that goes, and others evenly between."""
    if count < 3 or len(steps) <= count:
        return spread(steps, count)
    after = [bisect_left(steps, event) for event in events]
    around = {place for at in after for place in (at - 1, at) if 0 <= place < len(steps)} | {0, len(steps) - 1}
    needed = spread([steps[place] for place in sorted(around)], count)
    others = [step for step in steps if step not in needed]
    return sorted([*needed, *spread(others, count - len(needed))])


def chosen_checkpoints(fid: Mapping[int, float], count: int) -> list[int]:
    """Choose at most `count` of a run's evaluated checkpoints by their steps: the last, the first, and that of the
    lowest FID; `fid` is by step, infinite where it was not measured."""
    steps = sorted(fid)
    best = min(steps, key=lambda step: (fid[step], -step), default=None)
    wanted = [*steps[-1:], *steps[:1], *([] if best is None else [best])]
    return sorted(set(wanted[:count]))


def _keep_sheets(connection: Connection, reader: Reader, key: int, files: Path, count: int) -> None:
    steps = connection.scalars(sa.select(SheetRow.step).where(SheetRow.run_key == key).order_by(SheetRow.step)).all()
    wrong = (FindingRow.run_key == key) & (FindingRow.severity != "info")
    events = connection.scalars(sa.select(FindingRow.step).where(wrong).order_by(FindingRow.step)).all()
    chosen_steps = chosen_sheets(steps, events, count)
    connection.execute(sa.delete(SheetRow).where(SheetRow.run_key == key, SheetRow.step.not_in(chosen_steps)))
    for path, sha256 in connection.execute(
        sa.select(SheetRow.path, SheetRow.sha256).where(SheetRow.run_key == key)
    ).all():
        _write(files / path, _unchanged_content(reader, path, sha256))


def _keep_checkpoints(connection: Connection, reader: Reader, key: int, files: Path, count: int) -> None:
    """Keep the weights at evaluated steps, or the last where none is; of them what draws, in half precision."""
    of_run = sa.select(CheckpointRow.step).where(CheckpointRow.run_key == key).order_by(CheckpointRow.step)
    steps = connection.scalars(of_run).all()
    judged = set(connection.scalars(sa.select(EvaluationRow.step).where(EvaluationRow.run_key == key)))
    measured = connection.execute(
        sa.select(EvaluationRow.step, sa.func.min(ScoreRow.value))
        .join(ScoreRow, ScoreRow.evaluation_key == EvaluationRow.key)
        .where(EvaluationRow.run_key == key, ScoreRow.metric == "fid", ScoreRow.emotion == "")
        .group_by(EvaluationRow.step)
    )
    fid = {step: value for step, value in measured if value is not None}
    evaluated = [step for step in steps if step in judged] or steps[-1:]
    chosen_steps = chosen_checkpoints({step: fid.get(step, math.inf) for step in evaluated}, count)
    connection.execute(
        sa.delete(CheckpointRow).where(CheckpointRow.run_key == key, CheckpointRow.step.not_in(chosen_steps))
    )
    rows = connection.execute(
        sa.select(CheckpointRow.step, CheckpointRow.path, CheckpointRow.sha256).where(CheckpointRow.run_key == key)
    ).all()
    if not rows:
        return
    drawn_by = from_dict(
        connection.execute(sa.select(RunRow.recipe).where(RunRow.key == key)).scalar_one()
    ).method.drawn_by
    for step, path, sha256 in rows:
        light = _light(path, _unchanged_content(reader, path, sha256), drawn_by)
        _write(files / path, light)
        values = {**NO_STATE, "sha256": hashlib.sha256(light).hexdigest(), "bytes": len(light)}
        where = (CheckpointRow.run_key == key) & (CheckpointRow.step == step)
        connection.execute(sa.update(CheckpointRow).where(where).values(**values))


def _unchanged_content(reader: Reader, path: str, sha256: str) -> bytes:
    file = reader.file(path)
    content = file.read_bytes() if file.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RegistryError(f"{path} is missing or changed; `fergan runs verify` tells what else is")
    return content


def _light(path: str, weights: bytes, drawn_by: str) -> bytes:
    """Return the drawing network's tensors in half precision, those apart that half precision cannot hold."""
    try:
        tensors = {name: t for name, t in load(weights).items() if name.startswith(f"{drawn_by}.")}
    except (SafetensorError, KeyError) as error:
        raise RegistryError(f"{path} cannot be read ({error}); leave its run out") from None
    if not tensors:
        raise RegistryError(f"{path} has no '{drawn_by}' in it, which draws; leave its run out")
    return save({name: _half(tensor) for name, tensor in tensors.items()})


def _half(tensor: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    fits = tensor.dtype.kind == "f" and (tensor.size == 0 or float(np.abs(tensor).max()) <= _HALF_MAX)
    return tensor.astype(np.float16) if fits else tensor


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _thin(connection: Connection, key: int, most: int) -> bool:
    """Thin each metric of more than `most` points to as many stretches with mean and extremes; tell whether one was.

    The mean of a speed is that at which the stretch was passed. A stretch with a NaN in it keeps its extremes, and NaN
    as its mean: where a run diverged stays visible.
    """
    counts = (
        sa.select(
            PointRow.metric_key, MetricRow.name, sa.func.count(), sa.func.min(PointRow.step), sa.func.max(PointRow.step)
        )
        .join(MetricRow, MetricRow.key == PointRow.metric_key)
        .where(PointRow.run_key == key)
        .group_by(PointRow.metric_key)
    )
    thinned = False
    for metric, name, count, first, last in connection.execute(counts).all():
        if count <= most:
            continue
        of_metric = (PointRow.run_key == key) & (PointRow.metric_key == metric)
        width = -(-(last - first + 1) // most)
        has_nan = sa.func.count() > sa.func.count(PointRow.value)
        mean = 1 / sa.func.avg(1 / PointRow.value) if name == _SPEED else sa.func.avg(PointRow.value)
        stretches = (
            sa.select(
                sa.func.max(PointRow.step).label("step"),
                sa.case((has_nan, None), else_=mean).label("value"),
                sa.func.min(sa.func.coalesce(PointRow.low, PointRow.value)).label("low"),
                sa.func.max(sa.func.coalesce(PointRow.high, PointRow.value)).label("high"),
            )
            .where(of_metric)
            .group_by(sa.cast(PointRow.step - first, sa.Integer).op("/")(width))
        )
        rows = [dict(row) for row in connection.execute(stretches).mappings()]
        connection.execute(sa.delete(PointRow).where(of_metric))
        connection.execute(sa.insert(PointRow), [{**row, "run_key": key, "metric_key": metric} for row in rows])
        thinned = True
    return thinned


def scrubbed(value: Any) -> Any:
    """Return a JSON value with every absolute path cut to its last part and every address taken out."""
    if isinstance(value, dict):
        return {name: scrubbed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [scrubbed(item) for item in value]
    if not isinstance(value, str):
        return value
    return _PATH.sub(lambda match: _last_part(match[0]), _ADDRESS.sub("URL", value))


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def _finish(database: Path) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
    finally:
        connection.close()
    if verdict != "ok":
        raise RegistryError(f"the showcase came out damaged ({verdict}); write it again")
    database.with_name(f"{database.name}.lock").unlink(missing_ok=True)


def _replace(new_database: Path, target: Path, folder: Path) -> None:
    """Put the new database and files in place of the old, which go away with the working folder."""
    files, new = target.with_suffix(".files"), new_database.with_suffix(".files")
    new.mkdir(exist_ok=True)
    if files.exists():
        files.rename(folder / "old.files")
    new.rename(files)
    # A log of the old database must never be taken for the new one's.
    for leftover in _logs(target):
        leftover.unlink(missing_ok=True)
    new_database.replace(target)


def _logs(database: Path) -> Iterable[Path]:
    return (database.with_name(database.name + suffix) for suffix in LOGS)
