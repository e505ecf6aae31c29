"""The tables. The same for every database; what is in `migrations` makes them in steps, and a test holds both together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
)

from dovetail_metadata_store.arguments import CACHE_KEY_LIMIT, KEY_LIMIT, NAME_LIMIT, TYPE_LIMIT, URI_LIMIT
from dovetail_metadata_store.sql.columns import document, moment, text

metadata: MetaData = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
VERSION_TABLE = "dovetail_schema_version"

versions: Table = Table(
    VERSION_TABLE,
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),  # as Alembic makes it
)

runs: Table = Table(
    "dovetail_runs",
    metadata,
    Column("id", text(32), primary_key=True),
    Column("name", text(NAME_LIMIT), nullable=False, unique=True),
    Column("pipeline", text(NAME_LIMIT), nullable=False),
    Column("stack", text(NAME_LIMIT), nullable=False),
    Column("state", text(16), nullable=False),
    Column("created", moment(), nullable=False),
    Column("updated", moment(), nullable=False),
    Column("started", moment()),
    Column("ended", moment()),
    Column("heartbeat", moment()),
    Column("owner", document()),
    Column("failure", document()),
    Column("parameters", document(), nullable=False),
    Column("resumed_from", text(32)),  # no foreign key: history stays true when that run is deleted; so with source_run
    Column("cancel_requested", SmallInteger, nullable=False),
    Index(None, "created", "id"),
    Index(None, "pipeline", "created", "id"),
    Index(None, "state", "created", "id"),
)

plans: Table = Table(
    "dovetail_plans",
    metadata,
    Column("run_id", text(32), ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("plan", document(), nullable=False),
)

steps: Table = Table(
    "dovetail_steps",
    metadata,
    Column("run_id", text(32), ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("name", text(NAME_LIMIT), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", text(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started", moment()),
    Column("attempt_started", moment()),  # not null: the latest attempt is under way, or was committed
    Column("ended", moment()),
    Column("failure", document()),
    Column("cache_key", text(CACHE_KEY_LIMIT)),
    Column("provenance_key", text(CACHE_KEY_LIMIT)),
    Column("source_run", text(32)),
    sqlite_with_rowid=False,  # one tree instead of two: a commit writes a page less
)
# The end of an index finds the latest step of a key at a cost that does not depend on how many there are.
for _key in (steps.c.cache_key, steps.c.provenance_key):
    _known = _key.is_not(None)
    Index(None, _key, steps.c.ended, steps.c.run_id, steps.c.name, sqlite_where=_known, postgresql_where=_known)

attempts: Table = Table(
    "dovetail_attempts",
    metadata,
    Column("run_id", text(32), primary_key=True),
    Column("step", text(NAME_LIMIT), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", text(16), nullable=False),
    Column("started", moment()),
    Column("ended", moment(), nullable=False),
    Column("failure", document()),
    ForeignKeyConstraint(["run_id", "step"], [steps.c.run_id, steps.c.name], ondelete="CASCADE"),
)
"""Attempts that did not succeed. One that is under way, or that was committed, is told by its step."""

artifacts: Table = Table(
    "dovetail_artifacts",
    metadata,
    Column("id", text(32), primary_key=True),
    Column("run_id", text(32), nullable=False),  # no foreign key: an artifact outlives its run while another run uses it
    Column("step", text(NAME_LIMIT), nullable=False),
    Column("output", text(NAME_LIMIT), nullable=False),
    Column("key", text(KEY_LIMIT), nullable=False),
    Column("uri", text(URI_LIMIT), nullable=False),
    Column("type", text(TYPE_LIMIT), nullable=False),
    Column("materializer", text(NAME_LIMIT), nullable=False),
    Column("format", text(NAME_LIMIT), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", text(NAME_LIMIT), nullable=False),
    Column("created", moment(), nullable=False),
    Column("metadata", document(), nullable=False),
    sqlite_with_rowid=False,
)

links: Table = Table(
    "dovetail_links",
    metadata,
    Column("run_id", text(32), primary_key=True),
    Column("step", text(NAME_LIMIT), primary_key=True),
    Column("direction", text(3), primary_key=True),
    Column("name", text(NAME_LIMIT), primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("artifact_id", text(32), ForeignKey(artifacts.c.id), nullable=False, index=True),
    ForeignKeyConstraint(["run_id", "step"], [steps.c.run_id, steps.c.name], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)
IN, OUT = "in", "out"
"""Directions of links: what a step read, what it gave."""

entries: Table = Table(
    "dovetail_metadata",
    metadata,
    Column("run_id", text(32), ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("step", text(NAME_LIMIT), primary_key=True),  # empty for the run's own
    Column("name", text(NAME_LIMIT), primary_key=True),
    Column("value", document(), nullable=False),
)


@dataclass(frozen=True)
class Schema:
    """Tables, and the scripts that bring older ones up to date; `revisions` are their names, oldest first."""

    metadata: MetaData
    scripts: Path
    revisions: tuple[str, ...]

    @property
    def version(self) -> str:
        """The revision that `metadata` describes."""
        return self.revisions[-1]


SCHEMA = Schema(metadata, Path(__file__).with_name("migrations"), ("0001",))
