"""Checking a registry: its database, every recorded file, and the files that no record names.

Damage is what was recorded and is not so any more: a row or page that cannot be read, a file missing or changed. A
stray is a file that nothing records, left by a process that was killed while it wrote: nothing recorded is lost by it.
"""

import hashlib
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core.errors import Damaged
from fergan_core.files import age, is_temporary, writer_lives
from fergan_core.registry.activity import FILE_NAME as ACTIVITY_FILE
from fergan_core.registry.connect import sqlite_path
from fergan_core.registry.derived import DERIVED
from fergan_core.registry.faults import check_kinds
from fergan_core.registry.queries import CRASHED_SECONDS, Reader, current_status
from fergan_core.registry.schema import RECORDED_FILES, Base, RunRow

_OF_A_RUN = re.compile(r"^[a-z0-9]{1,16}/(?:checkpoints/step-\d+(?:\.state)?\.safetensors|sheets/step-\d+\.webp)$")
# What commands are asked to write beside a registry: `.run.zip.1234.tmp`, `.faces.npz.1234.tmp`, `.page.png.1234.tmp`.
_OUTPUTS = re.compile(r"\..+\.(?:zip|npz|png)\.\d+\.tmp")


@dataclass(frozen=True)
class Damage:
    """A recorded file that is not as it was recorded: `kind` is missing or changed."""

    kind: str
    path: str
    run_id: str


@dataclass(frozen=True)
class Stray:
    """A file or folder that nothing records.

    `kind` is temporary (half written, or what a killed training said that it was doing), unrecorded (a run's, whole,
    but killed before its row was written), or unknown (of a name that FerGAN does not write, or of a run that this
    registry does not hold).
    """

    kind: str
    path: str
    file: Path


@dataclass(frozen=True)
class Report:
    """What `verify` read, and what it found; `database` has a sentence for each fault of the database itself."""

    files: int
    bytes: int
    database: list[str] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Tell whether all that was recorded can be read, strays or not."""
        return not self.database and not self.damage


def verify(reader: Reader) -> Report:
    """Read the database and every recorded file again, and look for files that nothing records.

    A running run's newest files, and what a living process writes just now, are not strays.
    """
    # The disk is looked at first: a file that appears later cannot be taken for a stray one.
    on_disk = list(_entries(reader.files)) + _beside(reader)
    faults = check_database(reader)
    runs = dict(_statuses(reader)) if not faults else {}
    recorded: set[str] = set()
    damage: list[Damage] = []
    size = 0
    for run_id in runs:
        for path, sha256 in recorded_files(reader, run_id):
            recorded.add(path)
            file = reader.file(path)
            if not file.is_file():
                damage.append(Damage("missing", path, run_id))
                continue
            size += file.stat().st_size
            with file.open("rb") as handle:
                if hashlib.file_digest(handle, "sha256").hexdigest() != sha256:
                    damage.append(Damage("changed", path, run_id))
    strays = [] if faults else [_stray(name, file, runs) for name, file in on_disk if name not in recorded]
    return Report(len(recorded), size, faults, damage, [stray for stray in strays if stray is not None])


def check_database(reader: Reader) -> list[str]:
    """Return what is wrong with the database itself: SQLite's own check, and every row against its columns."""
    faults = []
    if sqlite_path(reader.url) is not None:
        try:
            with reader.connection() as connection:
                verdicts = connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars().all()
                faults += [str(line).splitlines()[0] for line in verdicts if line != "ok"]
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                faults += [f"{row[0]}: a row names one of {row[2]} that is not there" for row in broken[:10]]
        except Damaged as error:
            faults.append(str(error))
    for table in Base.metadata.sorted_tables:
        try:
            with reader.connection() as connection:
                for rows in connection.execute(sa.select(table)).partitions(10_000):
                    check_kinds(rows, list(table.columns))
        except Damaged as error:
            faults.append(f"{table.name}: {error}")
    return faults


def recorded_files(reader: Reader, run_id: str) -> list[tuple[str, str]]:
    """Return path and SHA-256 of each file that a run records."""
    # Not by the reader's tables, which leave odd rows out: a file that such a row names is recorded all the same.
    files: list[tuple[str, str]] = []
    with reader.connection() as connection:
        for table, path_column, sha256_column in RECORDED_FILES:
            of_run = (
                sa.select(path_column, sha256_column)
                .join(RunRow, RunRow.key == table.run_key)
                .where(RunRow.id == run_id)
                .order_by(table.step)
            )
            files += [(str(path), str(sha256)) for path, sha256 in connection.execute(of_run) if isinstance(path, str)]
    return files


def all_recorded(connection: Connection) -> dict[str, str]:
    """Return the SHA-256 of every recorded file by its path, of all runs."""
    sha256_by_path: dict[str, str] = {}
    for _, path_column, sha256_column in RECORDED_FILES:
        rows = connection.execute(sa.select(path_column, sha256_column)).all()
        sha256_by_path |= {path: sha256 for path, sha256 in rows if path is not None and sha256 is not None}
    return sha256_by_path


def runs_in_training(connection: Connection) -> set[str]:
    """Return the ids of the runs that are being trained now."""
    fresh = (RunRow.status == "running") & (RunRow.heartbeat >= time.time() - CRASHED_SECONDS)
    return set(connection.scalars(sa.select(RunRow.id).where(fresh)))


def _statuses(reader: Reader) -> list[tuple[str, str]]:
    now = time.time()
    with reader.connection() as connection:
        rows = connection.execute(sa.select(RunRow.id, RunRow.status, RunRow.heartbeat)).all()
    return [(str(run_id), current_status(str(status), float(beat), now)) for run_id, status, beat in rows]


def _entries(files: Path) -> list[tuple[str, Path]]:
    """Return every file below the folder by its name there; a temporary folder is one entry."""
    if not files.is_dir():
        return []
    entries = []
    for path in sorted(files.iterdir()):
        below = sorted(path.rglob("*")) if path.is_dir() and not is_temporary(path.name) else [path]
        entries += [(file.relative_to(files).as_posix(), file) for file in below if file == path or not file.is_dir()]
    return entries


def _beside(reader: Reader) -> list[tuple[str, Path]]:
    """Return what was half written beside the database: for it, or by a command that was to write its output there."""
    path = sqlite_path(reader.url)
    if path is None or not path.parent.is_dir():
        return []
    prefix = f".{path.name}."
    files = (file for file in path.parent.iterdir() if file.name.startswith(prefix) or _OUTPUTS.fullmatch(file.name))
    return [(file.name, file) for file in sorted(files) if is_temporary(file.name)]


def _stray(name: str, file: Path, runs: dict[str, str]) -> Stray | None:
    """Tell what an unrecorded file is; None where somebody may still need it."""
    run_id = name.partition("/")[0]
    if runs.get(run_id) == "running" or not os.path.lexists(file) or (run_id in runs and DERIVED.match(name)):
        return None
    if is_temporary(file.name):
        return None if being_written(file) else Stray("temporary", name, file)
    if name == f"{run_id}/{ACTIVITY_FILE}" and run_id in runs:
        return Stray("temporary", name, file)
    return Stray("unrecorded" if run_id in runs and _OF_A_RUN.match(name) else "unknown", name, file)


def being_written(file: Path) -> bool:
    """Tell whether this is a temporary file that is young, or whose name tells a process that lives."""
    return is_temporary(file.name) and (age(file) < CRASHED_SECONDS or writer_lives(file))
