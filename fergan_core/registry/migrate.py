"""Schema versions: a new database is made, an older one brought up, a newer one refused."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from fergan_core.errors import NewerSchema
from fergan_core.registry.schema import VERSION_TABLE


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


@cache
def _scripts() -> ScriptDirectory:
    """Return the migrations of this package; to find and import them takes 20 ms."""
    return ScriptDirectory.from_config(_config())


def newest() -> str:
    """Return the version that this program writes."""
    head = _scripts().get_current_head()
    assert head is not None  # the package ships its migrations
    return head


def current(connection: Connection) -> str | None:
    """Return a database's version, None where it has no tables of ours."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def check(connection: Connection) -> str | None:
    """Return a database's version; NewerSchema where this program does not know it."""
    version = current(connection)
    if version is not None:
        known_versions = {script.revision for script in _scripts().walk_revisions()}
        if version not in known_versions:
            raise NewerSchema(
                f"the registry has schema '{version}', this program writes '{newest()}'; update FerGAN to open it"
            )
    return version


def upgrade(connection: Connection) -> bool:
    """Bring a database up to the newest schema inside the caller's transaction; tell whether it was new."""
    version = check(connection)
    if version == newest():
        return False
    command.upgrade(_config(connection), "head")
    return version is None


def tables(connection: Connection) -> set[str]:
    """Return the names of a database's tables."""
    return set(sa.inspect(connection).get_table_names())
