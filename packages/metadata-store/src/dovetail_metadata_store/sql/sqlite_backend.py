"""SQLite: one file, in write-ahead mode, in which readers and the one writer at a time do not wait for each other."""

from __future__ import annotations

import errno
import functools
import operator
import os
import sqlite3
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from dovetail_core import ConfigError, DovetailError, IntegrityError, InvalidArgument, PermissionDenied, Timeout, Unavailable, new_id
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
_SMALLEST = 512  # bytes: one page of the smallest size
_CHECKPOINT_PAGES = 4000  # 16 MB; with the default of 1000, copying to the main file costs as much as the commits themselves
_RESTORE = "restore it from a copy, or move it away to begin with an empty one"
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
_BUSY: tuple[type[DovetailError], str] = (Timeout, "another process keeps the file locked: end it, or raise `busy_timeout`")
_DENIED: tuple[type[DovetailError], str] = (PermissionDenied, "give this user the right to write the file and its directory")
_DAMAGED: tuple[type[DovetailError], str] = (IntegrityError, f"the file is damaged or no SQLite database; nothing was written: {_RESTORE}")
_ERRORS: dict[int, tuple[type[DovetailError], str]] = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_PROTOCOL: _BUSY,
    sqlite3.SQLITE_READONLY: _DENIED,
    sqlite3.SQLITE_PERM: _DENIED,
    sqlite3.SQLITE_AUTH: _DENIED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: (Unavailable, "free space on the disk; nothing of the call was stored"),
    sqlite3.SQLITE_TOOBIG: (InvalidArgument, "give a smaller value"),
}


class SqliteBackend(Backend):
    """A database file."""

    exclusive = True
    one_writer = True
    isolation = None

    def __init__(self, path: Path, label: str, *, synchronous: str = "normal", patience: float = 30.0) -> None:
        super().__init__("sqlite://", label)
        self.path = path
        self.patience = patience
        self._synchronous = synchronous

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    def engine(self) -> Engine:
        """Return an engine for the file."""
        if self._read_only():  # each call connects anew, so that it sees when somebody else begins to write
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
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._of_system(error) from error
        return found.st_dev, found.st_ino

    def create(self) -> None:
        """Make the database beside its place and link it there, so that nobody ever sees a part of one; if several do so, one wins."""
        if self.path.with_name(f"{self.path.name}-wal").exists() and self.identity() is None:
            raise IntegrityError(
                f"{self.label}: {self.path} is gone, and its write-ahead log {self.path.name}-wal is there",
                remedy="restore the file, or move the log away to begin with an empty database",
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._create_at(self.path.with_name(f".{self.path.name}.{new_id()}"))
        except OSError as error:
            raise self._of_system(error) from error

    def _create_at(self, part: Path) -> None:
        engine = create_engine("sqlite://", creator=lambda: self._set_up(sqlite3.connect(part, **_OPTIONS)), poolclass=NullPool)
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                self.begin(connection, True)
                schema_version.create(connection, self.schema)
                connection.commit()
            self._place(part)
        finally:
            for name in (part.name, f"{part.name}-wal", f"{part.name}-shm", f"{part.name}-journal"):
                part.with_name(name).unlink(missing_ok=True)

    def _place(self, part: Path) -> None:
        try:
            os.link(part, self.path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links: there, two who create at the same instant are not told apart
            if not self.path.exists():
                os.rename(part, self.path)

    def check(self, connection: Connection) -> None:
        """Verify the file's structure."""
        problem = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if problem != "ok":
            raise IntegrityError(f"{self.label}: {self.path} is damaged: {problem}", remedy=_RESTORE)

    def _connect(self) -> _Connection:
        # SQLite takes an empty file for a new database. To look into it ourselves would be wrong: to close it would release SQLite's locks.
        if os.stat(self.path).st_size < _SMALLEST:
            raise IntegrityError(f"{self.label}: {self.path} is truncated or no SQLite database", remedy=_RESTORE)
        mode = "immutable=1" if self._read_only() else "mode=rw"
        return self._set_up(sqlite3.connect(f"{self.path.as_uri()}?{mode}", uri=True, **_OPTIONS))

    def _set_up(self, connection: _Connection) -> _Connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        return connection

    def _read_only(self) -> bool:
        """Tell whether this user cannot write, and no log holds newer pages: SQLite then cannot make the files that it reads with."""
        writable = os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)
        return not writable and not self.path.with_name(f"{self.path.name}-wal").exists()

    def translated(self, error: Exception) -> DovetailError:
        """Return the error that a caller gets, by SQLite's result code (https://www.sqlite.org/rescode.html)."""
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", None)
        if code is None:
            return super().translated(error)
        what = f"{self.label}: {self.path}: {cause}"
        if code in _VIOLATIONS or code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
            return ConstraintViolated(what, kind=_VIOLATIONS.get(code, "other"))
        if code & 0xFF == sqlite3.SQLITE_CANTOPEN:
            return self._cannot_open(what)
        kind, remedy = _ERRORS.get(code & 0xFF, (Unavailable, "see that the disk is there and in order"))
        return kind(what, remedy=remedy, retryable=kind is Timeout, code=code)

    def _cannot_open(self, what: str) -> DovetailError:
        if self.path.is_dir():
            return ConfigError(f"{what}: it is a directory", remedy="give the path of a file")
        if not os.access(self.path, os.R_OK) or not os.access(self.path.parent, os.W_OK):
            return PermissionDenied(what, remedy="give this user the right to read and write the file and its directory")
        return Unavailable(what, remedy="see that the directory is there", retryable=False)

    def _of_system(self, error: OSError) -> DovetailError:
        what = f"{self.label}: {self.path}: {error.strerror or error}"
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            return PermissionDenied(what, remedy="give this user the right to write there, or set `path` to another place")
        if isinstance(error, NotADirectoryError | FileExistsError | IsADirectoryError) or error.errno == errno.ENAMETOOLONG:
            return ConfigError(what, remedy="set `path` to a file in a directory")
        return Unavailable(what, remedy="free space on the disk", retryable=False)
