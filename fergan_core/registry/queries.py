"""Reading the registry: its contents as pandas tables, without writing a byte."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core.errors import NoRun, RegistryError
from fergan_core.registry import migrate, ours, scores
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
    SheetRow,
    TagRow,
)

# A run that is alive records a heartbeat every ten seconds: after two missed ones, and a little for a slow disk, it
# counts as crashed.
CRASHED_SECONDS = 25.0

_RUN_OBJECTS = [column for column in RunRow.__table__.columns if isinstance(column.type, sa.JSON)]
_RUN_COLUMNS = [column for column in RunRow.__table__.columns if not isinstance(column.type, sa.JSON)]


def current_status(status: str, heartbeat: float, now: float) -> str:
    """Return a run's status now: one that is running but has missed its heartbeats has crashed."""
    return "crashed" if status == "running" and now - heartbeat > CRASHED_SECONDS else status


class Reader:
    """The registry, read only. A registry that is not there yet reads as an empty one (`exists` is False)."""

    def __init__(self, url: str | None = None) -> None:
        self.url = full_url(url)
        self.files: Path = files_folder(self.url)
        self._engine = reading_engine(self.url)
        path = sqlite_path(self.url)
        self.exists = path is None or ours.check(path)
        if self.exists:
            with self.connection() as connection:
                version = migrate.check(connection)
            self.exists = version is not None
            if version not in (None, migrate.newest()):
                raise RegistryError(
                    f"the registry has the older schema '{version}'; any command that writes brings it up to date, "
                    "such as `fergan runs tag`"
                )

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
            rows, left_out = valid_rows(result.fetchall(), list(statement.selected_columns), whose)
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

    def runs(self, trashed: bool = False) -> pd.DataFrame:
        """Return all runs, newest first: a row a run, with its tags (list) and its newest sheet's path (or None).

        Of a run that cannot be shown there is a sentence in `attrs["left_out"]` instead.
        """
        chosen = RunRow.trashed.is_not(None) if trashed else RunRow.trashed.is_(None)
        frame = self.table(sa.select(*_RUN_COLUMNS, *_RUN_OBJECTS).where(chosen).order_by(RunRow.created.desc()))
        newest = (
            sa.select(SheetRow.run_key, sa.func.max(SheetRow.step).label("step"))
            .group_by(SheetRow.run_key)
            .subquery("newest")
        )
        sheets = self.table(
            sa.select(SheetRow.run_key, SheetRow.path, SheetRow.sha256).join(
                newest, (SheetRow.run_key == newest.c.run_key) & (SheetRow.step == newest.c.step)
            )
        ).set_index("run_key")
        tags = (
            self.table(sa.select(TagRow.run_key, TagRow.tag).order_by(TagRow.tag)).groupby("run_key")["tag"].agg(list)
        )
        now = time.time()
        frame["status"] = [
            current_status(status, beat, now) for status, beat in zip(frame["status"], frame["heartbeat"], strict=True)
        ]
        lists = tags.to_dict()
        frame["tags"] = pd.Series([lists.get(key, []) for key in frame["key"]], dtype=object, index=frame.index)
        for column, source in (("sheet_path", "path"), ("sheet_sha256", "sha256")):
            by_run_key = sheets[source].to_dict()
            frame[column] = pd.Series([by_run_key.get(key) for key in frame["key"]], dtype=object, index=frame.index)
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
        frames = [
            self._buckets(run_id, metrics, buckets, width, step_from, step_to) for run_id in dict.fromkeys(run_ids)
        ]
        columns = ["run_id", "metric", "step", "low", "high", "mean", "count", "nans"]
        frames = [frame for frame in frames if len(frame)]
        if not frames:
            return pd.DataFrame(columns=columns)
        return pd.concat(frames, ignore_index=True)[columns]

    def widest_stretch(self, run_ids: Sequence[str], metrics: Sequence[str]) -> int:
        """Return how many steps the points of thinned runs stand for, the most of these runs and metrics; else 1."""
        steps = sa.func.max(PointRow.step) - sa.func.min(PointRow.step)
        frame = self.table(
            sa.select(steps.label("steps"), sa.func.max(PointRow.step).label("last"), sa.func.count().label("count"))
            .join(RunRow, RunRow.key == PointRow.run_key)
            .join(MetricRow, MetricRow.key == PointRow.metric_key)
            .where(RunRow.id.in_(run_ids), RunRow.thinned, MetricRow.name.in_(metrics))
            .group_by(PointRow.run_key, PointRow.metric_key)
            .having(sa.func.count(PointRow.low) > 0)
        )
        if frame.empty:
            return 1
        # From the end of the first stretch to that of the last one, which may be shorter.
        table = frame.astype(float)
        widths = np.where(table["count"] > 1, np.ceil(table["steps"] / (table["count"] - 1)), table["last"])
        return int(widths.max())

    def _buckets(
        self,
        run_id: str,
        metrics: Sequence[str],
        buckets: int,
        width: int | None,
        step_from: int | None,
        step_to: int | None,
    ) -> pd.DataFrame:
        conditions = [RunRow.id == run_id, MetricRow.name.in_(metrics)]
        if step_from is not None:
            conditions.append(PointRow.step >= step_from)
        if step_to is not None:
            conditions.append(PointRow.step <= step_to)
        source = sa.join(PointRow, RunRow, RunRow.key == PointRow.run_key).join(
            MetricRow, MetricRow.key == PointRow.metric_key
        )
        first = 1
        if width is None:
            extent = self.table(
                sa.select(sa.func.min(PointRow.step).label("first"), sa.func.max(PointRow.step).label("last"))
                .select_from(source)
                .where(*conditions)
            )
            if extent.empty or extent["last"].isna().any():
                return pd.DataFrame()
            first, last = int(extent["first"].iloc[0]), int(extent["last"].iloc[0])
            width = max(1, math.ceil((last - first + 1) / buckets))
        bucket = sa.cast(PointRow.step - first, sa.Integer).op("/")(width)  # whole numbers divide to a whole number
        frame = self.table(
            sa.select(
                MetricRow.name.label("metric"),
                sa.func.max(PointRow.step).label("step"),
                sa.func.min(sa.func.coalesce(PointRow.low, PointRow.value)).label("low"),
                sa.func.max(sa.func.coalesce(PointRow.high, PointRow.value)).label("high"),
                sa.func.avg(PointRow.value).label("mean"),
                sa.func.count().label("count"),
                (sa.func.count() - sa.func.count(PointRow.value)).label("nans"),
            )
            .select_from(source)
            .where(*conditions)
            .group_by(MetricRow.name, bucket)
            .order_by(MetricRow.name, sa.literal_column("step"))
        )
        frame["run_id"] = run_id
        return frame.astype({"low": float, "high": float, "mean": float})

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

    def scores(self, run_ids: Sequence[str], *, sampled: bool = False) -> pd.DataFrame:
        """Return the runs' scores: run_id, run_name, data, epoch, step, judge, judge_sha256, count, prior, seed,
        truncation, real_count, metric, emotion (None: all), value, low, high, real, noise.

        Of faces drawn as the recipe says, unless `sampled`: then of all, with the columns evaluation (its key),
        sampler, steps and guidance, None of faces that were drawn in one pass.
        """
        frame = scores.comparable(self.table(scores.query(run_ids)))
        recipes = self.recipes(list(frame["run_id"].unique())) if sampled else None
        return scores.as_table(frame, recipes)

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
