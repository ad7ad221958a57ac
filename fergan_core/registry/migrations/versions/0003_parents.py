"""Runs know the run, and its step, from which they branch."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("runs", sa.Column("parent", sa.String(), nullable=True))
    op.add_column("runs", sa.Column("parent_step", sa.Integer(), nullable=True))
