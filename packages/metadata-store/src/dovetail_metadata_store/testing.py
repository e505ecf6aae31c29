"""Harnesses of the flavors of this package, for the conformance suite."""

from __future__ import annotations

import sqlite3
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Self

from dovetail_conformance import Harness
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.memory import InMemoryMetadataStore
from dovetail_metadata_store.sqlite import SqliteMetadataStore


class MemoryHarness(Harness):
    """The reference flavor, in the memory of this process."""

    flavor: ClassVar[type[InMemoryMetadataStore]] = InMemoryMetadataStore
    processes = False
    lacks: Mapping[str, str] = {"MS-03": "a record in memory cannot be damaged from outside"}

    def make(self, **config: Any) -> MetadataStore:
        """Return a store on a space of its own."""
        return self.flavor(**{"space": uuid.uuid4().hex, **config})

    def second(self, component: MetadataStore) -> MetadataStore:
        """Return another store on the same space."""
        return type(component)(component.config)


class SqliteHarness(Harness):
    """The embedded flavor, in a temporary directory."""

    flavor: ClassVar[type[SqliteMetadataStore]] = SqliteMetadataStore

    def __enter__(self) -> Self:
        self._folder = self.enter_context(tempfile.TemporaryDirectory(prefix="dovetail-sqlite-"))
        return self

    def make(self, **config: Any) -> MetadataStore:
        """Return a store on a database of its own, which is not made yet."""
        return self.flavor(**{"path": f"{self._folder}/{uuid.uuid4().hex}/metadata.db", **config})

    def raw(self, component: MetadataStore) -> RawSqlite:
        """Return the database, by the driver alone."""
        return RawSqlite(component.config.path)  # type: ignore[attr-defined]


class RawSqlite:
    """The side door of a SQLite database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def settings(self) -> dict[str, Any]:
        """Return the settings of another component on the same database."""
        return {"path": self._path}

    def set_version(self, version: str) -> str:
        """Set the version of the schema, and return the one before."""
        with closing(sqlite3.connect(self._path, timeout=30)) as database, database:
            (before,) = database.execute("SELECT version_num FROM dovetail_schema_version").fetchone()
            database.execute("UPDATE dovetail_schema_version SET version_num = ?", (version,))
        return str(before)

    def damage_run(self, run_id: str) -> None:
        """Make a run's parameters what is no JSON."""
        with closing(sqlite3.connect(self._path, timeout=30)) as database, database:
            database.execute("UPDATE dovetail_runs SET parameters = '{' WHERE id = ?", (run_id,))

    def damage_artifact(self, artifact_id: str) -> None:
        """Make an artifact's metadata what is no JSON."""
        with closing(sqlite3.connect(self._path, timeout=30)) as database, database:
            database.execute("UPDATE dovetail_artifacts SET metadata = '{' WHERE id = ?", (artifact_id,))
