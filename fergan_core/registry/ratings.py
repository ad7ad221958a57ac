"""People's ratings in the registry: studies with their faces, the people who judge them, and every answer.

Of a person the registry keeps the pseudonym, when they agreed, and their answers; `forget` deletes all of it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core.errors import RegistryError, UsageError
from fergan_core.registry.connect import inserted_key
from fergan_core.registry.queries import Reader
from fergan_core.registry.registry import Registry, new_id
from fergan_core.registry.schema import RaterRow, RatingItemRow, RatingRow, RatingStudyRow

LONGEST_NAME = 80  # letters
_ABOUT_ITEM = [
    RatingItemRow.__table__.c[name]
    for name in (
        "number", "role", "kind", "run_id", "run_name", "step", "epoch", "seed", "data_hash", "data_index", "emotion",
        "read_as",
    )
]  # fmt: skip
_ABOUT_RATING = [column for column in RatingRow.__table__.columns if column.name not in ("key", "rater_key")]


@dataclass(frozen=True)
class NewItem:
    """A face for a study, its columns in RatingItemRow but the number, which is its place in the list."""

    role: str
    kind: str
    picture: bytes
    emotion: str | None = None
    read_as: str | None = None
    run_id: str | None = None
    run_name: str | None = None
    step: int | None = None
    epoch: int | None = None
    seed: int | None = None
    data_hash: str | None = None
    data_index: int | None = None


def add_study(registry: Registry, name: str, plan: Mapping[str, Any], items: Sequence[NewItem]) -> str:
    """Record a study with all its faces; return its id. UsageError for a name that is empty, long, or taken."""
    name = _checked("--name", name)
    study_id = new_id()
    with registry.write() as connection:
        if connection.scalar(sa.select(RatingStudyRow.key).where(RatingStudyRow.name == name)) is not None:
            raise UsageError(f"--name: there is a rating study '{name}' already; give another name")
        values = {"id": study_id, "name": name, "plan": dict(plan), "created": time.time()}
        key = inserted_key(connection.execute(sa.insert(RatingStudyRow).values(**values)))
        rows = [{"study_key": key, "number": number, **asdict(item)} for number, item in enumerate(items)]
        connection.execute(sa.insert(RatingItemRow), rows)
    return study_id


def add_rater(registry: Registry, study_id: str, pseudonym: str, *, simulated: bool = False) -> str:
    """Record that a person agrees to judge a study's faces, now; return the id that stands for them.

    UsageError for a pseudonym that is empty, long, or that somebody else in the study has.
    """
    pseudonym = _checked("the pseudonym", pseudonym)
    rater_id = new_id()
    with registry.write() as connection:
        key = _study_key(connection, study_id)
        of_study = RaterRow.study_key == key
        if connection.scalar(sa.select(RaterRow.key).where(of_study, RaterRow.pseudonym == pseudonym)) is not None:
            raise UsageError(f"the pseudonym '{pseudonym}' is taken in this study; choose another")
        last = connection.scalar(sa.select(sa.func.max(RaterRow.place)).where(of_study))
        values = {"place": 0 if last is None else last + 1, "consented": time.time(), "simulated": simulated}
        connection.execute(sa.insert(RaterRow).values(study_key=key, id=rater_id, pseudonym=pseudonym, **values))
    return rater_id


def add_shown(registry: Registry, rater_id: str, trial: Mapping[str, Any]) -> bool:
    """Record that a trial is being shown to a person; False where it was before, here or in another window.

    `trial` has the columns of RatingRow from position to wished_ms that are not about the answer.
    """
    with registry.write() as connection:
        key = _rater_key(connection, rater_id)
        same = (RatingRow.rater_key == key) & (RatingRow.position == trial["position"])
        if connection.scalar(sa.select(RatingRow.key).where(same)) is not None:
            return False
        connection.execute(sa.insert(RatingRow).values(rater_key=key, created=time.time(), **trial))
    return True


def add_answer(
    registry: Registry,
    rater_id: str,
    position: int,
    *,
    answer: str,
    strength: int | None,
    exposure_ms: float | None,
    response_ms: float,
) -> bool:
    """Record the answer to a trial that is being shown; False where it has one already, which stays."""
    with registry.write() as connection:
        key = _rater_key(connection, rater_id)
        open_trial = (RatingRow.rater_key == key) & (RatingRow.position == position) & RatingRow.answer.is_(None)
        times = {"exposure_ms": exposure_ms, "response_ms": response_ms, "created": time.time()}
        answered = sa.update(RatingRow).where(open_trial).values(answer=answer, strength=strength, **times)
        return bool(connection.execute(answered).rowcount)


def forget(registry: Registry, pseudonym: str, study_id: str | None = None) -> int:
    """Delete a pseudonym and all its answers, in one study or in all; return in how many studies it was.

    SQLite overwrites what is deleted with zeros.
    """
    with registry.write() as connection:
        _overwrite(connection)
        theirs = RaterRow.pseudonym == pseudonym
        if study_id is not None:
            theirs = theirs & (RaterRow.study_key == _study_key(connection, study_id))
        return int(connection.execute(sa.delete(RaterRow).where(theirs)).rowcount)


def delete_study(registry: Registry, study_id: str) -> None:
    """Delete a study with its faces, its people and their answers.

    SQLite overwrites what is deleted with zeros.
    """
    with registry.write() as connection:
        _overwrite(connection)
        connection.execute(sa.delete(RatingStudyRow).where(RatingStudyRow.key == _study_key(connection, study_id)))


def _overwrite(connection: Connection) -> None:
    """Let SQLite overwrite what is deleted with zeros."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def studies(reader: Reader) -> pd.DataFrame:
    """Return the studies, the newest first: id, name, plan, created, faces, and of people alone raters and answers."""
    faces = sa.select(sa.func.count()).where(
        RatingItemRow.study_key == RatingStudyRow.key, RatingItemRow.role == "trial"
    )
    people = (RaterRow.study_key == RatingStudyRow.key) & RaterRow.simulated.is_(False)
    raters = sa.select(sa.func.count()).select_from(RaterRow).where(people)
    answered = (RatingRow.rater_key == RaterRow.key) & people & RatingRow.answer.is_not(None)
    counted = answered & RatingRow.practice.is_(False) & (RatingRow.check == "")
    answers = sa.select(sa.func.count()).select_from(RatingRow).where(counted)
    query = sa.select(
        RatingStudyRow.id,
        RatingStudyRow.name,
        RatingStudyRow.plan,
        RatingStudyRow.created,
        faces.correlate(RatingStudyRow).scalar_subquery().label("faces"),
        raters.correlate(RatingStudyRow).scalar_subquery().label("raters"),
        answers.correlate(RatingStudyRow).scalar_subquery().label("answers"),
    ).order_by(RatingStudyRow.created.desc())
    # A registry of an older schema can be read, and has no such tables until it is next written.
    return reader.table(query) if _are_kept(reader) else pd.DataFrame(columns=[c.key for c in query.selected_columns])


def _are_kept(reader: Reader) -> bool:
    if not reader.exists:
        return False
    with reader.connection() as connection:
        return sa.inspect(connection).has_table(RatingStudyRow.__tablename__)


def study_named(reader: Reader, text: str) -> dict[str, Any]:
    """Return the study of an id or name, a row of `studies` as a dict; UsageError where there is none."""
    table = studies(reader)
    found = table[(table["id"] == text) | (table["name"] == text)]
    if found.empty:
        raise UsageError(f"there is no rating study '{text}'; `fergan rate list` names them")
    return {str(name): value for name, value in found.iloc[0].to_dict().items()}


def items(reader: Reader, study_id: str) -> pd.DataFrame:
    """Return a study's faces in order of their numbers, without the pictures."""
    of_study = sa.select(*_ABOUT_ITEM).join(RatingStudyRow, RatingStudyRow.key == RatingItemRow.study_key)
    return reader.table(of_study.where(RatingStudyRow.id == study_id).order_by(RatingItemRow.number))


def pictures(reader: Reader, study_id: str, numbers: Sequence[int]) -> list[bytes]:
    """Return the PNGs of some faces of a study, by their numbers; RegistryError where one is not there."""
    query = (
        sa.select(RatingItemRow.number, RatingItemRow.picture)
        .join(RatingStudyRow, RatingStudyRow.key == RatingItemRow.study_key)
        .where(RatingStudyRow.id == study_id, RatingItemRow.number.in_(numbers))
    )
    with reader.connection() as connection:
        found: dict[int, bytes] = {row.number: row.picture for row in connection.execute(query)}
    if missing := [number for number in numbers if number not in found]:
        raise RegistryError(f"the study has no picture {missing[0]}; `fergan runs verify` lists what is damaged")
    return [found[number] for number in numbers]


def raters(reader: Reader, study_id: str) -> pd.DataFrame:
    """Return a study's people, and simulated ones, in order of their places: id, pseudonym, place, consented,
    simulated."""
    columns = [RaterRow.id, RaterRow.pseudonym, RaterRow.place, RaterRow.consented, RaterRow.simulated]
    of_study = sa.select(*columns).join(RatingStudyRow, RatingStudyRow.key == RaterRow.study_key)
    return reader.table(of_study.where(RatingStudyRow.id == study_id).order_by(RaterRow.place))


def ratings(reader: Reader, study_id: str, *, simulated: bool = False) -> pd.DataFrame:
    """Return all trials that were shown in a study, by person and position, with the person's pseudonym as `rater`.

    Only people's, or with `simulated` only those of simulated raters: the two are never in one table.
    """
    return reader.table(
        sa.select(RaterRow.pseudonym.label("rater"), *_ABOUT_RATING)
        .join(RaterRow, RaterRow.key == RatingRow.rater_key)
        .join(RatingStudyRow, RatingStudyRow.key == RaterRow.study_key)
        .where(RatingStudyRow.id == study_id, RaterRow.simulated.is_(simulated))
        .order_by(RaterRow.place, RatingRow.position)
    )


def shown(reader: Reader, rater_id: str) -> set[int]:
    """Return the positions of a person's session that have been shown."""
    theirs = sa.select(RatingRow.position).join(RaterRow, RaterRow.key == RatingRow.rater_key)
    return set(reader.table(theirs.where(RaterRow.id == rater_id))["position"])


def _study_key(connection: Connection, study_id: str) -> int:
    key = connection.scalar(sa.select(RatingStudyRow.key).where(RatingStudyRow.id == study_id))
    if key is None:
        raise UsageError(f"there is no rating study '{study_id}'; `fergan rate list` names them")
    return int(key)


def _rater_key(connection: Connection, rater_id: str) -> int:
    key = connection.scalar(sa.select(RaterRow.key).where(RaterRow.id == rater_id))
    if key is None:
        raise RegistryError("your answers have been deleted, so that no further one is recorded; begin anew to rate")
    return int(key)


def _checked(what: str, name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise UsageError(f"{what}: '{name[:LONGEST_NAME]}' has {len(name)} letters; give 1 to {LONGEST_NAME}")
    return name
