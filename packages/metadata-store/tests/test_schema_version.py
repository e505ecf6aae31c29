"""The schema: made at once or in steps, always the same; brought up to date when opened, never touched when it is newer."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from metadata_store_kit import PostgresBackend, PostgresMetadataStore, described, executed, started
from sqlalchemy import Column, Engine, Index, MetaData, String, create_engine, inspect, text

from dovetail_core import ConfigError, DovetailError, InvalidArgument
from dovetail_metadata_store import SqliteMetadataStore, SqlMetadataStore
from dovetail_metadata_store.sql import schema_version
from dovetail_metadata_store.sql.schema import SCHEMA, Schema

Open = Callable[[], SqlMetadataStore]
TESTS = Path(__file__).parent


def shape(engine: Engine) -> dict[str, Any]:
    """Return all that a database tells of its tables."""
    looked = inspect(engine)
    found: dict[str, Any] = {}
    for table in looked.get_table_names():
        found[table] = {
            "columns": [
                (c["name"], str(c["type"]), getattr(c["type"], "collation", None), c["nullable"], c["default"])
                for c in looked.get_columns(table)
            ],
            "primary": looked.get_pk_constraint(table),
            "foreign": sorted(looked.get_foreign_keys(table), key=str),
            "unique": sorted(looked.get_unique_constraints(table), key=str),
            "indexes": sorted(str({**index, "dialect_options": _as_text(index)}) for index in looked.get_indexes(table)),
            "checks": looked.get_check_constraints(table),
        }
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            found["options"] = [
                tuple(row) for row in connection.exec_driver_sql("SELECT name, wr, strict FROM pragma_table_list ORDER BY name")
            ]
    return found


def _as_text(index: Any) -> dict[str, str]:
    return {name: str(value) for name, value in index.get("dialect_options", {}).items()}


def in_two_ways(engine: Engine, clear: Callable[[Engine], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the shapes of a schema that was made at once and of one that was migrated."""
    with engine.begin() as connection:
        schema_version.create(connection, SCHEMA)
    fresh = shape(engine)
    clear(engine)
    with engine.begin() as connection:
        schema_version.migrate(connection, SCHEMA, SCHEMA.version)
        assert schema_version.current(connection) == SCHEMA.version
    return fresh, shape(engine)


def test_a_fresh_schema_and_a_migrated_one_are_the_same_in_sqlite(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/a.db")

    def clear(engine: Engine) -> None:
        engine.dispose()
        (tmp_path / "a.db").unlink()

    fresh, migrated = in_two_ways(engine, clear)
    assert fresh == migrated
    assert fresh.keys() - {"options"} == SCHEMA.metadata.tables.keys() and fresh["dovetail_steps"]["foreign"]
    engine.dispose()


def test_a_fresh_schema_and_a_migrated_one_are_the_same_in_postgresql(postgres_url: str) -> None:
    engine = PostgresBackend(postgres_url, "test").engine()

    def clear(engine: Engine) -> None:
        with engine.begin() as connection:
            for table in inspect(connection).get_table_names():
                connection.execute(text(f"DROP TABLE {table} CASCADE"))

    fresh, migrated = in_two_ways(engine, clear)
    assert fresh == migrated
    with engine.connect() as connection:
        columns = "information_schema.columns WHERE table_schema = current_schema() AND column_name = 'name'"
        assert connection.execute(text(f"SELECT DISTINCT collation_name FROM {columns}")).scalars().all() == ["C"]
    engine.dispose()


NEXT = '''
"""Adds a column and an index, and takes its time."""

import os
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("dovetail_runs", sa.Column("note", sa.String(20)))
    if os.environ.get("STOP_IN_MIGRATION"):
        print("in the middle", flush=True)
        import time
        time.sleep(60)
    op.create_index("ix_dovetail_runs_note", "dovetail_runs", ["note"])


def downgrade() -> None:
    op.drop_index("ix_dovetail_runs_note", "dovetail_runs")
    op.drop_column("dovetail_runs", "note")
'''


def next_schema(folder: Path) -> Schema:
    """Return the schema of a version to come, with a migration more."""
    if not folder.exists():
        shutil.copytree(SCHEMA.scripts, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "0002_next.py").write_text(NEXT)
    metadata = MetaData(naming_convention=SCHEMA.metadata.naming_convention)
    for table in SCHEMA.metadata.sorted_tables:
        table.to_metadata(metadata)
    runs = metadata.tables["dovetail_runs"]
    runs.append_column(Column("note", String(20)))
    Index(None, runs.c.note)
    return Schema(metadata, folder, (*SCHEMA.revisions, "0002"))


def as_of(store: SqlMetadataStore, schema: Schema) -> SqlMetadataStore:
    """Return a store as a later version of this package opens it."""
    store._database.backend.schema = schema
    return store


def test_an_older_schema_is_brought_up_to_date_and_keeps_its_records(open_store: Open, tmp_path: Path) -> None:
    old = open_store()
    run = started(old)
    made = executed(old, run)
    new = as_of(open_store(), next_schema(tmp_path / "scripts"))
    assert new.schema_version() == "0002"
    assert new.get_artifact(made.id).digest == made.digest
    assert new.get_run(run.id).name == run.name
    with ThreadPoolExecutor(4) as pool:
        assert {
            store.schema_version() for store in pool.map(lambda _: as_of(open_store(), next_schema(tmp_path / "scripts")), range(4))
        } == {"0002"}


def test_many_that_open_an_old_schema_at_once_migrate_it_once(open_store: Open, tmp_path: Path) -> None:
    run = started(open_store())
    stores = [as_of(open_store(), next_schema(tmp_path / "scripts")) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda store: store.get_run(run.id).name, stores)) == [run.name] * 8


def test_many_that_open_a_new_store_at_once_all_write_to_the_same(open_store: Open) -> None:
    stores = [open_store() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(started, stores))
    assert {run.id for run in stores[0].iter_runs()} == {run.id for run in runs}


def test_a_migration_that_was_killed_is_made_when_the_store_is_opened_again(open_store: Open, tmp_path: Path) -> None:
    run = started(open_store())
    folder = tmp_path / "scripts"
    next_schema(folder)
    code = (
        "import sys; from pathlib import Path; from metadata_store_kit import opened; from test_schema_version import as_of, next_schema\n"
        "as_of(opened(sys.argv[1]), next_schema(Path(sys.argv[2]))).schema_version()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "STOP_IN_MIGRATION": "1"}
    command = [sys.executable, "-c", code, described(open_store()), str(folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "in the middle\n"
    process.kill()
    process.communicate()
    assert open_store().get_run(run.id) == run  # nothing of it is visible: this version still finds its own schema
    new = as_of(open_store(), next_schema(folder))
    assert eventually(new.schema_version) == "0002"
    assert new.get_run(run.id).name == run.name


def eventually(call: Callable[[], Any]) -> Any:
    """Return what a call returns once the server has noticed that the process before is dead."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return call()
        except DovetailError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_a_newer_schema_is_refused_and_not_written_to(open_store: Open, tmp_path: Path) -> None:
    newer = as_of(open_store(), next_schema(tmp_path / "scripts"))
    run = started(newer)
    newer.close()
    store = open_store()
    for call in (lambda: started(store), lambda: store.get_run(run.id), store.check, store.search_runs):
        with pytest.raises(ConfigError, match=r"0002.*upgrade") as caught:
            call()
        assert caught.value.details["version"] == "0002"
    again = as_of(open_store(), next_schema(tmp_path / "scripts"))
    assert [one.id for one in again.iter_runs()] == [run.id]


def test_a_schema_goes_back_only_when_the_loss_is_allowed(open_store: Open, tmp_path: Path) -> None:
    newer = as_of(open_store(), next_schema(tmp_path / "scripts"))
    run = started(newer)
    with pytest.raises(InvalidArgument, match="allow_data_loss"):
        newer.downgrade("0001")
    assert newer.schema_version() == "0002"
    with pytest.raises(InvalidArgument, match="0001"):
        newer.downgrade("7", allow_data_loss=True)
    newer.downgrade("0001", allow_data_loss=True)
    newer.close()
    store = open_store()
    assert store.get_run(run.id) == run
    store.downgrade("base", allow_data_loss=True)
    assert store.search_runs().items == ()
    assert started(store).name


def test_a_database_that_was_made_by_migrations_is_used(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        schema_version.migrate(connection, SCHEMA, SCHEMA.version)
    engine.dispose()
    with SqliteMetadataStore(path=path) as store:
        executed(store, started(store))
        store.check()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with SqliteMetadataStore(path=path) as store:
        run = started(store)
    folder = tmp_path / "scripts"
    schema = next_schema(folder)
    broken = folder / "versions" / "0002_next.py"
    broken.write_text(
        broken.read_text().replace('    op.create_index("ix_dovetail_runs_note"', '    raise RuntimeError("no")\n    op.create_index("ix"')
    )
    with SqliteMetadataStore(path=path) as store, pytest.raises(RuntimeError):
        as_of(store, schema).get_run(run.id)
    connection = sqlite3.connect(path)
    assert "note" not in [row[1] for row in connection.execute("PRAGMA table_info(dovetail_runs)")]
    connection.close()
    with SqliteMetadataStore(path=path) as store:
        assert store.get_run(run.id) == run


def test_tables_of_the_same_names_on_a_server_are_left_alone(postgres_url: str) -> None:
    engine = PostgresBackend(postgres_url, "test").engine()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE dovetail_runs (id INTEGER)"))
    with PostgresMetadataStore(url=postgres_url) as store, pytest.raises(ConfigError, match="dovetail_runs"):
        started(store)
    assert inspect(engine).get_table_names() == ["dovetail_runs"]
    engine.dispose()
