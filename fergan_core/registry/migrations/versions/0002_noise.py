"""Scores know what noise gets."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("scores", sa.Column("noise", sa.Double(), nullable=True))
