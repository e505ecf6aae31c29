"""The first schema."""

import sqlalchemy as sa
from alembic import op

from dovetail_metadata_store.sql.columns import document, moment, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_runs()
    _create_steps()
    _create_artifacts()


def _create_runs() -> None:
    op.create_table(
        "dovetail_runs",
        sa.Column("id", text(32), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("pipeline", text(255), nullable=False),
        sa.Column("stack", text(255), nullable=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.Column("updated", moment(), nullable=False),
        sa.Column("started", moment()),
        sa.Column("ended", moment()),
        sa.Column("heartbeat", moment()),
        sa.Column("owner", document()),
        sa.Column("failure", document()),
        sa.Column("parameters", document(), nullable=False),
        sa.Column("resumed_from", text(32)),
        sa.Column("cancel_requested", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dovetail_runs"),
        sa.UniqueConstraint("name", name="uq_dovetail_runs_name"),
    )
    op.create_index("ix_dovetail_runs_created", "dovetail_runs", ["created", "id"])
    op.create_index("ix_dovetail_runs_pipeline", "dovetail_runs", ["pipeline", "created", "id"])
    op.create_index("ix_dovetail_runs_state", "dovetail_runs", ["state", "created", "id"])
    op.create_table(
        "dovetail_plans",
        sa.Column("run_id", text(32), nullable=False),
        sa.Column("plan", document(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_dovetail_plans"),
        sa.ForeignKeyConstraint(["run_id"], ["dovetail_runs.id"], name="fk_dovetail_plans_run_id", ondelete="CASCADE"),
    )
    op.create_table(
        "dovetail_metadata",
        sa.Column("run_id", text(32), nullable=False),
        sa.Column("step", text(255), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("value", document(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "step", "name", name="pk_dovetail_metadata"),
        sa.ForeignKeyConstraint(["run_id"], ["dovetail_runs.id"], name="fk_dovetail_metadata_run_id", ondelete="CASCADE"),
    )


def _create_steps() -> None:
    op.create_table(
        "dovetail_steps",
        sa.Column("run_id", text(32), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started", moment()),
        sa.Column("attempt_started", moment()),
        sa.Column("ended", moment()),
        sa.Column("failure", document()),
        sa.Column("cache_key", text(128)),
        sa.Column("provenance_key", text(128)),
        sa.Column("source_run", text(32)),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_dovetail_steps"),
        sa.ForeignKeyConstraint(["run_id"], ["dovetail_runs.id"], name="fk_dovetail_steps_run_id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    for key in ("cache_key", "provenance_key"):
        known = sa.text(f"{key} IS NOT NULL")
        op.create_index(
            f"ix_dovetail_steps_{key}", "dovetail_steps", [key, "ended", "run_id", "name"], sqlite_where=known, postgresql_where=known
        )
    op.create_table(
        "dovetail_attempts",
        sa.Column("run_id", text(32), nullable=False),
        sa.Column("step", text(255), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("started", moment()),
        sa.Column("ended", moment(), nullable=False),
        sa.Column("failure", document()),
        sa.PrimaryKeyConstraint("run_id", "step", "number", name="pk_dovetail_attempts"),
        sa.ForeignKeyConstraint(
            ["run_id", "step"],
            ["dovetail_steps.run_id", "dovetail_steps.name"],
            name="fk_dovetail_attempts_run_id",
            ondelete="CASCADE",
        ),
    )


def _create_artifacts() -> None:
    op.create_table(
        "dovetail_artifacts",
        sa.Column("id", text(32), nullable=False),
        sa.Column("run_id", text(32), nullable=False),
        sa.Column("step", text(255), nullable=False),
        sa.Column("output", text(255), nullable=False),
        sa.Column("key", text(2048), nullable=False),
        sa.Column("uri", text(4096), nullable=False),
        sa.Column("type", text(1024), nullable=False),
        sa.Column("materializer", text(255), nullable=False),
        sa.Column("format", text(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", text(255), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.Column("metadata", document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dovetail_artifacts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dovetail_links",
        sa.Column("run_id", text(32), nullable=False),
        sa.Column("step", text(255), nullable=False),
        sa.Column("direction", text(3), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("artifact_id", text(32), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "step", "direction", "name", "index", name="pk_dovetail_links"),
        sa.ForeignKeyConstraint(["artifact_id"], ["dovetail_artifacts.id"], name="fk_dovetail_links_artifact_id"),
        sa.ForeignKeyConstraint(
            ["run_id", "step"], ["dovetail_steps.run_id", "dovetail_steps.name"], name="fk_dovetail_links_run_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_dovetail_links_artifact_id", "dovetail_links", ["artifact_id"])


def downgrade() -> None:
    for table in ("links", "artifacts", "attempts", "steps", "metadata", "plans", "runs"):
        op.drop_table(f"dovetail_{table}")
