"""Listings of runs and artifacts: by keyset, so that a page costs the same wherever it is, and rows that come and go shift nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, and_, or_, select

from dovetail_metadata_store.primitives import Found
from dovetail_metadata_store.queries import ArtifactQuery, Position, RunQuery
from dovetail_metadata_store.records import Artifact, Run
from dovetail_metadata_store.sql.columns import contains_text
from dovetail_metadata_store.sql.damage import readable
from dovetail_metadata_store.sql.database import Database
from dovetail_metadata_store.sql.rows import artifact_of, run_of
from dovetail_metadata_store.sql.schema import OUT, artifacts, links, runs

T = TypeVar("T")


def search_runs(database: Database, query: RunQuery, after: Position | None, limit: int) -> Found[Run]:
    """Return a part of the runs that a query selects."""
    columns = (runs.c[query.column], runs.c.id)
    return database.read(lambda connection: _part(connection, runs, _of_runs(query), columns, query.descending, after, limit, run_of))


def _of_runs(query: RunQuery) -> Iterable[ColumnElement[bool]]:
    if query.pipeline is not None:
        yield runs.c.pipeline == query.pipeline
    if query.states is not None:
        yield runs.c.state.in_([state.value for state in query.states])
    if query.name_contains is not None:
        yield contains_text(runs.c.name, query.name_contains)
    if query.created_after is not None:
        yield runs.c.created > query.created_after
    if query.created_before is not None:
        yield runs.c.created < query.created_before


def search_artifacts(database: Database, query: ArtifactQuery, after: Position | None, limit: int) -> Found[Artifact]:
    """Return a part of the artifacts that a query selects."""
    columns = (artifacts.c.id,)
    return database.read(lambda connection: _part(connection, artifacts, _of_artifacts(query), columns, True, after, limit, artifact_of))


def _of_artifacts(query: ArtifactQuery) -> Iterable[ColumnElement[bool]]:
    for name in ("step", "output", "type", "materializer", "digest"):
        value = getattr(query, name)
        if value is not None:
            yield artifacts.c[name] == value
    if query.run_id is not None:
        yield artifacts.c.id.in_(select(links.c.artifact_id).where(links.c.run_id == query.run_id, links.c.direction == OUT))
    if query.pipeline is not None:
        yield artifacts.c.run_id.in_(select(runs.c.id).where(runs.c.pipeline == query.pipeline))


def _part(
    connection: Connection,
    table: Table,
    filters: Iterable[ColumnElement[bool]],
    columns: Sequence[Column[Any]],
    descending: bool,
    after: Position | None,
    limit: int,
    read: Callable[[Row[Any]], T],
) -> Found[T]:
    query: Select[Any] = select(table).where(*filters).order_by(*(column.desc() if descending else column for column in columns))
    if after is not None:
        query = query.where(_beyond(columns, after, descending))
    rows = connection.execute(query.limit(limit + 1)).all()
    given = rows[:limit]
    more = tuple(getattr(given[-1], column.name) for column in columns) if len(rows) > limit else None
    return Found(readable(given, read), more)


def _beyond(columns: Sequence[Column[Any]], position: Position, descending: bool) -> ColumnElement[bool]:
    """Return the condition for rows that follow a position: written out, since not every database uses an index for (a, b) < (x, y)."""
    first, *others = columns
    follows = first < position[0] if descending else first > position[0]
    if not others:
        return follows
    bound = first <= position[0] if descending else first >= position[0]
    return and_(bound, or_(follows, _beyond(others, position[1:], descending)))
