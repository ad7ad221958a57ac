"""The registry's tables. Times are seconds since 1970, UTC; JSON columns hold plain values."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, ForeignKey, MetaData, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Named constraints, so that a later migration can change them on every database.
_NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

VERSION_TABLE = "fergan_version"


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, list[int]: JSON}  # noqa: RUF012 - SQLAlchemy reads it from the class


def _run_key(**options: Any) -> Mapped[int]:
    return mapped_column(ForeignKey("runs.key", ondelete="CASCADE"), **options)


class RunRow(Base):
    """One training; `key` is the short number that points carry, `id` what people see."""

    __tablename__ = "runs"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(index=True)
    status: Mapped[str]
    reason: Mapped[str]
    method: Mapped[str]
    preset: Mapped[str]
    recipe: Mapped[dict[str, Any]]
    data: Mapped[str]
    data_hash: Mapped[str]
    dataset: Mapped[dict[str, Any]]
    seed: Mapped[int]
    device: Mapped[str]
    provenance: Mapped[dict[str, Any]]
    epoch: Mapped[int]
    epochs: Mapped[int]
    step: Mapped[int]
    steps: Mapped[int]
    images_seen: Mapped[int]
    created: Mapped[float] = mapped_column(index=True)
    finished: Mapped[float | None]
    heartbeat: Mapped[float]
    trashed: Mapped[float | None]
    literature: Mapped[bool]
    thinned: Mapped[bool]
    parent: Mapped[str | None]  # the id of the run that this one branches from, here or elsewhere
    parent_step: Mapped[int | None]


class TagRow(Base):
    """A word that somebody gave to a run."""

    __tablename__ = "tags"

    run_key: Mapped[int] = _run_key(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)


class NoteRow(Base):
    """A text that somebody wrote about a run."""

    __tablename__ = "notes"

    key: Mapped[int] = mapped_column(primary_key=True)
    run_key: Mapped[int] = _run_key(index=True)
    text: Mapped[str]
    created: Mapped[float]


# Rows of a composite key are kept by it; SQLite would keep the key twice otherwise.
_WITHOUT_ROWID = {"sqlite_with_rowid": False}


class MetricRow(Base):
    """The name of a scalar; points carry its key."""

    __tablename__ = "metrics"

    key: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class PointRow(Base):
    """One value of one scalar at one step. NULL is NaN, which SQLite cannot hold; infinities are kept as they are.

    In a thinned run a point stands for a stretch of steps that ends at `step`: `value` is the stretch's mean,
    `low` and `high` its extremes.
    """

    __tablename__ = "points"
    __table_args__ = _WITHOUT_ROWID

    run_key: Mapped[int] = _run_key(primary_key=True)
    metric_key: Mapped[int] = mapped_column(ForeignKey("metrics.key"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]


class CheckpointRow(Base):
    """A run's weights at a step and, unless it is a light copy, the rest of its training state."""

    __tablename__ = "checkpoints"

    run_key: Mapped[int] = _run_key(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    images_seen: Mapped[int]
    path: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int]
    state_path: Mapped[str | None]
    state_sha256: Mapped[str | None] = mapped_column(String(64))
    state_bytes: Mapped[int | None]
    created: Mapped[float]


class SheetRow(Base):
    """The picture of a checkpoint or epoch: a row an emotion, the same latents in every row."""

    __tablename__ = "sheets"

    run_key: Mapped[int] = _run_key(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    images_seen: Mapped[int]
    path: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int]
    emotions: Mapped[list[str]]
    columns: Mapped[int]
    created: Mapped[float]


class EvaluationRow(Base):
    """All scores of one step under one protocol by one judge; `protocol_key` is the protocol as sorted JSON."""

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("run_key", "step", "judge_sha256", "protocol_key"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    run_key: Mapped[int] = _run_key(index=True)
    step: Mapped[int]
    epoch: Mapped[int]
    judge: Mapped[str]
    judge_sha256: Mapped[str] = mapped_column(String(64))
    protocol: Mapped[dict[str, Any]]
    protocol_key: Mapped[str]
    created: Mapped[float]


class ScoreRow(Base):
    """One number of an evaluation with its interval, real images' value and noise's; '' is all emotions together."""

    __tablename__ = "scores"
    __table_args__ = _WITHOUT_ROWID

    evaluation_key: Mapped[int] = mapped_column(ForeignKey("evaluations.key", ondelete="CASCADE"), primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    emotion: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    real: Mapped[float | None]
    noise: Mapped[float | None]


class FindingRow(Base):
    """A dated, explained event of a run."""

    __tablename__ = "findings"

    key: Mapped[int] = mapped_column(primary_key=True)
    run_key: Mapped[int] = _run_key(index=True)
    step: Mapped[int]
    epoch: Mapped[int]
    kind: Mapped[str]
    severity: Mapped[str]
    sentence: Mapped[str]
    numbers: Mapped[dict[str, Any]]
    created: Mapped[float]


def _rating_study_key(**options: Any) -> Mapped[int]:
    return mapped_column(ForeignKey("rating_studies.key", ondelete="CASCADE"), **options)


class RatingStudyRow(Base):
    """Faces that people are asked to judge; `plan` says how (see `fergan_core.rating.session.Plan`)."""

    __tablename__ = "rating_studies"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str]
    plan: Mapped[dict[str, Any]]
    created: Mapped[float]


class RatingItemRow(Base):
    """One face of a rating study with its picture, a PNG: it can be shown when run, weights and data are gone.

    A generated face has its run, step, epoch and seed, a real one its dataset's hash and its place in it; noise has
    neither. `read_as` is what the judge recognises, `role` what the face is there for: trial, practice or check.
    """

    __tablename__ = "rating_items"
    __table_args__ = (UniqueConstraint("study_key", "number"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    study_key: Mapped[int] = _rating_study_key()
    number: Mapped[int]
    role: Mapped[str]
    kind: Mapped[str]
    run_id: Mapped[str | None]
    run_name: Mapped[str | None]
    step: Mapped[int | None]
    epoch: Mapped[int | None]
    seed: Mapped[int | None]
    data_hash: Mapped[str | None]
    data_index: Mapped[int | None]
    emotion: Mapped[str | None]
    read_as: Mapped[str | None]
    picture: Mapped[bytes]


class RaterRow(Base):
    """A person who judges a study's faces, by the name that they chose; `consented` is when they agreed to it.

    `place` counts a study's people: it decides which faces they see, in which order.
    `simulated` answers come from a program and are not counted among people's.
    """

    __tablename__ = "raters"
    __table_args__ = (UniqueConstraint("study_key", "pseudonym"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    study_key: Mapped[int] = _rating_study_key()
    id: Mapped[str] = mapped_column(String(16), unique=True)
    pseudonym: Mapped[str]
    place: Mapped[int]
    consented: Mapped[float]
    simulated: Mapped[bool]


class RatingRow(Base):
    """A trial that was shown to a person, and the answer (None: the page was left before there was one).

    `items` are the faces' numbers, on the screen from left to right. `wished_ms` is the exposure that was planned (0:
    until the answer), `exposure_ms` the one measured; `response_ms` is from the picture's first frame to the answer.
    `check` is noise or repeat where the trial tells whether the person attends, '' elsewhere; `expected` is then, and
    in practice, the right answer.
    """

    __tablename__ = "ratings"
    __table_args__ = (UniqueConstraint("rater_key", "position"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    rater_key: Mapped[int] = mapped_column(ForeignKey("raters.key", ondelete="CASCADE"))
    position: Mapped[int]
    task: Mapped[str]
    items: Mapped[list[int]]
    emotion: Mapped[str | None]
    practice: Mapped[bool]
    check: Mapped[str]
    expected: Mapped[str | None]
    answer: Mapped[str | None]
    strength: Mapped[int | None]
    wished_ms: Mapped[int]
    exposure_ms: Mapped[float | None]
    response_ms: Mapped[float | None]
    created: Mapped[float]


class ChangeRow(Base):
    """One row that counts writes: readers see by it whether anything is new."""

    __tablename__ = "changes"

    key: Mapped[int] = mapped_column(primary_key=True)
    writes: Mapped[int]


RECORDED_FILES = (
    (CheckpointRow, CheckpointRow.path, CheckpointRow.sha256),
    (CheckpointRow, CheckpointRow.state_path, CheckpointRow.state_sha256),
    (SheetRow, SheetRow.path, SheetRow.sha256),
)
"""The columns that name a file, each with its table and the column of the file's SHA-256."""

NO_STATE: Mapping[str, None] = dict.fromkeys(("state_path", "state_sha256", "state_bytes"))
"""A checkpoint's columns of the training state, with their values where the weights alone are recorded."""
