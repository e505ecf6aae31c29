"""The embedded flavor: an SQLite database in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dovetail_core import ComponentConfig, ProjectPath, Reach
from dovetail_metadata_store.sql.store import SqlMetadataStore

if TYPE_CHECKING:
    from dovetail_metadata_store.sql.backend import Backend


class SqliteConfig(ComponentConfig):
    """Settings of the `sqlite` flavor."""

    path: ProjectPath = Field(default=Path(".dovetail/metadata.db"), description="The database file; it is made at the first write.")
    synchronous: Literal["normal", "full"] = Field(
        default="normal",
        description="`full` waits for the disk at every commit; with `normal` a power failure, not a crash, may undo the latest commits.",
    )
    busy_timeout: float = Field(default=30.0, gt=0, le=3600, description="Seconds to wait for other writers.")


class SqliteMetadataStore(SqlMetadataStore):
    """Metadata in an SQLite database on this machine, for any number of threads and processes.

    The file must be on a local disk: SQLite's locks do not hold on network file systems.
    """

    flavor = "sqlite"
    Config: ClassVar[type[SqliteConfig]] = SqliteConfig
    config: SqliteConfig

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Tell that the file can be used on this machine only."""
        return Reach.MACHINE

    def backend(self) -> Backend:
        """Return the database file."""
        from dovetail_metadata_store.sql.sqlite_backend import SqliteBackend

        config = self.config
        return SqliteBackend(config.path, self.label, synchronous=config.synchronous, patience=config.busy_timeout)
