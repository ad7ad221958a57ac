"""Runs of other tools: TensorBoard's event files, CSV exports and pictures by step, imported all or none of them."""

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from fergan_core.errors import DataError
from fergan_core.files import working_folder
from fergan_core.recipe import IMPORTED, OWN_SCRIPT, own_recipe
from fergan_core.registry.exchange import csv_scalars, pictures, tensorboard_events
from fergan_core.registry.exchange.archive import LONGEST_NAME, Points, enter
from fergan_core.registry.exchange.foreign_run import ForeignRun
from fergan_core.registry.exchange.manifest import FORMAT, Manifest, explain
from fergan_core.registry.registry import Registry, new_id
from fergan_core.registry.rows import MOST

_NONE = ("tags", "notes", "checkpoints", "evaluations", "findings")  # of which no other tool's files tell


def import_foreign(registry: Registry, path: Path, name: str | None = None) -> list[tuple[str, str]]:
    """Import what lies at a path as runs; return their ids and names.

    A folder with event files gives a run for each folder that holds some; a CSV one for each run in it; a folder of
    pictures one. `name` is the run's, or begins the names of several. Raises DataError or UsageError, with nothing
    imported, where something cannot be read.
    """
    found = read_foreign(path)
    begins = "" if name is None else f"{name} "
    named = [(new_id(), name if name and len(found) == 1 else begins + run.name, run) for run in found]
    registry.files.mkdir(parents=True, exist_ok=True)
    with working_folder(registry.files / named[0][0]) as folder:
        runs = [(_manifest(run_id, title, run, path, folder), _columns(run, path)) for run_id, title, run in named]
        enter(registry, runs, folder)
    return [(run_id, title) for run_id, title, _ in named]


def read_foreign(path: Path) -> list[ForeignRun]:
    """Read what lies at a path, as `import_foreign` does; at least one run, each with points or sheets."""
    if not path.exists():
        raise DataError(f"there is nothing at '{path}'; give an event file, a CSV, or a folder of these or of pictures")
    if path.is_file():
        runs = tensorboard_events.read(path) if "tfevents" in path.name else csv_scalars.read(path)
    elif any(path.rglob("*tfevents*")):
        runs = tensorboard_events.read(path)
    else:
        runs = _of_folder(path)
    if not any(run.points or run.sheets for run in runs):
        raise DataError(f"'{path}' has neither scalars nor pictures in it; give what a training wrote")
    return [run for run in runs if run.points or run.sheets]


def _of_folder(path: Path) -> list[ForeignRun]:
    """Read a folder's pictures by step, and the scalars of a CSV beside them."""
    tables = sorted(path.glob("*.csv"))
    if len(tables) > 1:
        raise DataError(f"'{path}' has {len(tables)} CSV files; import each by itself, as in `{tables[0].name}`")
    runs = csv_scalars.read(tables[0]) if tables else [ForeignRun(path.resolve().name)]
    sheets = pictures.read(path)
    if sheets and len(runs) > 1:
        raise DataError(f"'{tables[0]}' has {len(runs)} runs, and nothing says whose pictures lie beside it; move them")
    runs[0].sheets = sheets
    return runs


def _columns(run: ForeignRun, path: Path) -> Points:
    columns: Points = {}
    for metric, by_step in run.points.items():
        steps = sorted(by_step)
        if len(metric) > LONGEST_NAME:
            raise DataError(
                f"'{path}': '{metric:.60}...' is not the name of a scalar; shorten it to {LONGEST_NAME:,} letters"
            )
        if steps[0] < 0 or steps[-1] > MOST:
            raise DataError(f"'{path}': '{metric}' has a step {steps[0]:,}; steps count from 0 to 2^53")
        floats = np.array([by_step[step] for step in steps], np.float64).reshape(-1, 3)
        columns[metric] = {
            "step": np.array(steps, np.int64), "value": floats[:, 0], "low": floats[:, 1], "high": floats[:, 2]
        }  # fmt: skip
    return columns


def _manifest(run_id: str, name: str, run: ForeignRun, path: Path, folder: Path) -> Manifest:
    """Describe a run as an archive does, its sheets written below `folder`."""
    last, now = run.last_step, time.time()
    of_stretches = any(point[1] == point[1] for column in run.points.values() for point in column.values())
    about: dict[str, Any] = {
        "id": run_id,
        "name": name,
        "status": "finished",
        "reason": "",
        "method": OWN_SCRIPT,
        "preset": IMPORTED,
        "recipe": own_recipe({"imported_from": path.name}, IMPORTED),
        "data": "own data",
        "data_hash": "",
        "dataset": {"name": "own data", "source": "own data", "content_hash": ""},
        "seed": 0,
        "device": "",
        "provenance": {},
        # Nothing tells how many steps an epoch had: steps alone are counted.
        "epoch": last,
        "epochs": max(1, last),
        "step": last,
        "steps": max(1, last),
        "images_seen": 0,
        "created": run.begun or now,
        "finished": None,
        "heartbeat": now,
        "thinned": of_stretches,
    }
    rows: dict[str, Any] = {"sheets": list(_sheet_rows(run_id, run, folder, now)), **{name: [] for name in _NONE}}
    try:
        return Manifest.model_validate({"format": FORMAT, "run": about, **rows})
    except ValidationError as error:
        raise DataError(f"'{path}' cannot be imported: {explain(error)}") from None


def _sheet_rows(run_id: str, run: ForeignRun, folder: Path, now: float) -> Iterable[dict[str, Any]]:
    for step, sheet in sorted(run.sheets.items()):
        path = f"{run_id}/sheets/step-{step:08d}.webp"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(sheet.picture)
        yield {
            "step": step,
            "epoch": step,
            "images_seen": 0,
            "path": path,
            "sha256": hashlib.sha256(sheet.picture).hexdigest(),
            "bytes": len(sheet.picture),
            "emotions": list(sheet.names),
            "columns": sheet.columns,
            "created": now,
        }
