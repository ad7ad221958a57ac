"""Alembic's entry: it runs on the connection, and in the transaction, that the registry hands over."""

from alembic import context

from fergan_core.registry.schema import VERSION_TABLE, Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
