"""SQLite: one file, in write-ahead mode, in which readers and the one writer at a time do not wait for each other."""

from __future__ import annotations

import functools
import operator
import sqlite3
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from dovetail_core import DovetailError, IntegrityError
from dovetail_core.directories import demand_writable
from dovetail_core.sqlite_files import RESTORE, SqliteFile
from dovetail_metadata_store.sql import schema_version
from dovetail_metadata_store.sql.backend import Backend, ConstraintViolated
from dovetail_metadata_store.sql.columns import SQLITE_CLOCK


class _Connection(sqlite3.Connection):
    """A connection whose clock stands still in a transaction: all that it writes has one time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._now = [0]
        self.set_clock()
        # Nothing here is written in Python: an interrupt in a Python function that SQLite calls would be lost in an SQL error.
        self.create_function(SQLITE_CLOCK, 0, functools.partial(operator.itemgetter(0), self._now))

    def set_clock(self) -> None:
        """Take the time; called when a transaction has begun."""
        self._now[0] = time.time_ns() // 1000


_BUSY_SECONDS = 0.5  # then Python has its turn: a wait inside SQLite cannot be interrupted
_CHECKPOINT_PAGES = 4000  # 16 MB; with the default of 1000, copying to the main file costs as much as the commits themselves
_OPTIONS: dict[str, Any] = {
    "timeout": _BUSY_SECONDS,
    "isolation_level": None,  # the driver begins no transaction of its own
    "check_same_thread": False,  # the pool gives a connection to one thread at a time
    "cached_statements": 256,
    "factory": _Connection,
}
_VIOLATIONS = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "unique",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "unique",
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "reference",
}


class SqliteBackend(Backend):
    """A database file."""

    exclusive = True
    one_writer = True
    isolation: str | None = None

    def __init__(self, path: Path, label: str, *, synchronous: str = "normal", patience: float = 30.0) -> None:
        super().__init__("sqlite://", label)
        self.path = path
        self._file = SqliteFile(path, label)
        self.patience = patience
        self._synchronous = synchronous

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    def engine(self) -> Engine:
        """Return an engine for the file."""
        if self._file.read_only():  # each call connects anew, so that it sees when somebody else begins to write
            return create_engine("sqlite://", creator=self._connect, poolclass=NullPool, hide_parameters=True)
        return create_engine("sqlite://", creator=self._connect, poolclass=QueuePool, **self.pool_options())

    def empty(self) -> Engine:
        """Return an empty database in memory, for readers of a file that is not there."""
        engine = create_engine("sqlite://", creator=lambda: self._set_up(sqlite3.connect(":memory:", **_OPTIONS)), poolclass=StaticPool)
        self.schema.metadata.create_all(engine)
        return engine

    def begin(self, connection: Connection, write: bool) -> None:
        """Begin a transaction; one that writes takes the write lock at once, so that it never has to be upgraded."""
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
        driver: Any = connection.connection.driver_connection
        driver.set_clock()

    def begin_write(self, cursor: DBAPICursor) -> None:
        """Begin a transaction that writes."""
        cursor.execute("BEGIN IMMEDIATE")
        driver: Any = cursor
        driver.connection.set_clock()

    def identity(self) -> Hashable:
        """Return device and inode: a file that was deleted or replaced while it was open is not written to any more."""
        return self._file.identity()

    def create(self) -> None:
        """Make the database beside its place and link it there; see `SqliteFile.create`."""
        self._file.create(self._fill)

    def _fill(self, part: Path) -> None:
        engine = create_engine("sqlite://", creator=lambda: self._set_up(sqlite3.connect(part, **_OPTIONS)), poolclass=NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            self.begin(connection, True)
            schema_version.create(connection, self.schema)
            connection.commit()

    def check_place(self) -> None:
        """Verify that the file is there, or that there can be one."""
        if not self.path.exists():
            demand_writable(self.path.parent, self.label)

    def check(self, connection: Connection) -> None:
        """Verify the file's structure."""
        problem = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if problem != "ok":
            raise IntegrityError(f"{self.label}: {self.path} is damaged: {problem}", remedy=RESTORE)

    def _connect(self) -> _Connection:
        return self._set_up(sqlite3.connect(self._file.address(), uri=True, **_OPTIONS))

    def _set_up(self, connection: _Connection) -> _Connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        return connection

    def translated(self, error: Exception) -> DovetailError:
        """Return the error that a caller gets, by SQLite's result code (https://www.sqlite.org/rescode.html)."""
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", None)
        if code is None:
            return super().translated(error)
        if code in _VIOLATIONS or code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
            return ConstraintViolated(f"{self.label}: {self.path}: {cause}", kind=_VIOLATIONS.get(code, "other"))
        return self._file.of_driver(cause)
