"""Keeps the schema of a database at the version of the code. Alembic is imported only when there is something to migrate."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, insert, inspect, select

from dovetail_core import ConfigError, InvalidArgument
from dovetail_metadata_store.sql.schema import Schema, versions

if TYPE_CHECKING:
    from dovetail_metadata_store.sql.backend import Backend

_alembic = threading.Lock()
"""Alembic's `op` and `context` are global to the process."""


def ensure(engine: Engine, backend: Backend) -> None:
    """Create the schema, or bring an older one up to date; in a database that is up to date this is two queries.

    Raises `ConfigError`, and writes nothing, if the schema is newer than this code, or the database is another program's.
    """
    schema = backend.schema
    with engine.connect() as connection:
        if current(connection) == schema.version:
            connection.rollback()
            return
    with engine.connect() as connection:
        if backend.isolation:  # who waited for the lock must see what its holder did
            connection.execution_options(isolation_level="READ COMMITTED")
        backend.begin(connection, True)
        try:
            backend.lock_schema(connection)
            _bring_up(connection, backend, current(connection))
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def current(connection: Connection) -> str | None:
    """Return the version of the stored schema; None if there is none."""
    if not inspect(connection).has_table(versions.name):
        return None
    return connection.execute(select(versions.c.version_num)).scalar()


def _bring_up(connection: Connection, backend: Backend, version: str | None) -> None:
    schema = backend.schema
    if version == schema.version:  # another process was faster
        return
    if version is None:
        present = set(inspect(connection).get_table_names())
        _refuse_foreign(present, backend)
        create(connection, schema, check_first=bool(present))
    elif version in schema.revisions:
        migrate(connection, schema, schema.version)
    else:
        raise ConfigError(
            f"{backend.label}: {backend.place} has schema version {version}, newer than {schema.version}",
            remedy="upgrade dovetail-metadata-store, or use another database; nothing was changed",
            version=version,
        )


def _refuse_foreign(present: set[str], backend: Backend) -> None:
    unexpected = (present if backend.exclusive else present & set(backend.schema.metadata.tables)) - {versions.name}
    if unexpected and backend.transactional_ddl:  # without, they may be what an interrupted creation left
        raise ConfigError(
            f"{backend.label}: {backend.place} is the database of something else, with the tables {', '.join(sorted(unexpected))}",
            remedy="use another database; nothing was changed",
        )


def create(connection: Connection, schema: Schema, *, check_first: bool = False) -> None:
    """Create all tables at once, marked as the newest version."""
    schema.metadata.create_all(connection, checkfirst=check_first)
    connection.execute(insert(versions).values(version_num=schema.version))


def migrate(connection: Connection, schema: Schema, target: str) -> None:
    """Bring the schema to a version, up or down, inside the transaction of `connection`. `InvalidArgument` for an unknown version."""
    from alembic import command
    from alembic.config import Config

    known = (*schema.revisions, "base")
    if target not in known:
        raise InvalidArgument(f"there is no schema version {target!r}", remedy="one of " + ", ".join(known), field="version")
    config = Config()
    config.set_main_option("script_location", str(schema.scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    version = current(connection)
    down = (version is not None and known.index(target) < known.index(version)) or target == "base"
    with _alembic:
        (command.downgrade if down else command.upgrade)(config, target)
