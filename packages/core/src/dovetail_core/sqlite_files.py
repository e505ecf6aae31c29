"""What embedded flavors that keep an SQLite database in a file share: how the file is made, told apart, opened, and what its errors mean.

Nothing here imports `sqlite3` before a database is used.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from dovetail_core.clock import new_id
from dovetail_core.errors import ConfigError, DovetailError, IntegrityError, InvalidArgument, PermissionDenied, Timeout, Unavailable

SMALLEST = 512
"""Bytes of one page of the smallest size: what is shorter is no database."""
RESTORE = "restore it from a copy, or move it away to begin with an empty one"

_BUSY: tuple[type[DovetailError], str] = (Timeout, "another process keeps the file locked: end it, or raise `{patience}`")
_DENIED: tuple[type[DovetailError], str] = (PermissionDenied, "give this user the right to write the file and its directory")
_DAMAGED: tuple[type[DovetailError], str] = (IntegrityError, f"the file is damaged or no SQLite database; nothing was written: {RESTORE}")
_ERRORS: dict[int, tuple[type[DovetailError], str]] = {  # https://www.sqlite.org/rescode.html
    3: _DENIED,  # PERM
    5: _BUSY,
    6: _BUSY,  # LOCKED
    8: _DENIED,  # READONLY
    11: _DAMAGED,  # CORRUPT
    13: (Unavailable, "free space on the disk; nothing of the call was stored"),  # FULL
    15: _BUSY,  # PROTOCOL
    18: (InvalidArgument, "give a smaller value"),  # TOOBIG
    23: _DENIED,  # AUTH
    26: _DAMAGED,  # NOTADB
}
_CANTOPEN = 14


class SqliteFile:
    """An SQLite database file that a component keeps."""

    def __init__(self, path: Path, label: str, patience: str = "busy_timeout") -> None:
        self.path = path
        self.label = label
        self._patience = patience
        """The setting that says how long to wait for other writers."""

    def identity(self) -> tuple[int, int] | None:
        """Return device and inode, None if there is no file: one that was deleted or replaced while it was open is not written to any more."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.of_system(error) from error
        return found.st_dev, found.st_ino

    def create(self, fill: Callable[[Path], object]) -> None:
        """Make the database beside its place, by `fill`, and link it there, so that nobody ever sees a part of one; if several do so, one wins."""
        if self._beside("-wal").exists() and self.identity() is None:
            raise IntegrityError(
                f"{self.label}: {self.path} is gone, and its write-ahead log {self.path.name}-wal is there",
                remedy="restore the file, or move the log away to begin with an empty database",
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._create_at(self.path.with_name(f".{self.path.name}.{new_id()}"), fill)
        except OSError as error:
            raise self.of_system(error) from error

    def _create_at(self, part: Path, fill: Callable[[Path], object]) -> None:
        try:
            fill(part)
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

    def address(self) -> str:
        """Return the URI to open. Raises `IntegrityError` for a file that is too short, which SQLite would take for a new database."""
        # To look into it ourselves would be wrong: to close it would release SQLite's locks.
        if os.stat(self.path).st_size < SMALLEST:
            raise IntegrityError(f"{self.label}: {self.path} is truncated or no SQLite database", remedy=RESTORE)
        return f"{self.path.as_uri()}?{'immutable=1' if self.read_only() else 'mode=rw'}"

    def read_only(self) -> bool:
        """Tell whether this user cannot write, and no log holds newer pages: SQLite then cannot make the files that it reads with."""
        writable = os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)
        return not writable and not self._beside("-wal").exists()

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}{ending}")

    def of_driver(self, cause: BaseException) -> DovetailError:
        """Return the error that a caller gets for one of the driver, by SQLite's result code."""
        code = getattr(cause, "sqlite_errorcode", 0)
        what = f"{self.label}: {self.path}: {cause}"
        if code & 0xFF == _CANTOPEN:
            return self._cannot_open(what)
        kind, remedy = _ERRORS.get(code & 0xFF, (Unavailable, "see that the disk is there and in order"))
        return kind(what, remedy=remedy.format(patience=self._patience), retryable=kind is Timeout, code=code)

    def _cannot_open(self, what: str) -> DovetailError:
        if self.path.is_dir():
            return ConfigError(f"{what}: it is a directory", remedy="give the path of a file")
        if not os.access(self.path, os.R_OK) or not os.access(self.path.parent, os.W_OK):
            return PermissionDenied(what, remedy="give this user the right to read and write the file and its directory")
        return Unavailable(what, remedy="see that the directory is there", retryable=False)

    def of_system(self, error: OSError) -> DovetailError:
        """Return the error that a caller gets for one of the operating system."""
        what = f"{self.label}: {self.path}: {error.strerror or error}"
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            return PermissionDenied(what, remedy="give this user the right to write there, or set `path` to another place")
        if isinstance(error, NotADirectoryError | FileExistsError | IsADirectoryError) or error.errno == errno.ENAMETOOLONG:
            return ConfigError(what, remedy="set `path` to a file in a directory")
        return Unavailable(what, remedy="free space on the disk", retryable=False)
