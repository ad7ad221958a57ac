"""Schema versions: a new database is made, an older one brought up, a newer one refused.

Alembic is imported where a database is migrated: that takes half a second, which every command and page would wait.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fergan_core.errors import NewerSchema
from fergan_core.registry.schema import VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
# The oldest version that can be read as it is: since then tables alone were added, without which a reader finds none of
# what they hold.
OLDEST_READABLE = "0004"


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


@cache
def versions() -> tuple[str, ...]:
    """Return the versions that this program knows, the oldest first: the numbers that its migrations' names begin with.

    Each is the revision of its file, and follows the one before.
    """
    return tuple(sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")))


def newest() -> str:
    """Return the version that this program writes."""
    return versions()[-1]


def current(connection: Connection) -> str | None:
    """Return a database's version, None where it has no tables of ours."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    version = connection.execute(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))).scalar()
    return None if version is None else str(version)


def check(connection: Connection) -> str | None:
    """Return a database's version; NewerSchema where this program does not know it."""
    version = current(connection)
    if version is not None and version not in versions():
        raise NewerSchema(
            f"the registry has schema '{version}', this program writes '{newest()}'; update FerGAN to open it"
        )
    return version


def upgrade(connection: Connection) -> bool:
    """Bring a database up to the newest schema inside the caller's transaction; tell whether it was new."""
    version = check(connection)
    if version == newest():
        return False
    from alembic import command

    command.upgrade(_config(connection), "head")
    return version is None


def tables(connection: Connection) -> set[str]:
    """Return the names of a database's tables."""
    return set(sa.inspect(connection).get_table_names())
