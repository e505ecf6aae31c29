"""Connections to the database of the embedded flavor: one that writes in each process, and as many that read as are needed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dovetail_core import ConfigError
from dovetail_core.forks import Turn
from dovetail_core.retry import delays
from dovetail_core.sqlite_files import SqliteFile
from dovetail_experiment_tracker.embedded import schema

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_BUSY_SECONDS = 0.5  # then Python has its turn: a wait inside SQLite cannot be interrupted
_CHECKPOINT_PAGES = 4000
_abandoned: list[object] = []
"""Connections of a parent process: a child must neither use nor close them, so they are kept from the garbage collector."""


class Database:
    """A database file, made at the first write. Safe to use from several threads, and after a fork."""

    def __init__(self, path: Path, label: str, synchronous: str, patience: float) -> None:
        self.file: SqliteFile = SqliteFile(path, label, "outage_seconds")
        self._synchronous = synchronous
        self._patience = patience
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._opened: _Opened | None = None

    def read(self, work: Work[T]) -> T:
        """Return what `work` reads, from one state of the database; one that is not there reads as empty."""
        return self._persistently(lambda: self._read(work))

    def write(self, work: Work[T]) -> T:
        """Return what `work` returns, after committing what it wrote; it is called again if another process was writing."""
        return self._persistently(lambda: self._write(work))

    def close(self) -> None:
        """Close all connections; the next call opens anew."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None and self._pid == os.getpid():
            opened.close()

    def _persistently(self, once: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._patience
        for wait in delays(first=0.002, longest=0.2):
            try:
                return once()
            except sqlite3.Error as error:
                failure = self.file.of_driver(error)
                if not failure.retryable or time.monotonic() > deadline:
                    raise failure from error
            time.sleep(wait)
        raise AssertionError("delays end")

    def _read(self, work: Work[T]) -> T:
        opened = self._ready(write=False)
        if opened is None:
            with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
                schema.create(empty)
                return work(empty)
        connection = opened.reader()
        try:
            connection.execute("BEGIN")
            return work(connection)
        finally:
            opened.give_back(connection)

    def _write(self, work: Work[T]) -> T:
        opened = self._ready(write=True)
        assert opened is not None
        with opened.turn.lock:
            connection = opened.writer()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.rollback()
                raise
            return result

    def _ready(self, write: bool) -> _Opened | None:
        if self._pid != os.getpid():
            _abandoned.append(self._opened)
            self._opened, self._pid, self._lock = None, os.getpid(), threading.Lock()
        opened, identity = self._opened, self.file.identity()
        if opened is not None and opened.identity == identity:
            return opened
        with self._lock:
            return self._open(write)

    def _open(self, write: bool) -> _Opened | None:
        identity = self.file.identity()
        if self._opened is not None and self._opened.identity == identity:
            return self._opened
        if self._opened is not None:  # another database is at its place; what is written to the old one would be lost
            self._opened.close()
            self._opened = None
        if identity is None:
            if not write:
                return None
            self.file.create(self._fill)
            identity = self.file.identity()
        opened = _Opened(identity, self._connect)
        try:
            self._demand_version(opened)
        except BaseException:
            opened.close()
            raise
        self._opened = opened
        return opened

    def _demand_version(self, opened: _Opened) -> None:
        connection = opened.reader()
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        finally:
            opened.give_back(connection)
        if version == schema.VERSION:
            return
        what = f"{self.file.label}: {self.file.path} is of version {version}, and this is version {schema.VERSION}"
        newer = version > schema.VERSION
        raise ConfigError(
            what, remedy="pip install --upgrade dovetail-experiment-tracker" if newer else "set `path` to a directory of its own"
        )

    def _fill(self, part: Path) -> None:
        with contextlib.closing(self._set_up(sqlite3.connect(part, isolation_level=None))) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            schema.create(connection)
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        return self._set_up(
            sqlite3.connect(self.file.address(), uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        )

    def _set_up(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        return connection


class _Opened:
    """What one process has open."""

    def __init__(self, identity: object, connect: Callable[[], sqlite3.Connection]) -> None:
        self.identity = identity
        self.turn = Turn()
        self._connect = connect
        self._writer: sqlite3.Connection | None = None
        self._readers: list[sqlite3.Connection] = []
        self._closed = False

    def writer(self) -> sqlite3.Connection:
        """Return the connection that writes; the caller has the turn."""
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    def reader(self) -> sqlite3.Connection:
        """Return a connection that nobody else uses until it is given back."""
        try:
            return self._readers.pop()
        except IndexError:
            return self._connect()

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Take a connection back, whose transaction ends."""
        try:
            connection.rollback()
        except sqlite3.Error:
            connection.close()
            return
        self._readers.append(connection)
        if self._closed:
            self.close()

    def close(self) -> None:
        """Close every connection; one that is in use is closed when it is given back."""
        self._closed = True
        while self._readers:
            self._readers.pop().close()
        with self.turn.lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
