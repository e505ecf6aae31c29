"""What differs between database engines. A flavor on another engine gives a URL, and overrides what its engine does differently."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, exc, make_url
from sqlalchemy.engine.interfaces import DBAPICursor

from dovetail_core import (
    AuthenticationFailed,
    ConfigError,
    Conflict,
    DovetailError,
    InvalidArgument,
    PermissionDenied,
    Timeout,
    Unavailable,
    remember_secret,
)
from dovetail_metadata_store.sql.schema import SCHEMA, Schema


class ConstraintViolated(Conflict):
    """A row of this key is there already, or a row that this one refers to is not; `kind` in the details is `unique` or `reference`."""


class Backend:
    """A database that is reached by a URL. Its password appears in no message."""

    schema: Schema = SCHEMA
    exclusive = False
    """Whether the database holds nothing but this store, so that other tables in it are a mistake."""
    one_writer = False
    """Whether a thread that writes should wait for the process's other threads before it asks the database."""
    transactional_ddl = True
    """Whether a change of the schema can be rolled back."""
    isolation: str | None = "REPEATABLE READ"
    """Every reading method sees one state of the database; writing ones are repeated if they met another."""
    patience: float = 30.0
    """Seconds for which a call is repeated that failed for a passing reason."""
    pool_size = 8
    """Most connections that one store keeps."""

    def __init__(self, url: URL | str, label: str) -> None:
        self.url: URL = make_url(url)
        self.label = label
        if self.url.password:
            remember_secret(str(self.url.password))

    @property
    def place(self) -> str:
        """Where the database is, for messages."""
        return self.url.render_as_string(hide_password=True)

    def engine(self) -> Engine:
        """Return a new engine; nothing is connected yet. Connections come back without a transaction, so the pool need not reset them."""
        more: dict[str, Any] = {"isolation_level": self.isolation} if self.isolation else {}
        return create_engine(self.url, **self.pool_options(), **more)

    def pool_options(self) -> dict[str, Any]:
        """Return how connections are pooled."""
        return {
            "pool_size": self.pool_size,
            "max_overflow": 0,
            "pool_timeout": self.patience,
            "pool_reset_on_return": None,
            "hide_parameters": True,
        }

    def begin(self, connection: Connection, write: bool) -> None:
        """Begin a transaction, where the driver does not by itself."""

    def begin_write(self, cursor: DBAPICursor) -> None:
        """Begin a writing transaction on a driver's cursor, where the driver does not by itself."""

    def identity(self) -> Hashable:
        """Return what tells this database from one that replaced it; None if it is not there. Asked before every call."""
        return "server"

    def create(self) -> None:
        """Create the database, if `identity` was None."""

    def empty(self) -> Engine:
        """Return an empty database for readers, if `identity` was None."""
        return self.engine()

    def lock_schema(self, connection: Connection) -> None:
        """Keep others from changing the schema until the transaction ends."""

    def check_place(self) -> None:  # what a server lacks is found when it is connected to
        """Verify that a database that is not there can be made. Raises `ConfigError` or `PermissionDenied`, naming the setting."""

    def check(self, connection: Connection) -> None:
        """Verify what can be verified of a database that can be read."""

    def translated(self, error: Exception) -> DovetailError:
        """Return the error that a caller gets; one that is `retryable` makes the whole transaction be repeated.

        SQLSTATE is of the SQL standard (ISO/IEC 9075); PostgreSQL's own codes are in appendix A of its manual.
        """
        if isinstance(error, exc.TimeoutError):
            return Timeout(f"{self.label}: all {self.pool_size} connections to {self.place} are in use", remedy="use fewer threads")
        cause = driver_error(error)
        state = getattr(cause, "sqlstate", None)
        if state:
            return self._of_state(str(state), cause)
        if _named(cause, "IntegrityError"):
            return ConstraintViolated(f"{self.label}: {cause}", kind="unknown")
        return Unavailable(f"{self.label}: {self.place}: {cause}", remedy="see that the database is there and accepts connections")

    def _of_state(self, state: str, cause: BaseException) -> DovetailError:
        what = f"{self.label}: {self.place}: {cause}"
        if state in _PASSING or state[:2] in _PASSING:
            return Unavailable(what, sqlstate=state)
        if state[:2] == "23":
            kind = {"23505": "unique", "23503": "reference"}.get(state, "other")
            return ConstraintViolated(what, kind=kind, sqlstate=state)
        kind_of_error, remedy = _FATAL.get(state) or _FATAL.get(state[:2]) or (Unavailable, "see the database's own log")
        return kind_of_error(what, remedy=remedy, retryable=False, sqlstate=state)


_PASSING = {"40", "08", "57P01", "57P02", "57P03", "57P05", "25P03", "53300", "55P03"}
_FATAL: dict[str, tuple[type[DovetailError], str]] = {
    "22": (InvalidArgument, "give a value that the database can store"),
    "28": (AuthenticationFailed, "check the user and the password"),
    "3D": (ConfigError, "check the name of the database, or create it"),
    "3F": (ConfigError, "check the name of the schema, or create it"),
    "42501": (PermissionDenied, "grant the user what is missing"),
    "25006": (PermissionDenied, "the database is read-only"),
    "53100": (Unavailable, "free space on the database's disk"),
    "57014": (Timeout, "the database stopped the statement"),
}


def driver_error(error: Exception) -> BaseException:
    """Return the driver's own exception."""
    return error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error


def of_driver(error: BaseException) -> bool:
    """Tell whether an exception is a driver's."""
    return _named(error, "DatabaseError") or _named(error, "InterfaceError")


def _named(error: BaseException, name: str) -> bool:
    """Tell whether an exception is of a class of the DB-API (PEP 249), whichever driver's it is."""
    return any(kind.__name__ == name for kind in type(error).__mro__)
