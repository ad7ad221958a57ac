"""Registries of earlier schemas, as earlier versions of FerGAN left them."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command

from fergan_core.registry import literature, migrate, ours


def make_registry(path: Path, version: str) -> None:
    """Make a registry of a schema's version, with the literature's runs."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(migrate._config(connection), version)
        literature.insert(connection)
        connection.exec_driver_sql(f"PRAGMA application_id = {ours.APPLICATION_ID}")
    engine.dispose()
