"""All points of a metric, read a group of chunks at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from dovetail_core import NotFound
from dovetail_experiment_tracker.embedded.chunks import overlapping, unpacked
from dovetail_experiment_tracker.embedded.database import Database
from dovetail_experiment_tracker.embedded.runs import number_of
from dovetail_experiment_tracker.history import in_order
from dovetail_experiment_tracker.records import MetricPoint

_GROUP = 500
"""Most chunks of one read."""


def history(database: Database, run_id: str, key: str) -> Iterator[MetricPoint]:
    """Yield the points of a metric that are there when this begins, in order. No transaction is open in between."""
    for group in _groups(database.read(lambda connection: _chunks(connection, run_id, key))):
        yield from in_order(point for data in _data(database, group) for point in unpacked(key, data))


def _groups(chunks: Sequence[tuple[int, int, int]]) -> Iterator[list[int]]:
    """Yield groups of chunks that can be sorted each by itself; small ones together."""
    gathered: list[int] = []
    for group in overlapping(chunks):
        if gathered and len(gathered) + len(group) > _GROUP:
            yield gathered
            gathered = []
        gathered = sorted([*gathered, *group])
    if gathered:
        yield gathered


def _chunks(connection: sqlite3.Connection, run_id: str, key: str) -> list[tuple[int, int, int]]:
    number = number_of(connection, run_id)
    return connection.execute(
        "SELECT number, low, high FROM chunks WHERE run = ? AND key = ? ORDER BY low, number", (number, key)
    ).fetchall()


def _data(database: Database, numbers: Sequence[int]) -> Iterator[bytes]:
    for start in range(0, len(numbers), _GROUP):
        yield from database.read(lambda connection, start=start: _of(connection, numbers[start : start + _GROUP]))  # type: ignore[misc]


def _of(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[bytes]:
    marks = ", ".join("?" * len(numbers))
    found = [data for (data,) in connection.execute(f"SELECT points FROM chunks WHERE number IN ({marks}) ORDER BY number", numbers)]
    if len(found) < len(numbers):
        raise NotFound("the run was deleted while its points were read", remedy="search_runs shows the runs")
    return found
