"""A registry of 1,000 runs, made of the showcase's: each run ten times, with other seeds and with long curves.

Every run keeps its tags, evaluations, findings and sheets, and has 1,000 points of each of 20 scalars; ten runs have
10,000 and ten 100,000. SQL makes the 42 million points in place.
"""

import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from fergan_core.data import cache
from fergan_core.files import working_folder
from tests.support.machine import ROOT

COPIES = 10  # of each of the showcase's 100 runs
SCALARS = (
    "loss_d", "loss_g", "d_accuracy", "grad_norm_d", "grad_norm_g", "images_per_second",
    *(f"pulse_{kind}/{name}" for kind in ("diversity", "accuracy")
      for name in ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")),
)  # fmt: skip
LONGER = 10  # runs of each greater length

_KEYS = 10_000  # apart from copy to copy
_COLUMNS = {
    "tags": ("tag",),
    "evaluations": ("key", "step", "epoch", "judge", "judge_sha256", "protocol", "protocol_key", "created"),
    "findings": ("key", "step", "epoch", "kind", "severity", "sentence", "numbers", "created"),
    "points": ("metric_key", "step", "value", "low", "high"),
    "sheets": ("step", "epoch", "images_seen", "path", "sha256", "bytes", "emotions", "columns", "created"),
    "checkpoints": (
        "step", "epoch", "images_seen", "path", "sha256", "bytes", "state_path", "state_sha256", "state_bytes",
        "created",
    ),
}  # fmt: skip
# Another seed in its columns, its recipe and its name; an id with a 0, which no run's own has; a fork's parent is the
# copy's own.
_RUNS = """
INSERT INTO runs
SELECT key + :apart, substr(id, 1, 6) || '0' || :copy,
  CASE WHEN instr(name, 'seed') THEN replace(name, 'seed ' || seed, 'seed ' || (seed + 10 * :copy))
       ELSE name || ', seed ' || (seed + 10 * :copy) END,
  status, reason, method, preset, json_set(recipe, '$.seed', seed + 10 * :copy), data, data_hash, dataset,
  seed + 10 * :copy, device, provenance, epoch, epochs, step, steps, images_seen, created - 86400.0 * :copy,
  finished - 86400.0 * :copy, heartbeat - 86400.0 * :copy, trashed, literature, thinned,
  substr(parent, 1, 6) || '0' || CASE WHEN parent IS NULL THEN NULL ELSE :copy END, parent_step
FROM runs WHERE key < :first AND NOT literature
"""
# Scores and points vary by some percent from run to run, with whole numbers for want of a random number with a seed.
_SCORES = """
INSERT INTO scores
SELECT evaluation_key + :apart, metric, emotion, value * factor, low * factor, high * factor, real, noise FROM (
  SELECT s.*, 0.97 + (e.run_key * 7919 + :copy * 104729) % 61 / 1000.0 AS factor
  FROM scores s JOIN evaluations e ON e.key = s.evaluation_key JOIN runs r ON r.key = e.run_key
  WHERE s.evaluation_key < :first AND NOT r.literature)
"""
_POINTS = """
WITH RECURSIVE steps(place) AS (SELECT 1 UNION ALL SELECT place + 1 FROM steps WHERE place < :points)
INSERT INTO points (run_key, metric_key, step, value)
SELECT r.key, m.key, s.place * :spacing,
  0.5 + 1.0 / (1 + s.place * 8.0 / :points) + (s.place * 7919 + r.key * 104729 + m.key * 1299709) % 997 / 1994.0
FROM runs r CROSS JOIN chosen m CROSS JOIN steps s WHERE r.key = :run ORDER BY m.key, s.place
"""


@dataclass(frozen=True)
class Size:
    """How many points each scalar of a run has; ten runs each are `long` and of `middle` length, and named so."""

    points: int = 1_000
    middle: int = 10_000
    long: int = 100_000


def large_registry(size: Size = Size()) -> Path:
    """Return the registry's path in the cache folder; it is made where it is not there yet."""
    showcase = ROOT / "runs.db"
    state = showcase.stat()
    folder = cache.folder() / f"large-{state.st_size}-{size.points}-{size.middle}-{size.long}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with working_folder(folder) as fresh:
            make(showcase, fresh / "runs.db", size)
            os.replace(fresh, folder)
    return folder / "runs.db"


def make(showcase: Path, path: Path, size: Size) -> None:
    """Write the large registry to `path`, with its files beside it."""
    shutil.copyfile(showcase, path)
    connection = sqlite3.connect(path, isolation_level=None)
    # If this breaks off, the whole folder is thrown away.
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    for copy in range(1, COPIES):
        values = {"copy": copy, "apart": copy * _KEYS, "first": _KEYS}
        connection.execute(_RUNS, values)
        for table, columns in _COLUMNS.items():
            connection.execute(_copied(table, columns), values)
        connection.execute(_SCORES, values)
    _write_points(connection, size)
    connection.execute("UPDATE runs SET thinned = 0")  # nothing of the new points was taken out
    connection.execute("UPDATE changes SET writes = writes + 1")
    connection.execute("COMMIT")
    _link_files(connection, showcase.with_suffix(".files"), path.with_suffix(".files"))
    connection.close()


def _copied(table: str, columns: tuple[str, ...]) -> str:
    """Return the statement that copies the rows of a table which belong to a run."""
    changed = {
        "key": "t.key + :apart",
        **{name: f"substr(r.id, 1, 6) || '0' || :copy || substr(t.{name}, instr(t.{name}, '/'))"
           for name in ("path", "state_path")},
    }  # fmt: skip
    selected = ", ".join(changed.get(name, f't."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    return (
        f"INSERT INTO {table} (run_key, {names}) SELECT t.run_key + :apart, {selected} "
        f"FROM {table} t JOIN runs r ON r.key = t.run_key WHERE t.run_key < :first AND NOT r.literature"
    )


def _write_points(connection: sqlite3.Connection, size: Size) -> None:
    """Give every trained run its points of SCALARS in place of those it had, the runs in the order of their keys."""
    connection.execute("CREATE TEMP TABLE chosen (key INTEGER PRIMARY KEY)")
    for name in SCALARS:
        connection.execute("INSERT INTO chosen SELECT key FROM metrics WHERE name = ?", (name,))
    connection.execute("DELETE FROM points WHERE metric_key IN (SELECT key FROM chosen)")
    runs = connection.execute("SELECT key, step FROM runs WHERE NOT literature ORDER BY key").fetchall()
    lengths = dict.fromkeys(range(0, LONGER * (len(runs) // LONGER), len(runs) // LONGER), "long")
    lengths |= {place + 1: "middle" for place in lengths}
    for place, (key, step) in enumerate(runs):
        length = lengths.get(place)
        points = size.points if length is None else getattr(size, length)
        if length is not None:
            change = "UPDATE runs SET name = ? || ' ' || id, step = ?, steps = ? WHERE key = ?"
            connection.execute(change, (length, points, points, key))
        spacing = 1 if length else max(1, step // points)
        connection.execute(_POINTS, {"run": key, "points": points, "spacing": spacing})


def _link_files(connection: sqlite3.Connection, source: Path, target: Path) -> None:
    """Put a file where each row of a sheet names one; all copies of a file are links to it, where the disk has them."""
    shutil.copytree(source, target)
    originals = {path.name: path for path in target.iterdir()}
    for (run_id,) in connection.execute("SELECT id FROM runs WHERE key > ?", (_KEYS,)):
        original = next((folder for name, folder in originals.items() if name[:6] == run_id[:6]), None)
        if original is not None:
            shutil.copytree(original, target / run_id, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
