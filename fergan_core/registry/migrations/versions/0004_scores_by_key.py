"""Scores are kept by their key alone, a third smaller."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew where it is SQLite's, which alone keeps a key apart."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("scores", recreate="always", table_kwargs={"sqlite_with_rowid": False}):
            pass
