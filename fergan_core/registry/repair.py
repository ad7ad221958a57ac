"""Cleaning a registry whose database can be read: strays and records of lost files go, each reported in a line.

A file that was written but not recorded is removed, not recorded: a resumed run makes it again, bit for bit, with the
points up to there, which a killed process had not written yet. Nothing of a running run is touched.
"""

import shutil
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core.errors import RegistryError
from fergan_core.registry.connect import file_within
from fergan_core.registry.registry import Registry
from fergan_core.registry.schema import NO_STATE, CheckpointRow, RunRow, SheetRow
from fergan_core.registry.verify import Damage, Report, Stray, all_recorded, being_written, runs_in_training

DAMAGED = ".damaged"


def repair(registry: Registry, report: Report) -> list[str]:
    """Clean what `verify` reported and return a line for each thing done or left.

    Raises RegistryError where not one recorded file is there: then their disk is missing rather than they.
    """
    if report.damage and len(report.damage) == report.files and all(d.kind == "missing" for d in report.damage):
        raise RegistryError(
            f"not one of {report.files} recorded files is in '{registry.files}'; bring that folder back (is its disk "
            "mounted?), or restore a backup"
        )
    lines = []
    # No other process can record a file, or say that it goes on with a run, until this is done.
    with registry.write() as connection:
        alive = runs_in_training(connection)
        for damage in report.damage:
            if damage.run_id not in alive:
                lines += _drop(connection, registry.files, damage)
        recorded = all_recorded(connection)
        for stray in report.strays:
            if stray.path not in recorded and stray.path.partition("/")[0] not in alive:
                lines.append(_clean(stray))
    return lines


def _drop(connection: Connection, files: Path, damage: Damage) -> list[str]:
    """Forget a lost file, so that the run can go on from what is left; a changed file is kept beside, renamed."""
    key = connection.scalar(sa.select(RunRow.key).where(RunRow.id == damage.run_id))
    state = (CheckpointRow.run_key == key) & (CheckpointRow.state_path == damage.path)
    weights = (CheckpointRow.run_key == key) & (CheckpointRow.path == damage.path)
    dropped = connection.execute(sa.update(CheckpointRow).where(state).values(**NO_STATE)).rowcount
    what = "the checkpoint keeps its weights, and no training goes on from it"
    if not dropped:
        orphans = connection.scalars(sa.select(CheckpointRow.state_path).where(weights)).all()
        dropped = connection.execute(sa.delete(CheckpointRow).where(weights)).rowcount
        what = "the checkpoint is no longer listed; the run resumes from an earlier one"
        for orphan in orphans:
            if dropped and orphan is not None:
                file_within(files, orphan).unlink(missing_ok=True)
    if not dropped:
        sheet = (SheetRow.run_key == key) & (SheetRow.path == damage.path)
        dropped = connection.execute(sa.delete(SheetRow).where(sheet)).rowcount
        what = "the sheet is no longer listed"
    if not dropped:
        return []  # the run was resumed or purged meanwhile
    if damage.kind == "changed":
        file = file_within(files, damage.path)
        file.rename(file.with_name(file.name + DAMAGED))
        what += f"; the file is kept as {file.name}{DAMAGED}"
    return [f"lost: {damage.path} ({damage.kind}): {what}"]


def _clean(stray: Stray) -> str:
    if stray.kind == "unknown":
        return f"left: {stray.path}: FerGAN did not write it, or not for a run of this registry"
    if stray.kind == "temporary" and being_written(stray.file):
        return f"left: {stray.path}: it is being written"
    try:
        if stray.file.is_dir() and not stray.file.is_symlink():
            shutil.rmtree(stray.file)
        else:
            stray.file.unlink(missing_ok=True)
    except OSError as error:
        return f"left: {stray.path}: it cannot be removed ({error.strerror})"
    unrecorded = "written but not recorded; a resumed run makes it again"
    why = unrecorded if stray.kind == "unrecorded" else "half written, or left by a killed training"
    return f"removed: {stray.path}: {why}"
