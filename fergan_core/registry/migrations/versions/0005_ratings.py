"""People's ratings of faces: studies, their faces, who judges them, and the answers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the four tables."""
    op.create_table(
        "rating_studies",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rating_studies")),
        sa.UniqueConstraint("id", name=op.f("uq_rating_studies_id")),
    )
    op.create_table(
        "rating_items",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("study_key", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("run_name", sa.String(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=True),
        sa.Column("data_hash", sa.String(), nullable=True),
        sa.Column("data_index", sa.Integer(), nullable=True),
        sa.Column("emotion", sa.String(), nullable=True),
        sa.Column("read_as", sa.String(), nullable=True),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        _study("rating_items"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rating_items")),
        sa.UniqueConstraint("study_key", "number", name=op.f("uq_rating_items_study_key")),
    )
    op.create_table(
        "raters",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("study_key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("pseudonym", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("consented", sa.Double(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        _study("raters"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_raters")),
        sa.UniqueConstraint("id", name=op.f("uq_raters_id")),
        sa.UniqueConstraint("study_key", "pseudonym", name=op.f("uq_raters_study_key")),
    )
    op.create_table(
        "ratings",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("rater_key", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("emotion", sa.String(), nullable=True),
        sa.Column("practice", sa.Boolean(), nullable=False),
        sa.Column("check", sa.String(), nullable=False),
        sa.Column("expected", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("strength", sa.Integer(), nullable=True),
        sa.Column("wished_ms", sa.Integer(), nullable=False),
        sa.Column("exposure_ms", sa.Double(), nullable=True),
        sa.Column("response_ms", sa.Double(), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rater_key"], ["raters.key"], name=op.f("fk_ratings_rater_key_raters"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ratings")),
        sa.UniqueConstraint("rater_key", "position", name=op.f("uq_ratings_rater_key")),
    )


def _study(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_study_key_rating_studies")
    return sa.ForeignKeyConstraint(["study_key"], ["rating_studies.key"], name=name, ondelete="CASCADE")
