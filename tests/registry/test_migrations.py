"""Schema versions: migrations make what the tables say, newer registries are refused, others' tables are left alone."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from fergan_core.errors import NewerSchema, RegistryError
from fergan_core.registry import Reader, Registry, migrate, ratings
from fergan_core.registry.connect import sqlite_path
from fergan_core.registry.schema import VERSION_TABLE, Base
from tests.support.old_registry import make_registry


def file_of(registry: Registry) -> Path:
    path = sqlite_path(registry.url)
    assert path is not None
    return path


def set_version(path: Path, version: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = ?", (version,))
    connection.close()


def test_migrations_make_the_tables_that_the_schema_names(registry: Registry) -> None:
    with registry.write() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
        assert migrate.current(connection) == migrate.newest()


def test_migrations_are_known_by_their_files_names() -> None:
    scripts = ScriptDirectory.from_config(migrate._config())
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == migrate.versions()
    assert scripts.get_current_head() == migrate.newest()


@pytest.mark.parametrize("table", ["points", "scores"])
def test_rows_are_kept_without_a_second_key(registry: Registry, table: str) -> None:
    def sql(connection: sa.Connection) -> str:
        statement = f"SELECT sql FROM sqlite_master WHERE name = '{table}'"
        return " ".join(str(connection.exec_driver_sql(statement).scalar()).split())

    plain = sa.create_engine("sqlite://")
    with registry.write() as migrated, plain.begin() as created:
        Base.metadata.create_all(created)
        assert sql(migrated).endswith("WITHOUT ROWID")
        assert sql(created).endswith("WITHOUT ROWID")


def test_a_newer_registry_is_refused_and_left_alone(registry: Registry) -> None:
    path = file_of(registry)
    set_version(path, "9999")
    before = path.read_bytes()
    for opener in (Registry, Reader):
        with pytest.raises(NewerSchema, match=r"schema '9999'.*update FerGAN"):
            opener(registry.url)
    assert path.read_bytes() == before


def test_another_programs_tables_beside_ours_are_left_alone(registry: Registry) -> None:
    """A sweep's queue stands there, and its program has versions of its own."""
    path = file_of(registry)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE studies (id INTEGER)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('v3.0.0.d')")
    connection.close()
    Registry(str(path))
    assert Reader(str(path)).runs()["id"].tolist() == ["report22"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("v3.0.0.d",)]
    connection.close()


def test_a_registry_that_lacks_only_newer_tables_is_read_and_an_older_one_names_the_remedy(tmp_path: Path) -> None:
    versions = migrate.versions()
    for version in versions:
        path = tmp_path / f"{version}.db"
        make_registry(path, version)
        if version < migrate.OLDEST_READABLE:
            with pytest.raises(RegistryError, match=rf"older schema '{version}'.*fergan runs tag"):
                Reader(str(path))
        else:
            assert Reader(str(path)).runs()["id"].tolist() == ["report22"]
            assert ratings.studies(Reader(str(path))).empty
    assert versions[0] < migrate.OLDEST_READABLE <= versions[-1]


def test_scores_of_the_first_schema_live_on_without_noise(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    make_registry(path, "0001")
    Registry(str(path))
    scores = Reader(str(path)).scores(["report22"])
    assert len(scores) == 12
    assert scores["value"].notna().all()
    assert scores["noise"].isna().all()
