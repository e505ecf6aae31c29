"""Connections to one database, and transactions that are repeated until they are through."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Hashable
from typing import TypeVar

from sqlalchemy import Connection, Engine, event, exc
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql import ClauseElement

from dovetail_core import DovetailError
from dovetail_core.forks import Turn
from dovetail_core.retry import delays
from dovetail_metadata_store.sql import schema_version
from dovetail_metadata_store.sql.backend import Backend, ConstraintViolated, driver_error, of_driver
from dovetail_metadata_store.sql.prepared import Prepared

T = TypeVar("T")

_TRIES = 5
_abandoned: list[object] = []
"""Engines of a parent process: a child must neither use nor close their connections, so they are kept from the garbage collector."""


class Database:
    """One database, as one component sees it: connected at first use, its schema brought up to date then.

    Safe to use from several threads, and after a fork. `statements` counts what was sent.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.statements: int = 0
        self._opened: _Opened | None = None
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads in one transaction; a database that is not there reads as an empty one."""
        return self._persistently(lambda: self._in_transaction(work, write=False))

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, after committing what it wrote. It is called again after a conflict with another writer."""
        return self._persistently(lambda: self._in_transaction(work, write=True))

    def write_again(self, work: Callable[[Connection], T]) -> T:
        """Do as `write`; a constraint that is violated is taken for another conflict with another writer, a few times."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(ConstraintViolated):
                return self.write(work)
        return self.write(work)

    def write_prepared(self, work: Callable[[DBAPICursor, Preparing], T]) -> T:
        """Do as `write`, on a driver's cursor and with prepared statements."""
        return self._persistently(lambda: self._on_cursor(work))

    def close(self) -> None:
        """Close all connections; the next call opens anew."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None and self._pid == os.getpid():
            opened.dispose()

    def open_for(self, write: bool) -> Engine:
        """Return the engine, connected to a database whose schema is this version's."""
        return self._ready(write).engine

    def _in_transaction(self, work: Callable[[Connection], T], write: bool) -> T:
        opened = self._ready(write)
        with opened.turn if write else contextlib.nullcontext(), opened.engine.connect() as connection:
            try:
                self.backend.begin(connection, write)
                result = work(connection)
                connection.commit()
                return result
            except BaseException:
                _undo(connection)
                raise

    def _on_cursor(self, work: Callable[[DBAPICursor, Preparing], T]) -> T:
        opened = self._ready(write=True)
        with opened.turn:
            proxied = opened.writer()
            try:
                cursor = proxied.cursor()
                self.backend.begin_write(cursor)
                result = work(cursor, opened.prepared)
                proxied.commit()
            except BaseException as error:
                _undo_driver(proxied, opened.engine, error)
                proxied.close()
                raise
            opened.give_back(proxied)
            return result

    def _persistently(self, once: Callable[[], T]) -> T:
        try:
            return self._translating(once)
        except DovetailError as error:
            if not error.retryable:
                raise
        deadline = time.monotonic() + self.backend.patience
        for wait in delays(first=0.002, longest=0.2):
            time.sleep(wait)
            try:
                return self._translating(once)
            except DovetailError as error:
                if not error.retryable or time.monotonic() > deadline:
                    raise
        raise AssertionError("delays end")

    def _translating(self, once: Callable[[], T]) -> T:
        try:
            return once()
        except DovetailError:
            raise
        except Exception as error:
            if not isinstance(error, exc.DBAPIError | exc.TimeoutError) and not of_driver(error):
                raise
            raise self.backend.translated(error) from driver_error(error)

    def _ready(self, write: bool) -> _Opened:
        if self._pid != os.getpid():
            self._forget_parent()
        opened = self._opened
        identity = self.backend.identity()
        if opened is not None and identity == opened.identity and identity is not None:
            return opened
        with self._lock:
            return self._open(write)

    def _forget_parent(self) -> None:
        _abandoned.append(self._opened)
        self._opened, self._pid, self._lock = None, os.getpid(), threading.Lock()

    def _open(self, write: bool) -> _Opened:
        identity = self.backend.identity()
        if self._opened is not None and self._opened.identity == identity and identity is not None:
            return self._opened
        if self._opened is not None:  # another database is at its place: what the old connections wrote would be lost
            self._opened.dispose()
            self._opened = None
        if identity is None and not write:
            return _Opened(self._counted(self.backend.empty()), None, self)
        if identity is None:
            self.backend.create()
            identity = self.backend.identity()
        opened = _Opened(self._counted(self.backend.engine()), identity, self)
        try:
            schema_version.ensure(opened.engine, self.backend)
        except BaseException:
            opened.engine.dispose()
            raise
        self._opened = opened
        return opened

    def _counted(self, engine: Engine) -> Engine:
        event.listen(engine, "before_cursor_execute", lambda *_: self.count())
        return engine

    def count(self) -> None:
        """Count a statement that is sent."""
        self.statements += 1


class Preparing:
    """Prepares statements at their first use with a database."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self._dialect = engine.dialect
        self._database = database
        self._known: dict[int, Prepared] = {}

    def __call__(self, statement: ClauseElement) -> Prepared:
        """Return the prepared form of a statement that lives as long as its module."""
        self._database.statements += 1
        known = self._known.get(id(statement))
        if known is None:
            known = self._known[id(statement)] = Prepared(statement, self._dialect)
        return known


class _Opened:
    """What one process has open."""

    def __init__(self, engine: Engine, identity: Hashable, database: Database) -> None:
        self.engine = engine
        self.identity = identity
        self.prepared = Preparing(engine, database)
        self._turn = Turn() if database.backend.one_writer else None
        self.turn: contextlib.AbstractContextManager[object] = self._turn.lock if self._turn else contextlib.nullcontext()
        self._writer: PoolProxiedConnection | None = None

    def writer(self) -> PoolProxiedConnection:
        """Return a connection to write on; where there is one writer at a time it is the same one, since the pool costs as much as a statement."""
        kept, self._writer = self._writer, None
        return kept if kept is not None else self.engine.raw_connection()

    def give_back(self, connection: PoolProxiedConnection) -> None:
        """Take a connection back after a transaction has ended well."""
        if self._turn is None:
            connection.close()
        else:
            self._writer = connection

    def dispose(self) -> None:
        """Close every connection."""
        kept, self._writer = self._writer, None
        if kept is not None:
            kept.close()
        self.engine.dispose()


def _undo(connection: Connection) -> None:
    with contextlib.suppress(exc.SQLAlchemyError):  # a broken connection has nothing to roll back; the error under way is the one to tell
        connection.rollback()


def _undo_driver(proxied: PoolProxiedConnection, engine: Engine, error: BaseException) -> None:
    try:
        proxied.rollback()
    except Exception:
        proxied.invalidate()
    if isinstance(error, Exception) and of_driver(error) and engine.dialect.is_disconnect(error, None, None):  # type: ignore[arg-type]
        proxied.invalidate()
        engine.dispose()  # the others of the pool are as old
