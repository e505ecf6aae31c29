"""Metadata of runs and steps in the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from dovetail_core import IntegrityError
from dovetail_metadata_store import documents
from dovetail_metadata_store.sql.batches import batches
from dovetail_metadata_store.sql.database import Database
from dovetail_metadata_store.sql.runs import get_run_in
from dovetail_metadata_store.sql.schema import entries
from dovetail_metadata_store.sql.steps import step_row

_RUN = ""
"""What the column `step` holds for the run's own entries: no step has an empty name."""


def put_metadata(database: Database, run_id: str, values: Mapping[str, Any], step: str | None) -> None:
    """Write entries, in place of those of the same names."""
    rows = [
        {"run_id": run_id, "step": step or _RUN, "name": name, "value": documents.encode(value, f"entries.{name}")}
        for name, value in values.items()
    ]
    # another writer may put an entry of the same name between our statements
    database.write_again(lambda connection: _replace(connection, run_id, step, rows))


def _replace(connection: Connection, run_id: str, step: str | None, rows: Sequence[Mapping[str, Any]]) -> None:
    _require(connection, run_id, step)
    for batch in batches(rows):
        names = entries.c.name.in_([row["name"] for row in batch])
        connection.execute(delete(entries).where(entries.c.run_id == run_id, entries.c.step == (step or _RUN), names))
        connection.execute(insert(entries), batch)


def get_metadata(database: Database, run_id: str, step: str | None) -> dict[str, Any]:
    """Return the entries of a run or a step."""

    def work(connection: Connection) -> dict[str, Any]:
        _require(connection, run_id, step)
        of = (entries.c.run_id == run_id) & (entries.c.step == (step or _RUN))
        rows = connection.execute(select(entries.c.name, entries.c.value).where(of).order_by(entries.c.name))
        return {row.name: _value(row.name, row.value, run_id) for row in rows}

    return database.read(work)


def _value(name: str, text: str, run_id: str) -> Any:
    try:
        return documents.decode(text)
    except ValueError as error:
        raise IntegrityError(f"the metadata '{name}' of run {run_id} is damaged: {error}", remedy="put it again") from error


def _require(connection: Connection, run_id: str, step: str | None) -> None:
    if step is None:
        get_run_in(connection, run_id)
    else:
        step_row(connection, run_id, step)
