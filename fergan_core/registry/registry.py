"""Writing to the registry: what trainers and evaluators record, and what a person does to a run."""

import base64
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core.errors import RegistryError
from fergan_core.registry import points
from fergan_core.registry.connect import (
    WriteLock,
    file_within,
    files_folder,
    full_url,
    inserted_key,
)
from fergan_core.registry.faults import readable_errors
from fergan_core.registry.opening import open_for_writing
from fergan_core.registry.queries import Reader
from fergan_core.registry.resolve import no_run
from fergan_core.registry.schema import (
    RECORDED_FILES,
    ChangeRow,
    CheckpointRow,
    EvaluationRow,
    FindingRow,
    NoteRow,
    PointRow,
    RunRow,
    SheetRow,
    TagRow,
)
from fergan_core.registry.scores import Score, replace_evaluation

STATUSES = ("running", "finished", "interrupted", "diverged", "failed")
ENDED = STATUSES[1:]


def new_id() -> str:
    """Draw a run's id: 8 letters and digits of base 32."""
    return base64.b32encode(secrets.token_bytes(5)).decode().lower()


class Registry:
    """The database of runs, opened for writing; made, or brought up to date, where necessary. `reader` reads it.

    The reader's connections cannot write: one that can would need the write lock even to be closed.
    Raises NewerSchema where a newer FerGAN wrote it, RegistryError where it cannot be opened or is not ours.
    """

    def __init__(self, url: str | None = None) -> None:
        self.url = full_url(url)
        self.files: Path = files_folder(self.url)
        self._lock = WriteLock(self.url)
        self._engine = open_for_writing(self.url)
        self.reader = Reader(self.url)

    @contextmanager
    def write(self, *, foreign_keys: bool = True) -> Iterator[Connection]:
        """Open a transaction for writing, alone among all processes where this SQLite needs it.

        Without `foreign_keys` SQLite does not look up, row by row, what the rows refer to: for a caller that has read
        it in this very transaction. Raises RegistryError where the database cannot be written (read-only, locked for
        long, the disk full), Damaged where it is garbled.
        """
        engine = self._engine.execution_options(foreign_keys=foreign_keys)
        with readable_errors(self.url, "written"), self._lock.held(), engine.begin() as connection:
            connection.execute(sa.update(ChangeRow).where(ChangeRow.key == 1).values(writes=ChangeRow.writes + 1))
            yield connection

    def create_run(
        self,
        *,
        name: str | None,
        method: str,
        preset: str,
        recipe: Mapping[str, Any],
        dataset: Mapping[str, Any],
        seed: int,
        provenance: Mapping[str, Any],
        tags: Sequence[str] = (),
        epochs: int,
        steps: int,
        parent: str | None = None,
        parent_step: int | None = None,
    ) -> str:
        """Record a run that begins now, from nothing or from a step of a parent run; return its id."""
        run_id, now = new_id(), time.time()
        with self.write() as connection:
            key = inserted_key(
                connection.execute(
                    sa.insert(RunRow).values(
                        id=run_id,
                        name=name or f"{preset}-{run_id[:4]}",
                        status="running",
                        reason="",
                        method=method,
                        preset=preset,
                        recipe=dict(recipe),
                        data=dataset["name"],
                        data_hash=dataset["content_hash"],
                        dataset=dict(dataset),
                        seed=seed,
                        device=str(provenance.get("device", "")),
                        provenance=dict(provenance),
                        epoch=0,
                        epochs=epochs,
                        parent=parent,
                        parent_step=parent_step,
                        step=0,
                        steps=steps,
                        images_seen=0,
                        created=now,
                        heartbeat=now,
                        literature=False,
                        thinned=False,
                    )
                )
            )
            self._add_tags(connection, key, tags)
        return run_id

    def set_status(self, run_id: str, status: str, reason: str = "") -> None:
        """Set a run's status, one of STATUSES, and the reason; ValueError for another one."""
        if status not in STATUSES:
            raise ValueError(f"status '{status}' is not one of {', '.join(STATUSES)}")
        now = time.time()
        finished = now if status in ENDED else None
        self._update(run_id, status=status, reason=reason, heartbeat=now, finished=finished)

    def heartbeat(self, run_id: str) -> None:
        """Record that a run is alive."""
        self._update(run_id, heartbeat=time.time())

    def progress(
        self,
        run_id: str,
        *,
        epoch: int,
        step: int,
        images_seen: int,
        epochs: int | None = None,
        steps: int | None = None,
    ) -> None:
        """Record a run's epoch, step and images seen, and that it is alive.

        `epochs` and `steps` are how long it will be, of a run whose length was not known when it began.
        """
        lengths = {} if epochs is None or steps is None else {"epochs": epochs, "steps": steps}
        self._update(run_id, epoch=epoch, step=step, images_seen=images_seen, heartbeat=time.time(), **lengths)

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name."""
        if not name.strip():
            raise RegistryError("a run's name cannot be empty; give at least one letter")
        self._update(run_id, name=name.strip())

    def add_points(self, run_id: str, rows: Iterable[tuple[str, int, float]]) -> None:
        """Add points (metric, step, value); one that is there already, or named twice, takes the last value."""
        columns = points.columns()
        points.add(columns, rows)
        self.add_columns(run_id, columns)

    def add_columns(self, run_id: str, columns: points.Columns) -> None:
        """Add the points of columns; one that is there already takes the new value."""
        if not columns:
            return
        last = max(map(max, columns.values()))
        with self.write(foreign_keys=False) as connection:
            key = self._key(connection, run_id)
            points.insert(connection, key, columns)
            largest = sa.case((RunRow.step < last, last), else_=RunRow.step)
            connection.execute(sa.update(RunRow).where(RunRow.key == key).values(heartbeat=time.time(), step=largest))

    def forget_after(self, run_id: str, step: int) -> None:
        """Delete all that a run recorded after a step: rows in one transaction, then the files they named.

        The run then stands where its last checkpoint stood.
        """
        with self.write() as connection:
            key = self._key(connection, run_id)
            paths: list[str] = []
            for table, path_column, _ in RECORDED_FILES:
                late = (table.run_key == key) & (table.step > step) & path_column.is_not(None)
                paths += connection.scalars(sa.select(path_column).where(late))
            for late_table in (PointRow, CheckpointRow, SheetRow, EvaluationRow, FindingRow):
                connection.execute(sa.delete(late_table).where(late_table.run_key == key, late_table.step > step))
            saved = sa.select(CheckpointRow.epoch, CheckpointRow.images_seen).where(CheckpointRow.run_key == key)
            newest = connection.execute(saved.order_by(CheckpointRow.step.desc()).limit(1)).one_or_none()
            epoch, images_seen = newest or (0, 0)
            connection.execute(
                sa.update(RunRow).where(RunRow.key == key).values(step=step, epoch=epoch, images_seen=images_seen)
            )
        for path in paths:
            file_within(self.files, path).unlink(missing_ok=True)

    def add_checkpoint(
        self,
        run_id: str,
        *,
        epoch: int,
        step: int,
        images_seen: int,
        path: str,
        sha256: str,
        bytes: int,
        state_path: str | None = None,
        state_sha256: str | None = None,
        state_bytes: int | None = None,
    ) -> None:
        """Record a checkpoint whose files are on disk already; paths are relative to `files`."""
        self._add_file(
            CheckpointRow,
            run_id,
            step,
            epoch=epoch,
            images_seen=images_seen,
            path=path,
            sha256=sha256,
            bytes=bytes,
            state_path=state_path,
            state_sha256=state_sha256,
            state_bytes=state_bytes,
        )

    def add_sheet(
        self,
        run_id: str,
        *,
        epoch: int,
        step: int,
        images_seen: int,
        path: str,
        sha256: str,
        bytes: int,
        emotions: Sequence[str],
        columns: int,
    ) -> None:
        """Record a sheet whose file is on disk already."""
        self._add_file(
            SheetRow,
            run_id,
            step,
            epoch=epoch,
            images_seen=images_seen,
            path=path,
            sha256=sha256,
            bytes=bytes,
            emotions=list(emotions),
            columns=columns,
        )

    def add_evaluation(
        self,
        run_id: str,
        *,
        epoch: int,
        step: int,
        judge: str,
        judge_sha256: str,
        protocol: Mapping[str, Any],
        scores: Sequence[Score],
    ) -> None:
        """Record an evaluation; the same judge's under the same protocol at the same step is replaced."""
        with self.write() as connection:
            replace_evaluation(
                connection,
                self._key(connection, run_id),
                epoch=epoch,
                step=step,
                judge=judge,
                judge_sha256=judge_sha256,
                protocol=protocol,
                scores=scores,
            )

    def set_findings(self, run_id: str, findings: Sequence[Mapping[str, Any]]) -> None:
        """Record a run's findings in place of those it had; the same ones again write nothing.

        Each has step, epoch, kind, severity, sentence and numbers.
        """
        names = ("step", "epoch", "kind", "severity", "sentence", "numbers")
        rows = [{name: finding[name] for name in names} for finding in findings]
        with self.write() as connection:
            key = self._key(connection, run_id)
            columns = [FindingRow.__table__.c[name] for name in names]
            recorded = connection.execute(
                sa.select(*columns).where(FindingRow.run_key == key).order_by(FindingRow.key)
            ).mappings()
            if [dict(row) for row in recorded] == rows:
                return
            connection.execute(sa.delete(FindingRow).where(FindingRow.run_key == key))
            if rows:
                now = time.time()
                connection.execute(sa.insert(FindingRow), [{"run_key": key, "created": now, **row} for row in rows])

    def tag(self, run_id: str, tag: str) -> None:
        """Give a run a tag; a second time changes nothing."""
        with self.write() as connection:
            self._add_tags(connection, self._key(connection, run_id), [tag])

    def untag(self, run_id: str, tag: str) -> None:
        """Take a tag off a run."""
        with self.write() as connection:
            key = self._key(connection, run_id)
            connection.execute(sa.delete(TagRow).where(TagRow.run_key == key, TagRow.tag == tag))

    def note(self, run_id: str, text: str) -> None:
        """Add a note to a run."""
        if not text.strip():
            raise RegistryError("a note cannot be empty; write at least one letter")
        with self.write() as connection:
            key = self._key(connection, run_id)
            connection.execute(sa.insert(NoteRow).values(run_key=key, text=text.strip(), created=time.time()))

    def edit_note(self, run_id: str, note: int, text: str) -> None:
        """Change the text of a note, by its number in `Reader.run`; RegistryError where the run has no such note."""
        if not text.strip():
            raise RegistryError("a note cannot be empty; delete it instead")
        with self.write() as connection:
            changed = sa.update(NoteRow).where(*self._is_note(connection, run_id, note)).values(text=text.strip())
            if not connection.execute(changed).rowcount:
                raise _no_note(run_id, note)

    def delete_note(self, run_id: str, note: int) -> None:
        """Delete a note, by its number in `Reader.run`; RegistryError where the run has no such note."""
        with self.write() as connection:
            if not connection.execute(sa.delete(NoteRow).where(*self._is_note(connection, run_id, note))).rowcount:
                raise _no_note(run_id, note)

    def trash(self, run_id: str) -> None:
        """Move a run out of the lists; `restore` brings it back."""
        self._update(run_id, trashed=time.time())

    def restore(self, run_id: str) -> None:
        """Bring a trashed run back; RegistryError where it is not in the trash."""
        with self.write() as connection:
            key = self._key(connection, run_id)
            back = sa.update(RunRow).where(RunRow.key == key, RunRow.trashed.is_not(None)).values(trashed=None)
            if not connection.execute(back).rowcount:
                raise RegistryError(f"run {run_id} is not in the trash; `fergan runs list` names it")

    def purge(self, run_id: str) -> None:
        """Delete a trashed run for good, with its files; RegistryError where it is not in the trash."""
        with self.write() as connection:
            key = self._key(connection, run_id)
            if connection.scalar(sa.select(RunRow.trashed).where(RunRow.key == key)) is None:
                raise RegistryError(f"run {run_id} is not in the trash; trash it first")
            connection.execute(sa.delete(RunRow).where(RunRow.key == key))
        shutil.rmtree(file_within(self.files, run_id), ignore_errors=True)

    def _key(self, connection: Connection, run_id: str) -> int:
        """Return a run's key for writing; NoRun where there is none, RegistryError for the literature's runs."""
        row = connection.execute(sa.select(RunRow.key, RunRow.literature).where(RunRow.id == run_id)).one_or_none()
        if row is None:
            raise no_run(run_id)
        if row.literature:
            raise RegistryError(
                f"run {run_id} is from the literature and cannot be changed; export or copy its numbers"
            )
        return int(row.key)

    def _is_note(self, connection: Connection, run_id: str, note: int) -> tuple[sa.ColumnElement[bool], ...]:
        return NoteRow.run_key == self._key(connection, run_id), NoteRow.key == note

    def _update(self, run_id: str, **values: Any) -> None:
        with self.write() as connection:
            connection.execute(sa.update(RunRow).where(RunRow.key == self._key(connection, run_id)).values(**values))

    def _add_file(self, table: type[CheckpointRow] | type[SheetRow], run_id: str, step: int, **values: Any) -> None:
        with self.write() as connection:
            key = self._key(connection, run_id)
            connection.execute(sa.delete(table).where(table.run_key == key, table.step == step))
            connection.execute(sa.insert(table).values(run_key=key, step=step, created=time.time(), **values))

    def _add_tags(self, connection: Connection, key: int, tags: Sequence[str]) -> None:
        for tag in dict.fromkeys(word.strip() for word in tags):
            if not tag:
                raise RegistryError("a tag cannot be empty; give at least one letter")
            same_tag = sa.select(TagRow.tag).where(TagRow.run_key == key, TagRow.tag == tag)
            if connection.scalar(same_tag) is None:
                connection.execute(sa.insert(TagRow).values(run_key=key, tag=tag))


def _no_note(run_id: str, note: int) -> RegistryError:
    return RegistryError(f"run {run_id} has no note {note}; it may have been deleted meanwhile")
