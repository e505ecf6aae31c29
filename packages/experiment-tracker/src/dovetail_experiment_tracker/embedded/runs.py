"""Statements about runs. Each function is a part of one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dovetail_core import NotFound
from dovetail_core.timestamps import from_microseconds, to_microseconds
from dovetail_experiment_tracker import history, params
from dovetail_experiment_tracker.delivery import param_conflict
from dovetail_experiment_tracker.embedded.chunks import Chunk
from dovetail_experiment_tracker.records import MetricPoint, NewRun, RunRecord, RunStatus

COLUMNS = "r.number, r.id, e.name, r.name, r.status, r.started, r.ended, r.parent"
TABLES = "runs r JOIN experiments e ON e.number = r.experiment"

_INSERT_CHUNK = "INSERT INTO chunks (run, key, batch, low, high, points) VALUES (?, ?, ?, ?, ?, ?)"
_KEEP_LATEST = """
    INSERT INTO latest (run, key, step, time, value) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (run, key) DO UPDATE SET step = excluded.step, time = excluded.time, value = excluded.value
    WHERE excluded.step > step OR (excluded.step = step AND excluded.time >= time)
"""


def number_of(connection: sqlite3.Connection, run_id: str) -> int:
    """Return the number of a run. Raises `NotFound`."""
    row = connection.execute("SELECT number FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no run {run_id}", remedy="dovetail experiment-tracker runs shows the runs")
    return int(row[0])


def create(connection: sqlite3.Connection, run: NewRun, files: str | None) -> RunRecord:
    """Create a run, or return the one that a call with the same key made."""
    if connection.execute("SELECT 1 FROM runs WHERE id = ?", (run.key,)).fetchone() is None:
        if run.parent is not None:
            number_of(connection, run.parent)
        connection.execute("INSERT OR IGNORE INTO experiments (name) VALUES (?)", (run.experiment,))
        connection.execute(
            "INSERT INTO runs (id, experiment, name, status, started, parent, files)"
            " VALUES (?, (SELECT number FROM experiments WHERE name = ?), ?, ?, ?, ?, ?)",
            (run.key, run.experiment, run.name, RunStatus.RUNNING, to_microseconds(run.started), run.parent, files),
        )
        set_tags(connection, run.key, run.tags)
    return get(connection, run.key)


def set_status(connection: sqlite3.Connection, run_id: str, status: RunStatus, ended: int | None) -> None:
    """Record how a run is."""
    connection.execute("UPDATE runs SET status = ?, ended = ? WHERE number = ?", (status, ended, number_of(connection, run_id)))


def set_tags(connection: sqlite3.Connection, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    number = number_of(connection, run_id)
    connection.executemany("INSERT OR REPLACE INTO tags (run, key, value) VALUES (?, ?, ?)", [(number, *item) for item in tags.items()])


def log_params(connection: sqlite3.Connection, run_id: str, texts: Mapping[str, str]) -> None:
    """Record parameters, unless one has another value."""
    number = number_of(connection, run_id)
    stored = dict(connection.execute("SELECT key, value FROM params WHERE run = ?", (number,)))
    for key, text in texts.items():
        if stored.get(key, text) != text:
            raise param_conflict(run_id, key)
    fresh = [(number, key, text, params.amount(text)) for key, text in texts.items() if key not in stored]
    connection.executemany("INSERT INTO params (run, key, value, amount) VALUES (?, ?, ?, ?)", fresh)


def log_chunks(
    connection: sqlite3.Connection, run_id: str, batch: str, chunks: Iterable[Chunk], latest: Iterable[tuple[str, int, int, float]]
) -> None:
    """Record points, unless this batch is there."""
    number, mark = number_of(connection, run_id), bytes.fromhex(batch)
    if connection.execute("SELECT 1 FROM chunks WHERE batch = ? AND run = ?", (mark, number)).fetchone() is not None:
        return
    connection.executemany(_INSERT_CHUNK, [(number, one.key, mark, one.low, one.high, one.data) for one in chunks])
    connection.executemany(_KEEP_LATEST, [(number, *one) for one in latest])


def latest_of(points: Iterable[MetricPoint]) -> list[tuple[str, int, int, float]]:
    """Return the latest point of each metric among points: key, step, time, value."""
    best: dict[str, MetricPoint] = {}
    for point in points:
        known = best.get(point.key)
        if known is None or history.follows(point, known):
            best[point.key] = point
    return [(point.key, point.step, to_microseconds(point.time), point.value) for point in best.values()]


def place_of_files(connection: sqlite3.Connection, run_id: str) -> str | None:
    """Return the prefix in an artifact store at which a run's files are; None if they are in the tracker's own directory."""
    (place,) = connection.execute("SELECT files FROM runs WHERE number = ?", (number_of(connection, run_id),)).fetchone()
    return None if place is None else str(place)


def delete(connection: sqlite3.Connection, run_id: str) -> str | None:
    """Delete a run, and return where its files are."""
    place = place_of_files(connection, run_id)
    connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
    return place


def delete_experiment(connection: sqlite3.Connection, name: str) -> list[tuple[str, str | None]]:
    """Delete an experiment with its runs, and return their ids and where their files are."""
    row = connection.execute("SELECT number FROM experiments WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(f"there is no experiment {name!r}", remedy="dovetail experiment-tracker runs shows the experiments")
    deleted = connection.execute("SELECT id, files FROM runs WHERE experiment = ?", row).fetchall()
    connection.execute("DELETE FROM experiments WHERE number = ?", row)
    return deleted


def get(connection: sqlite3.Connection, run_id: str) -> RunRecord:
    """Return a run. Raises `NotFound`."""
    rows = connection.execute(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.number = ?", (number_of(connection, run_id),)).fetchall()
    return records(connection, rows)[0]


def records(connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> list[RunRecord]:
    """Return the runs of rows with these `COLUMNS`, whole."""
    tags: dict[int, dict[str, str]] = {row[0]: {} for row in rows}
    values: dict[int, dict[str, Any]] = {row[0]: {} for row in rows}
    latest: dict[int, dict[str, MetricPoint]] = {row[0]: {} for row in rows}
    for number, key, value in _of_runs(connection, "SELECT run, key, value FROM tags", tags):
        tags[number][key] = value
    for number, key, text in _of_runs(connection, "SELECT run, key, value FROM params", tags):
        values[number][key] = params.decode(text)
    for number, key, step, time, value in _of_runs(connection, "SELECT run, key, step, time, value FROM latest", tags):
        latest[number][key] = MetricPoint(key, float("nan") if value is None else value, step, from_microseconds(time))
    return [_record(row, tags, values, latest) for row in rows]


def _of_runs(connection: sqlite3.Connection, select: str, numbers: Iterable[int]) -> Iterator[Any]:
    wanted = list(numbers)
    for start in range(0, len(wanted), 500):
        piece = wanted[start : start + 500]
        yield from connection.execute(f"{select} WHERE run IN ({', '.join('?' * len(piece))}) ORDER BY run, key", piece)


def _record(row: Sequence[Any], tags: Mapping[int, Any], values: Mapping[int, Any], latest: Mapping[int, Any]) -> RunRecord:
    number, run_id, experiment, name, status, started, ended, parent = row[:8]
    times = from_microseconds(started), None if ended is None else from_microseconds(ended)
    return RunRecord(run_id, experiment, name, RunStatus(status), *times, parent, tags[number], values[number], latest[number])
