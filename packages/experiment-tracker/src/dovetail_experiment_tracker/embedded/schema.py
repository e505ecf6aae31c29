"""The tables of the embedded flavor.

Numbers that SQLite has no value for: a value that is not a number is NULL. Times are microseconds since 1970, UTC. The points of a metric
come in chunks, a row for each metric of a batch; `number` is the order in which they were logged.
"""

from __future__ import annotations

import sqlite3

VERSION = 1

STATEMENTS = (
    "CREATE TABLE experiments (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        experiment INTEGER NOT NULL REFERENCES experiments ON DELETE CASCADE,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER,
        parent TEXT,
        files TEXT
    )""",
    "CREATE INDEX runs_by_start ON runs (started, id)",
    "CREATE INDEX runs_by_experiment ON runs (experiment, started, id)",
    """CREATE TABLE tags (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE params (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, amount, PRIMARY KEY (run, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE latest (
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, key TEXT NOT NULL, step INTEGER NOT NULL, time INTEGER NOT NULL, value,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE chunks (
        number INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
        key TEXT NOT NULL,
        batch BLOB NOT NULL,
        low INTEGER NOT NULL,
        high INTEGER NOT NULL,
        points BLOB NOT NULL
    )""",
    "CREATE INDEX chunks_by_step ON chunks (run, key, low, high)",
    "CREATE INDEX chunks_by_batch ON chunks (batch, run)",
)


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    for statement in STATEMENTS:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
