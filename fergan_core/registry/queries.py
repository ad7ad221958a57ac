"""Reading the registry: its contents as pandas tables, without writing a byte."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core.errors import NoRun, RegistryError
from fergan_core.registry import curves, migrate, ours, scores
from fergan_core.registry.activity import Activity, read_activity
from fergan_core.registry.connect import file_within, files_folder, full_url, reading_engine, sqlite_path
from fergan_core.registry.faults import readable_errors
from fergan_core.registry.resolve import Trashed, no_run, resolve
from fergan_core.registry.rows import leave_out, valid_rows
from fergan_core.registry.schema import (
    ChangeRow,
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

# A run that is alive records a heartbeat every ten seconds: after two missed ones, and a little for a slow disk, it
# counts as crashed.
CRASHED_SECONDS = 25.0

_QUERIES_AT_ONCE = 4  # at the most

_RUN_OBJECTS = [column for column in RunRow.__table__.columns if isinstance(column.type, sa.JSON)]
_RUN_COLUMNS = [column for column in RunRow.__table__.columns if not isinstance(column.type, sa.JSON)]


def current_status(status: str, heartbeat: float, now: float) -> str:
    """Return a run's status now: one that is running but has missed its heartbeats has crashed."""
    return "crashed" if status == "running" and now - heartbeat > CRASHED_SECONDS else status


def _is_there(url: str) -> bool:
    """Tell whether a registry that can be read is there; RegistryError where its schema is too old."""
    path = sqlite_path(url)
    if path is not None and not ours.check(path):
        return False
    with readable_errors(url, "read"), reading_engine(url).connect() as connection:
        version = migrate.check(connection)
    if version is not None and version < migrate.OLDEST_READABLE:
        raise RegistryError(
            f"the registry has the older schema '{version}'; any command that writes brings it up to date, such as "
            "`fergan runs tag`"
        )
    return version is not None


@lru_cache(maxsize=16)
def _is_there_now(url: str, state: tuple[object, ...]) -> bool:
    """Return `_is_there`, asked once for each state of an SQLite file: a page opens dozens of readers."""
    return _is_there(url)


def _state(path: Path) -> tuple[object, ...]:
    """Return what changes when a file or its log is replaced or written."""
    states: list[object] = []
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            state = file.stat()
        except OSError as error:
            states.append(error.errno)
        else:
            states.append((state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))
    return tuple(states)


class Reader:
    """The registry, read only. A registry that is not there yet reads as an empty one (`exists` is False)."""

    def __init__(self, url: str | None = None) -> None:
        self.url = full_url(url)
        self.files: Path = files_folder(self.url)
        self._engine = reading_engine(self.url)
        path = sqlite_path(self.url)
        self.exists = _is_there(self.url) if path is None else _is_there_now(self.url, _state(path))

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Open a connection that cannot write; RegistryError or Damaged, in one sentence, for what fails on it."""
        with readable_errors(self.url, "read"), self._engine.connect() as connection:
            yield connection

    def table(self, statement: sa.Select[*tuple[Any, ...]], whose: str | None = None) -> pd.DataFrame:
        """Run a query; a registry that is not there gives an empty table with the same columns.

        Rows that break the rules of `rows` are left out, and named in the table's `attrs["left_out"]`; `whose` is the
        id of their run.
        """
        if not self.exists:
            return pd.DataFrame(columns=[column.key for column in statement.selected_columns])
        with self.connection() as connection:
            result = connection.execute(statement)
            # As plain tuples: of each row of SQLAlchemy's pandas asks what it is.
            rows, left_out = valid_rows([tuple(row) for row in result], list(statement.selected_columns), whose)
            frame = pd.DataFrame(rows, columns=list(result.keys()))
        if left_out:
            frame.attrs["left_out"] = left_out
        return frame

    def last_write(self) -> int:
        """Return a number that changes with every write."""
        if not self.exists:
            return 0
        with self.connection() as connection:
            return int(connection.scalar(sa.select(ChangeRow.writes)) or 0)

    def runs(self, trashed: bool = False, *, tag: str | None = None) -> pd.DataFrame:
        """Return all runs, or those with a tag, newest first: a row a run, with its tags (list) and its newest sheet's
        path (or None).

        Of a run that cannot be shown there is a sentence in `attrs["left_out"]` instead.
        """
        chosen: sa.ColumnElement[bool] = RunRow.trashed.is_not(None) if trashed else RunRow.trashed.is_(None)
        if tag is not None:
            chosen = chosen & RunRow.key.in_(sa.select(TagRow.run_key).where(TagRow.tag == tag))
        frame = self.table(sa.select(*_RUN_COLUMNS, *_RUN_OBJECTS).where(chosen).order_by(RunRow.created.desc()))
        newest = (
            sa.select(SheetRow.run_key, sa.func.max(SheetRow.step).label("step"))
            .join(RunRow, RunRow.key == SheetRow.run_key)
            .where(chosen)
            .group_by(SheetRow.run_key)
            .subquery("newest")
        )
        sheets = self.table(
            sa.select(SheetRow.run_key, SheetRow.path, SheetRow.sha256, SheetRow.columns).join(
                newest, (SheetRow.run_key == newest.c.run_key) & (SheetRow.step == newest.c.step)
            )
        ).set_index("run_key")
        tagged = self.table(
            sa.select(TagRow.run_key, TagRow.tag)
            .join(RunRow, RunRow.key == TagRow.run_key)
            .where(chosen)
            .order_by(TagRow.tag)
        )
        now = time.time()
        frame["status"] = [
            current_status(status, beat, now) for status, beat in zip(frame["status"], frame["heartbeat"], strict=True)
        ]
        lists: dict[int, list[str]] = {}
        for key, name in zip(tagged["run_key"], tagged["tag"], strict=True):
            lists.setdefault(key, []).append(name)
        frame["tags"] = pd.Series([lists.get(key, []) for key in frame["key"]], dtype=object, index=frame.index)
        for source in ("path", "sha256", "columns"):
            by_key = sheets[source].to_dict()
            values = [by_key.get(key) for key in frame["key"]]
            frame[f"sheet_{source}"] = pd.Series(values, dtype=object, index=frame.index)
        return frame.drop(columns=["key", "trashed", *(column.key for column in _RUN_OBJECTS)])

    def resolve(self, text: str, *, trashed: Trashed = "last") -> str:
        """Return the id of the run that an id, a name, or the beginning of an id means; NoRun where none or several do.

        Of several runs those outside the trash are meant, with `trashed` "first" those in it. "never" refuses a run
        in the trash, and says how to bring it back.
        """
        if not self.exists:
            return resolve(text, [], trashed)
        # Also of runs that are left out elsewhere: to be thrown away they must be named.
        with self.connection() as connection:
            columns = (RunRow.id, RunRow.name, RunRow.created, RunRow.trashed)
            rows = connection.execute(sa.select(*columns).order_by(RunRow.created)).all()
        return resolve(text, rows, trashed)

    def _key(self, connection: Connection, run_id: str) -> int:
        key = connection.scalar(sa.select(RunRow.key).where(RunRow.id == run_id))
        if key is None:
            raise no_run(run_id)
        return int(key)

    def run(self, run_id: str) -> dict[str, Any]:
        """Return all of a run except points, scores and files: recipe, provenance, dataset, tags, notes, counts."""
        if not self.exists:
            raise NoRun(f"no run '{run_id}': the registry is empty")
        with self.connection() as connection:
            key = self._key(connection, run_id)
            columns = [*_RUN_COLUMNS, *_RUN_OBJECTS]
            rows, left_out = valid_rows(connection.execute(sa.select(*columns).where(RunRow.key == key)).all(), columns)
            if left_out:
                raise TypeError(left_out[0])
            row = dict(zip((column.key for column in columns), rows[0], strict=True))
            tags = connection.execute(sa.select(TagRow.tag).where(TagRow.run_key == key).order_by(TagRow.tag)).all()
            row["tags"] = [tag for (tag,) in valid_rows(tags, [TagRow.tag])[0]]
            note_columns = [NoteRow.key, NoteRow.text, NoteRow.created]
            notes = connection.execute(
                sa.select(*note_columns).where(NoteRow.run_key == key).order_by(NoteRow.created, NoteRow.key)
            ).all()
            row["notes"] = [
                {"number": number, "text": text, "created": created}
                for number, text, created in valid_rows(notes, note_columns)[0]
            ]
            for name, table in (
                ("checkpoints", CheckpointRow),
                ("sheets", SheetRow),
                ("evaluations", EvaluationRow),
                ("findings", FindingRow),
            ):
                count = sa.select(sa.func.count()).select_from(table).where(table.run_key == key)
                row[name] = int(connection.scalar(count) or 0)
        row["status"] = current_status(row["status"], row["heartbeat"], time.time())
        del row["key"]
        return row

    def recipes(self, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the recipes, by id, of those of the runs that there are, also in the trash."""
        rows = self.table(sa.select(RunRow.id, RunRow.recipe).where(RunRow.id.in_(run_ids)).order_by(RunRow.key))
        return dict(zip(rows["id"], rows["recipe"], strict=True))

    def recipes_and_datasets(self, run_ids: Sequence[str]) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """Return the recipes and datasets, by id, of those of the runs that there are, also in the trash."""
        rows = self.table(sa.select(RunRow.id, RunRow.recipe, RunRow.dataset).where(RunRow.id.in_(run_ids)))
        return dict(zip(rows["id"], zip(rows["recipe"], rows["dataset"], strict=True), strict=True))

    def tags(self, beginning: str = "") -> list[str]:
        """Return the tags of runs outside the trash that begin so, those of the newest runs first."""
        newest = sa.func.max(RunRow.created)
        rows = self.table(
            sa.select(TagRow.tag)
            .join(RunRow, RunRow.key == TagRow.run_key)
            .where(RunRow.trashed.is_(None), TagRow.tag.startswith(beginning, autoescape=True))
            .group_by(TagRow.tag)
            .order_by(newest.desc(), TagRow.tag)
        )
        return [str(tag) for tag in rows["tag"]]

    def metrics(self, run_ids: Sequence[str]) -> list[str]:
        """Return the names of the scalars that any of the runs has points of."""
        some = (
            sa.select(PointRow.step)
            .join(RunRow, RunRow.key == PointRow.run_key)
            .where(RunRow.id.in_(run_ids), PointRow.metric_key == MetricRow.key)
        )
        names = self.table(sa.select(MetricRow.name).where(some.exists()).order_by(MetricRow.key))
        return [str(name) for name in names["name"]]

    def points(
        self,
        run_ids: Sequence[str],
        metrics: Sequence[str],
        *,
        buckets: int = 500,
        width: int | None = None,
        step_from: int | None = None,
        step_to: int | None = None,
    ) -> pd.DataFrame:
        """Return points in at most `buckets` stretches of steps a run and metric, so that every spike survives.

        With `width`, in stretches of so many steps instead, counted from step 1: the same ones for all runs.
        Columns: run_id, metric, step (the stretch's last), low, high, mean, count (points), nans (of which NaN).
        """
        if not self.exists:
            return pd.DataFrame(columns=curves.COLUMNS)
        edges = self.table(curves.extents(run_ids, metrics, step_from, step_to)).dropna()
        stretches = curves.divided(edges, buckets, width)
        metric_keys = [int(key) for key in edges["metric_key"].unique()]
        queries = list(curves.queries(stretches, metric_keys, step_from, step_to))
        # The database groups while Python waits: two queries at once take half the time where a core is idle.
        with ThreadPoolExecutor(max_workers=max(1, min(len(queries), os.cpu_count() or 1, _QUERIES_AT_ONCE))) as pool:
            frames = list(pool.map(self.table, queries))
        if not frames:
            return pd.DataFrame(columns=curves.COLUMNS)
        table = curves.as_table(frames, edges, run_ids)
        table.attrs["left_out"] = [sentence for frame in frames for sentence in frame.attrs.get("left_out", [])]
        return table

    def widest_stretch(self, run_ids: Sequence[str], metrics: Sequence[str]) -> int:
        """Return how many steps the points of thinned runs stand for, the most of these runs and metrics; else 1."""
        frame = self.table(curves.thinned(run_ids, metrics))
        if frame.empty:
            return 1
        # From the end of the first stretch to that of the last one, which may be shorter.
        table = frame.astype(float)
        widths = np.where(table["count"] > 1, np.ceil(table["steps"] / (table["count"] - 1)), table["last"])
        return int(widths.max())

    def checkpoints(self, run_id: str) -> pd.DataFrame:
        """Return a run's checkpoints in order: epoch, step, images_seen, paths, hashes, sizes."""
        return self._of_run(CheckpointRow, run_id)

    def sheets(self, run_id: str) -> pd.DataFrame:
        """Return a run's sheets in order: epoch, step, images_seen, path, sha256, bytes, emotions, columns."""
        return self._of_run(SheetRow, run_id)

    def findings(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Return the runs' findings in order of steps."""
        columns = [column for column in FindingRow.__table__.columns if column.name not in ("key", "run_key")]
        frame = self.table(
            sa.select(RunRow.id.label("run_id"), *columns)
            .join(RunRow, RunRow.key == FindingRow.run_key)
            .where(RunRow.id.in_(run_ids))
            .order_by(FindingRow.step)
        )
        pairs = zip(frame["kind"], frame["numbers"], strict=True)
        nameless = pd.Series(
            [kind == "collapse" and not numbers.get("emotion") for kind, numbers in pairs], frame.index, dtype=bool
        )
        return leave_out(frame, nameless, "a finding is left out: it is a collapse of no emotion")

    def scores(self, run_ids: Sequence[str], *, sampled: bool = False, by_emotion: bool = True) -> pd.DataFrame:
        """Return the runs' scores: run_id, run_name, data, epoch, step, judge, judge_sha256, count, prior, seed,
        truncation, real_count, evaluation (its key), metric, emotion (None: all), value, low, high, real, noise.

        Of faces drawn as the recipe says, unless `sampled`: then of all, with the columns sampler, steps and guidance,
        None of faces that were drawn in one pass. Without `by_emotion` only those of all emotions together, a sixth of
        them.
        """
        of_runs = RunRow.id.in_(run_ids)
        evaluations = scores.comparable(self.table(scores.evaluations_query(of_runs)))
        recipes = self.recipes(list(evaluations["run_id"].unique())) if sampled else None
        wanted = [of_runs] if by_emotion else [of_runs, ScoreRow.emotion == ""]
        return scores.as_table(evaluations, self.table(scores.query(*wanted)), recipes)

    def activity(self, run_id: str) -> Activity | None:
        """Return what a run in training does instead of stepping, None while it steps.

        Of a run that was killed it may tell what it did then.
        """
        return read_activity(file_within(self.files, run_id))

    def file(self, path: str) -> Path:
        """Return where a recorded file lies; RegistryError where its name leads out of the registry's folder."""
        return file_within(self.files, path)

    def _of_run(self, table: type[CheckpointRow] | type[SheetRow], run_id: str) -> pd.DataFrame:
        columns = [column for column in table.__table__.columns if column.name != "run_key"]
        return self.table(
            sa.select(*columns)
            .join(RunRow, RunRow.key == table.run_key)
            .where(RunRow.id == run_id)
            .order_by(table.step),
            run_id,
        )
