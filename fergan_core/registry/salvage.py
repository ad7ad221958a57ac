"""Saving what a damaged SQLite registry still holds into a new one, and listing what is lost.

Every row that can be read is checked as an archive's rows are; what does not pass, or belongs to a run that is lost, is
dropped and counted. The damaged database is kept beside the new one, with the files that no row names any more.
"""

import json
import mmap
import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ValidationError

from fergan_core.errors import RegistryError
from fergan_core.files import working_folder
from fergan_core.registry import literature, opening
from fergan_core.registry.backup import free_name
from fergan_core.registry.connect import WriteLock, writing_engine
from fergan_core.registry.exchange import manifest
from fergan_core.registry.pages import Pages, Row
from fergan_core.registry.schema import Base, ChangeRow, RunRow
from fergan_core.registry.verify import all_recorded, being_written, runs_in_training

_MODELS: dict[str, type[BaseModel]] = {
    "runs": manifest.RunRow,
    "notes": manifest.NoteRow,
    "checkpoints": manifest.CheckpointRow,
    "sheets": manifest.SheetRow,
    "findings": manifest.FindingRow,
    "scores": manifest.ScoreLine,
}
# A page without a table above it is known by its rows' shape; an evaluation would pass for a finding, too.
_ORDER = (
    "points", "scores", "runs", "checkpoints", "sheets", "evaluations", "findings", "notes", "tags", "metrics",
    "rating_studies", "rating_items", "ratings", "raters",
)  # fmt: skip
_BATCH = 5_000


@dataclass
class Saved:
    """What `salvage` saved (rows by table), what it could not (a line each), and where the damaged database is."""

    rows: dict[str, int]
    lost: list[str]
    aside: Path
    moved: int = 0


@dataclass
class _Remains:
    """The rows of a damaged file by table, and how many were dropped."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)


def salvage(path: Path, files: Path) -> Saved:
    """Put a new registry with all that can be read in place of the damaged one at `path`.

    `files` is the folder of its files. Raises RegistryError, with everything left as it was, where nothing of a
    registry can be read, where a run of it is being trained, or where the new one cannot be written.
    """
    with WriteLock(f"sqlite:///{path}").held(opening=True):
        try:
            with working_folder(path) as work:
                remains = _read(_healed_copy(path, work))
                lost_runs = _drop_broken(remains)
                if not remains.rows["runs"]:
                    raise RegistryError(f"no run can be read from '{path}'; bring a backup back by `fergan restore`")
                new_database = work / "new.db"
                opening.make(new_database)
                named = _write(new_database, remains)
                aside = _put_in_place(new_database, path)
        except OSError as error:
            raise RegistryError(f"'{path}' cannot be saved ({error.strerror}); it is left as it was") from None
        moved = _move_unnamed(files, named, aside.with_suffix(".files"))
    rows = {name: len(rows) for name, rows in remains.rows.items()}
    return Saved(rows, [*lost_runs, *_losses(remains)], aside, moved)


def _healed_copy(path: Path, work: Path) -> Path:
    """Copy a database, with its log written into it, and the first bytes as every database has them."""
    copy = work / "old.db"
    shutil.copyfile(path, copy)
    log = path.with_name(f"{path.name}-wal")
    with copy.open("r+b") as handle:
        head = bytearray(handle.read(24).ljust(24, b"\0"))
        size = int.from_bytes(head[16:18], "big")
        right = size == 1 or (size >= 512 and size & (size - 1) == 0)
        mode = b"\2\2" if log.exists() else b"\1\1"
        head[:24] = b"SQLite format 3\0" + (head[16:18] if right else b"\x10\0") + mode + b"\0\x40\x20\x20"
        handle.seek(0)
        handle.write(head)
    if log.exists():
        shutil.copyfile(log, copy.with_name("old.db-wal"))
        # A connection that has begun to read writes the log into the database when it is closed, whatever it read.
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(copy)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return copy


def _read(copy: Path) -> _Remains:
    """Read every row that can be read, by table."""
    remains = _Remains({name: [] for name in _ORDER})
    with copy.open("rb") as handle, closing(mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)) as content:
        pages = Pages(content)
        tables = {name: Base.metadata.tables[name] for name in _ORDER}
        pages.skip_free()
        for name, root in pages.roots().items():
            pages.bad = 0
            for row in pages.walk(root):
                if name in tables:
                    fitted = _fit(tables[name], row)
                    remains.rows[name] += [fitted] if fitted is not None else []
                    remains.dropped[name] += fitted is None
            remains.pages[name] = pages.bad
        for rows in pages.orphans():
            for name in _ORDER:
                fits = [_fit(tables[name], row) for row in rows]
                if any(fit is not None for fit in fits):
                    remains.rows[name] += [fit for fit in fits if fit is not None]
                    break
    return remains


def _fit(table: sa.Table, row: Row) -> dict[str, Any] | None:
    """Return a record as a row of a table, None where it cannot be one."""
    columns = list(table.columns)
    values = list(row.values)
    if len(values) > len(columns) or (row.rowid is None) != (table.name in ("points", "scores")):
        return None
    values += [None] * (len(columns) - len(values))
    fitted: dict[str, Any] = {}
    for column, value in zip(columns, values, strict=True):
        if value is None and column.name == "key":
            value = row.rowid
        try:
            fitted[column.name] = _converted(column, value)
        except (ValueError, TypeError, RecursionError):
            return None
    model = _MODELS.get(table.name)
    if model is not None and not (table.name == "runs" and fitted["literature"]):
        try:
            model.model_validate(fitted)
        except ValidationError:
            return None
    return fitted


def _converted(column: sa.Column[Any], value: Any) -> Any:
    """Return a stored value as the column's; ValueError or TypeError where it cannot be one."""
    if value is None:
        if not column.nullable:
            raise ValueError("nothing where something must be")
        return None
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return (False, True)[value] if isinstance(value, int) and value >= 0 else _mismatch()
    if isinstance(kind, sa.Integer):
        return value if isinstance(value, int) else _mismatch()
    if isinstance(kind, sa.Float):
        return float(value) if isinstance(value, int | float) else _mismatch()
    if isinstance(kind, sa.LargeBinary):
        return value if isinstance(value, bytes) else _mismatch()
    if not isinstance(value, str):
        return _mismatch()
    if not isinstance(kind, sa.JSON):
        return value
    content = json.loads(value)
    return content if isinstance(content, dict | list) else _mismatch()


def _mismatch() -> Any:
    raise ValueError("a value of another kind")


def _drop_broken(remains: _Remains) -> list[str]:
    """Drop rows whose parent is lost, copies, and the literature's rows; return a line for each lost run."""
    ours = {row["key"] for row in remains.rows["runs"] if not row["literature"]}
    literatures = {row["key"] for row in remains.rows["runs"] if row["literature"]}
    alive: dict[str, set[Any]] = {}
    lost: Counter[int] = Counter()
    for table in Base.metadata.sorted_tables:  # parents before their children
        name = table.name
        if name not in remains.rows:
            continue
        primary = [column.name for column in table.primary_key]
        unique_names = _unique_names(table) or primary
        parents = [(key.parent.name, key.column.table.name) for key in table.foreign_keys]
        rows_by_key: dict[Any, dict[str, Any]] = {}
        unique: set[Any] = set()
        for row in remains.rows[name]:
            if row.get("run_key") in literatures or (name == "runs" and row["key"] not in ours):
                continue
            key = tuple(row[column] for column in primary)
            second = tuple(row[column] for column in unique_names)
            if (
                key in rows_by_key
                or second in unique
                or any(row[column] not in alive[parent] for column, parent in parents)
            ):
                remains.dropped[name] += 1
                if "run_key" in row and row["run_key"] not in ours:
                    lost[row["run_key"]] += 1
                continue
            rows_by_key[key] = row
            unique.add(second)
        remains.rows[name] = list(rows_by_key.values())
        if "key" in primary:
            alive[name] = {row["key"] for row in remains.rows[name]}
    return [
        f"a run (number {key} in the database) cannot be read; {many:,} of its rows go with it"
        for key, many in lost.items()
    ]


def _unique_names(table: sa.Table) -> list[str]:
    """Return the columns that no two rows may share beside the table's key; none where there is no such rule."""
    rules = [rule for rule in table.constraints if isinstance(rule, sa.UniqueConstraint)]
    return [column.name for rule in rules for column in rule.columns]


def _write(database: Path, remains: _Remains) -> dict[str, str]:
    """Fill the new registry; return the files that its rows name. RegistryError where a run is being trained."""
    engine = writing_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(sa.delete(RunRow))
        for table in Base.metadata.sorted_tables:
            for batch in _batches(remains.rows.get(table.name, [])):
                connection.execute(sa.insert(table), batch)
        literature.insert(connection)
        # Pages that are open notice by another number that all is new: seconds are more than any count of writes.
        connection.execute(sa.update(ChangeRow).values(writes=int(time.time())))
        alive = runs_in_training(connection)
        if alive:
            raise RegistryError(f"run {min(alive)} is being trained in this registry; end it first")
        named = all_recorded(connection)
    engine.dispose()
    return named


def _batches(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _put_in_place(new_database: Path, path: Path) -> Path:
    """Rename the damaged database, and the new one to its name, so that there is one under that name at any time."""
    aside = free_name(path.parent, f"{path.stem}.damaged-{{}}{path.suffix}")
    try:
        os.link(path, aside)
    except OSError:  # a disk without links
        shutil.copyfile(path, aside)
    for suffix in ("-wal", "-journal"):
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.rename(aside.with_name(aside.name + suffix))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    new_database.replace(path)
    return aside


def _move_unnamed(files: Path, named: dict[str, str], aside: Path) -> int:
    """Move the files whose rows are lost beside the damaged database: there may be no others. Return how many."""
    moved = 0
    for file in sorted(files.rglob("*")) if files.is_dir() else ():
        name = file.relative_to(files)
        if file.is_dir() or name.as_posix() in named or being_written(file):
            continue
        place = aside / name
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)
        moved += 1
    return moved


def _losses(remains: _Remains) -> list[str]:
    """Say what of each table is lost: rows that did not pass, and pages that could not be read at all."""
    lines = []
    for name in sorted({*remains.dropped, *remains.pages}):
        rows, pages = remains.dropped[name], remains.pages[name]
        if name in _ORDER and (rows or pages):
            losses = [f"{rows:,} rows"] if rows else []
            if pages:
                losses.append(f"what {pages:,} unreadable pages or cells held")
            lines.append(f"{name}: {' and '.join(losses)}")
        elif name == "trials":
            lines.append("the queues of sweeps: a study that is started again makes its own anew")
    return lines
