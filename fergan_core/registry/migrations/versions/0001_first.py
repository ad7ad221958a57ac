"""First schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "changes",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("writes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_changes")),
    )
    op.create_table(
        "metrics",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_metrics")),
        sa.UniqueConstraint("name", name=op.f("uq_metrics_name")),
    )
    op.create_table(
        "runs",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("preset", sa.String(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("data_hash", sa.String(), nullable=False),
        sa.Column("dataset", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("provenance", sa.JSON(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("images_seen", sa.Integer(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("finished", sa.Double(), nullable=True),
        sa.Column("heartbeat", sa.Double(), nullable=False),
        sa.Column("trashed", sa.Double(), nullable=True),
        sa.Column("literature", sa.Boolean(), nullable=False),
        sa.Column("thinned", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_runs")),
        sa.UniqueConstraint("id", name=op.f("uq_runs_id")),
    )
    op.create_index(op.f("ix_runs_created"), "runs", ["created"], unique=False)
    op.create_index(op.f("ix_runs_name"), "runs", ["name"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column("run_key", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("images_seen", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("state_path", sa.String(), nullable=True),
        sa.Column("state_sha256", sa.String(length=64), nullable=True),
        sa.Column("state_bytes", sa.Integer(), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_key"], ["runs.key"], name=op.f("fk_checkpoints_run_key_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_key", "step", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "evaluations",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("run_key", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("judge", sa.String(), nullable=False),
        sa.Column("judge_sha256", sa.String(length=64), nullable=False),
        sa.Column("protocol", sa.JSON(), nullable=False),
        sa.Column("protocol_key", sa.String(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_key"], ["runs.key"], name=op.f("fk_evaluations_run_key_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_evaluations")),
        sa.UniqueConstraint("run_key", "step", "judge_sha256", "protocol_key", name=op.f("uq_evaluations_run_key")),
    )
    op.create_index(op.f("ix_evaluations_run_key"), "evaluations", ["run_key"], unique=False)
    op.create_table(
        "findings",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("run_key", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_findings_run_key_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_findings")),
    )
    op.create_index(op.f("ix_findings_run_key"), "findings", ["run_key"], unique=False)
    op.create_table(
        "notes",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("run_key", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_notes_run_key_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_run_key"), "notes", ["run_key"], unique=False)
    op.create_table(
        "points",
        sa.Column("run_key", sa.Integer(), nullable=False),
        sa.Column("metric_key", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["metric_key"], ["metrics.key"], name=op.f("fk_points_metric_key_metrics")),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_points_run_key_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_key", "metric_key", "step", name=op.f("pk_points")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sheets",
        sa.Column("run_key", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("images_seen", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("emotions", sa.JSON(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_sheets_run_key_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_key", "step", name=op.f("pk_sheets")),
    )
    op.create_table(
        "tags",
        sa.Column("run_key", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_tags_run_key_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_key", "tag", name=op.f("pk_tags")),
    )
    op.create_table(
        "scores",
        sa.Column("evaluation_key", sa.Integer(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("emotion", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("real", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["evaluation_key"],
            ["evaluations.key"],
            name=op.f("fk_scores_evaluation_key_evaluations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("evaluation_key", "metric", "emotion", name=op.f("pk_scores")),
    )
