"""Artifacts, and the lineage between them, in the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Select, and_, select

from dovetail_metadata_store.lineage import RecordedEdge
from dovetail_metadata_store.records import Artifact, Edge
from dovetail_metadata_store.sql.batches import batches
from dovetail_metadata_store.sql.database import Database
from dovetail_metadata_store.sql.rows import artifact_of
from dovetail_metadata_store.sql.schema import IN, OUT, artifacts, links, steps


def get_artifacts(database: Database, ids: Sequence[str]) -> list[Artifact]:
    """Return the artifacts of these ids."""

    def work(connection: Connection) -> list[Artifact]:
        queries = (select(artifacts).where(artifacts.c.id.in_(batch)) for batch in batches(ids))
        return [artifact_of(row) for query in queries for row in connection.execute(query)]

    return database.read(work)


def edges(database: Database, ids: Sequence[str], direction: Literal["up", "down"]) -> list[RecordedEdge]:
    """Return the edges that end (`up`) or begin (`down`) at any of the artifacts, with one query for every batch."""

    def work(connection: Connection) -> list[RecordedEdge]:
        rows = (row for batch in batches(ids) for row in connection.execute(_query(batch, direction)))
        return [RecordedEdge(Edge(row.run_id, row.name, row.source, row.target), row.source_run or row.run_id) for row in rows]

    return database.read(work)


def _query(ids: Sequence[str], direction: Literal["up", "down"]) -> Select[Any]:
    read, wrote = links.alias("read_links"), links.alias("wrote_links")
    near, far, far_direction = (wrote, read, IN) if direction == "up" else (read, wrote, OUT)
    near_direction = OUT if direction == "up" else IN
    return (
        select(steps.c.run_id, steps.c.name, steps.c.source_run, read.c.artifact_id.label("source"), wrote.c.artifact_id.label("target"))
        .select_from(near)
        .join(steps, and_(steps.c.run_id == near.c.run_id, steps.c.name == near.c.step))
        .outerjoin(far, and_(far.c.run_id == near.c.run_id, far.c.step == near.c.step, far.c.direction == far_direction))
        .where(near.c.direction == near_direction, near.c.artifact_id.in_(ids))
        .distinct()
    )
