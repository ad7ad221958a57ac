"""People's ratings in the registry: stored at once, never twice, and deleted on request with nothing left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fergan_core.errors import RegistryError, UsageError
from fergan_core.registry import Reader, Registry, ratings
from fergan_core.registry.exchange.showcase import write_showcase
from fergan_core.registry.ratings import NewItem
from fergan_core.registry.salvage import salvage
from fergan_core.registry.schema import Base
from tests.registry.conftest import copied
from tests.support.old_registry import make_registry

PLAN = {"seed": 0, "tasks": ["real"], "trials": 4, "exposures": [500]}
RATING_TABLES = ("rating_studies", "rating_items", "raters", "ratings")


def shown(position: int, **changes: Any) -> dict[str, Any]:
    trial = {"position": position, "task": "real", "items": [position], "emotion": None, "wished_ms": 500}
    return {**trial, "practice": False, "check": "", "expected": None, **changes}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, enter: Callable[..., str]) -> tuple[Registry, str, str]:
    """A registry with a study, and a person who has answered two of the three trials that were shown."""
    registry = Registry(str(tmp_path_factory.mktemp("begun") / "runs.db"))
    registry.set_status(enter(registry), "finished")  # nothing is saved of a registry with a run in training
    faces = [NewItem("trial", "real", bytes([at]) * 900, "happy", data_hash="a", data_index=at) for at in range(4)]
    study = ratings.add_study(registry, " a  study ", PLAN, faces)
    rater = ratings.add_rater(registry, study, "Ada")
    for position in range(3):
        ratings.add_shown(registry, rater, shown(position))
    times = {"exposure_ms": 501.5, "response_ms": 830.25}
    for position in range(2):
        ratings.add_answer(registry, rater, position, answer="real", strength=None, **times)
    return registry, study, rater


@pytest.fixture
def registry(begun: tuple[Registry, str, str], tmp_path: Path) -> Registry:
    """A copy of it."""
    return copied(begun[0], tmp_path)


@pytest.fixture
def study(begun: tuple[Registry, str, str]) -> str:
    return begun[1]


@pytest.fixture
def answered(begun: tuple[Registry, str, str]) -> str:
    return begun[2]


def test_a_study_keeps_its_pictures_and_an_answer_its_times(registry: Registry, study: str, answered: str) -> None:
    reader = registry.reader
    (row,) = ratings.studies(reader).to_dict("records")
    assert (row["name"], row["plan"], row["faces"], row["raters"], row["answers"]) == ("a study", PLAN, 4, 1, 2)
    assert ratings.study_named(reader, "a study")["id"] == study
    assert ratings.pictures(reader, study, [3, 1]) == [b"\x03" * 900, b"\x01" * 900]
    assert ratings.items(reader, study).data_index.tolist() == [0, 1, 2, 3]
    table = ratings.ratings(reader, study)
    assert table["items"].tolist() == [[0], [1], [2]]
    assert table.answer.fillna("none yet").tolist() == ["real", "real", "none yet"]
    assert table.response_ms[0] == 830.25
    assert ratings.shown(reader, answered) == {0, 1, 2}


def test_nothing_is_shown_or_answered_twice(registry: Registry, study: str, answered: str) -> None:
    assert not ratings.add_shown(registry, answered, shown(2))
    times = {"exposure_ms": None, "response_ms": 1.0}
    assert not ratings.add_answer(registry, answered, 0, answer="generated", strength=None, **times)
    assert not ratings.add_answer(registry, answered, 9, answer="generated", strength=None, **times)
    assert ratings.ratings(registry.reader, study).answer[0] == "real"


def test_people_of_one_study_have_places_and_pseudonyms_of_their_own(registry: Registry, study: str) -> None:
    for name in ("Bob", "<b>Cy</b>"):
        ratings.add_rater(registry, study, name)
    assert ratings.raters(registry.reader, study).place.tolist() == [0, 1, 2]
    with pytest.raises(UsageError, match="'Ada' is taken"):
        ratings.add_rater(registry, study, " Ada ")
    with pytest.raises(UsageError, match="give 1 to 80"):
        ratings.add_rater(registry, study, " ")
    with pytest.raises(UsageError, match="rate list"):
        ratings.add_rater(registry, "nosuch", "Ada")


def test_simulated_answers_are_never_among_peoples(registry: Registry, study: str, answered: str) -> None:
    program = ratings.add_rater(registry, study, "program", simulated=True)
    ratings.add_shown(registry, program, shown(0))
    ratings.add_answer(registry, program, 0, answer="real", strength=None, exposure_ms=None, response_ms=1.0)
    reader = registry.reader
    assert set(ratings.ratings(reader, study).rater) == {"Ada"}
    assert set(ratings.ratings(reader, study, simulated=True).rater) == {"program"}
    (row,) = ratings.studies(reader).to_dict("records")
    assert (row["raters"], row["answers"]) == (1, 2)


def test_who_is_forgotten_leaves_no_byte(registry: Registry, study: str) -> None:
    name = "somebody-with-a-very-long-pseudonym"
    rater = ratings.add_rater(registry, study, name)
    ratings.add_shown(registry, rater, shown(0))
    assert ratings.forget(registry, name) == 1
    assert ratings.forget(registry, name) == 0
    with pytest.raises(RegistryError, match="have been deleted"):
        ratings.add_shown(registry, rater, shown(1))
    path = registry.files.with_suffix(".db")
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert connection.exec_driver_sql("SELECT count(*) FROM ratings").scalar() == 3
    engine.dispose()
    assert name.encode() not in path.read_bytes()


def test_a_registry_of_the_schema_before_gets_the_tables_when_it_is_first_written(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    make_registry(path, "0004")
    opened = Registry(str(path))
    assert ratings.studies(opened.reader).empty
    assert opened.reader.runs()["id"].tolist() == ["report22"]


def test_a_showcase_carries_no_ratings(registry: Registry, answered: str, tmp_path: Path) -> None:
    target = tmp_path / "shown" / "runs.db"
    target.parent.mkdir()
    write_showcase(registry.url, target, [])
    assert ratings.studies(Reader(str(target))).empty
    assert b"Ada" not in target.read_bytes()


@pytest.fixture
def damaged(registry: Registry, answered: str) -> Path:
    path = registry.files.with_suffix(".db")
    content = bytearray(path.read_bytes())
    content[:4096] = bytes(4096)
    path.write_bytes(content)
    return path


def test_ratings_are_saved_from_a_database_whose_schema_is_lost(damaged: Path) -> None:
    before = {"rating_studies": 1, "rating_items": 4, "raters": 1, "ratings": 3}
    saved = salvage(damaged, damaged.with_suffix(".files"))
    assert {name: saved.rows[name] for name in before} == before
    engine = sa.create_engine(f"sqlite:///{damaged}")
    with engine.connect() as connection:
        for name in RATING_TABLES:
            assert connection.scalar(sa.select(sa.func.count()).select_from(Base.metadata.tables[name])) == before[name]
    engine.dispose()
