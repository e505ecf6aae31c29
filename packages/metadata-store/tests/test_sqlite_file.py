"""The database file: made when it is needed, never overwritten, and every trouble with it told by its name."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from metadata_store_kit import executed, started

from dovetail_core import (
    ConfigError,
    DovetailError,
    FlavorCatalog,
    IntegrityError,
    NotFound,
    Reach,
    Timeout,
    Unavailable,
    new_id,
)
from dovetail_metadata_store import MetadataStoreCapability, Run, SqliteMetadataStore, State

TESTS = Path(__file__).parent


def filled(path: Path) -> Path:
    """Return the path of a database that holds some runs."""
    with SqliteMetadataStore(path=path) as store:
        for _ in range(30):
            executed(store, started(store))
    return path


def test_importing_the_flavor_imports_no_sqlalchemy() -> None:
    code = "import dovetail_metadata_store.sqlite, sys; assert not {'sqlalchemy', 'alembic', 'sqlite3'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_imports_neither_pydantic_nor_sqlalchemy() -> None:
    code = "import dovetail_metadata_store.component_type, sys; assert not {'sqlalchemy', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_opening_a_database_that_is_up_to_date_imports_no_alembic(tmp_path: Path) -> None:
    code = "import sys; from metadata_store_kit import *; s = SqliteMetadataStore(path=sys.argv[1]); started(s)"
    code += "; assert 'alembic' not in sys.modules"
    for _ in range(2):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "m.db")], check=True, env=environment)


def test_the_flavor_is_what_its_type_demands() -> None:
    assert FlavorCatalog().load("metadata_store", "sqlite") is SqliteMetadataStore
    assert SqliteMetadataStore.capabilities == set(MetadataStoreCapability)
    assert SqliteMetadataStore.reach(SqliteMetadataStore.Config()) is Reach.MACHINE
    assert all(field.description for field in SqliteMetadataStore.Config.model_fields.values())


def test_a_relative_path_is_of_the_project_and_a_tilde_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert SqliteMetadataStore.from_settings({}, root=tmp_path / "p").config.path == tmp_path / "p" / ".dovetail" / "metadata.db"  # type: ignore[attr-defined]
    assert SqliteMetadataStore(path="~/m.db").config.path == tmp_path / "m.db"


@pytest.mark.parametrize(
    "name", ["with space", "100%", "%20", "q?mode=ro", "h#ash", "ümläut", "a'b\"c", "x;y", "~tilde", ":memory:", "file:x"]
)
def test_any_name_is_the_name_of_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / f"{name}.db"
    with SqliteMetadataStore(path=path) as store:
        run = started(store)
    assert path.is_file()
    with SqliteMetadataStore(path=path) as store:
        assert store.get_run(run.id) == run
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name]


def test_reading_where_nothing_was_written_makes_no_file(sqlite_store: SqliteMetadataStore) -> None:
    store = sqlite_store
    assert store.search_runs().items == store.search_artifacts().items == store.dead_runs(0) == ()
    assert store.find_cached(["k"]) == {}
    assert store.schema_version() is None
    store.check()
    for call in (store.get_run, store.get_steps, store.get_artifact, store.lineage):
        with pytest.raises(NotFound):
            call(new_id())
    with pytest.raises(NotFound):
        store.find_run("any")
    assert not store.config.path.parent.exists()
    run = started(store)
    assert [one.id for one in store.search_runs().items] == [run.id]


def test_a_file_that_another_made_meanwhile_is_seen(sqlite_store: SqliteMetadataStore) -> None:
    assert sqlite_store.search_runs().items == ()
    filled(sqlite_store.config.path)
    assert len(sqlite_store.search_runs().items) == 30


def test_a_file_that_was_deleted_while_open_is_made_anew(sqlite_store: SqliteMetadataStore) -> None:
    started(sqlite_store)
    shutil.rmtree(sqlite_store.config.path.parent)
    assert sqlite_store.search_runs().items == ()
    run = started(sqlite_store)
    with SqliteMetadataStore(path=sqlite_store.config.path) as other:
        assert [one.id for one in other.search_runs().items] == [run.id]


def test_a_file_that_was_replaced_while_open_is_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    with SqliteMetadataStore(path=path) as store, SqliteMetadataStore(path=tmp_path / "other.db") as other:
        started(store)
        there = started(other)
        other.close()
        os.replace(tmp_path / "other.db", path)
        for name in ("metadata.db-wal", "metadata.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        run = started(store)
        assert {one.id for one in store.iter_runs()} == {there.id, run.id}


def refused(path: Path, expected: type[DovetailError]) -> None:
    """Check that reading and writing are refused with the file's name and a remedy, and that the file stays as it is."""
    before = path.read_bytes()
    with SqliteMetadataStore(path=path) as store:
        for call in (store.search_runs, store.check, lambda: store.create_run(Run(new_id(), "n", "p", "s"), ["a"])):
            with pytest.raises(expected, match=path.name) as caught:
                call()
            assert caught.value.remedy
    assert path.read_bytes() == before


@pytest.mark.parametrize("size", [0, 1, 15, 16, 99, 100, 511, 512, 4095, 4096, 5000, 8192])
def test_a_truncated_file_is_told_and_left_as_it_is(tmp_path: Path, size: int) -> None:
    path = filled(tmp_path / "metadata.db")
    os.truncate(path, size)
    refused(path, IntegrityError)


def test_garbage_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    for number, garbage in enumerate([b"x", b"no database\n" * 1000, os.urandom(10000)]):
        path = tmp_path / f"metadata{number}.db"
        path.write_bytes(garbage)
        refused(path, IntegrityError)


def test_a_file_with_damaged_pages_is_told_by_check(tmp_path: Path) -> None:
    path = filled(tmp_path / "metadata.db")
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 20)
    with SqliteMetadataStore(path=path) as store, pytest.raises(IntegrityError, match=r"metadata\.db"):
        store.check()


def test_the_database_of_another_program_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
    connection.close()
    refused(path, ConfigError)


def test_a_log_without_its_database_is_not_mixed_into_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    store = SqliteMetadataStore(path=path)
    started(store)
    log = path.with_name("metadata.db-wal").read_bytes()
    store.close()
    path.unlink()
    path.with_name("metadata.db-wal").write_bytes(log)
    with SqliteMetadataStore(path=path) as again, pytest.raises(IntegrityError, match=r"metadata\.db-wal"):
        started(again)
    assert path.with_name("metadata.db-wal").read_bytes() == log and not path.exists()


def test_a_directory_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with SqliteMetadataStore(path=tmp_path) as store, pytest.raises(ConfigError, match="directory"):
        started(store)
    file = tmp_path / "file"
    file.write_text("")
    with SqliteMetadataStore(path=file / "metadata.db") as store, pytest.raises(ConfigError, match=r"metadata\.db"):
        started(store)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that any user may read; those of `tmp_path` are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_user(code: str, *arguments: str) -> str:
    """Execute code as a user without rights, and return what it prints. As an ordinary user, that is this one."""
    drop = "import os\nif os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    first = "import dovetail_metadata_store.sql.database, dovetail_metadata_store.sql.sqlite_backend, dovetail_core\n"
    first += "import sqlalchemy.dialects.sqlite.pysqlite\nfrom metadata_store_kit import *\n"
    first += "from dovetail_metadata_store.sql import cache, commits, entries, graph, runs, search, steps\n"  # before the rights are gone
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, "-c", f"{first}{drop}{code}", *arguments]
    return subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout.strip()


READ_AND_WRITE = """
import sys
store = SqliteMetadataStore(path=sys.argv[1])
print(len(store.search_runs().items))
try:
    started(store)
except dovetail_core.PermissionDenied as error:
    print("denied" if "metadata.db" in str(error) else error)
"""


@pytest.mark.parametrize("what", ["file", "directory", "both"])
def test_a_file_that_may_only_be_read_is_read_and_not_written(public: Path, what: str) -> None:
    path = filled(public / "project" / "metadata.db")
    path.chmod(0o444 if what != "directory" else 0o666)
    path.parent.chmod(0o555 if what != "file" else 0o777)
    try:
        assert as_user(READ_AND_WRITE, str(path)).split() == ["30", "denied"]
        assert sorted(one.name for one in path.parent.iterdir()) == ["metadata.db"]
    finally:
        path.parent.chmod(0o755)


def test_a_place_where_nothing_may_be_made_is_told(public: Path) -> None:
    (public / "closed").mkdir(0o555)
    assert as_user(READ_AND_WRITE, str(public / "closed" / "deep" / "metadata.db")).split() == ["0", "denied"]


def test_a_full_disk_is_told_and_leaves_the_records_as_they_were(tmp_path: Path) -> None:
    path = filled(tmp_path / "metadata.db")
    with SqliteMetadataStore(path=path) as store:
        run = started(store)
        with store._database.open_for(True).connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # what SQLite does when the disk is full
        with pytest.raises(Unavailable, match=r"metadata\.db") as caught:
            store.put_metadata(run.id, {"big": "x" * 2_000_000})
        assert "space" in caught.value.remedy and not caught.value.retryable
        assert store.get_metadata(run.id) == {}
        with store._database.open_for(True).connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        executed(store, run)


def test_a_file_that_may_not_grow_is_told(tmp_path: Path) -> None:
    path = filled(tmp_path / "metadata.db")
    code = f"""
import resource, signal, sys
sys.path.insert(0, {str(TESTS)!r})
from metadata_store_kit import *
from dovetail_core import Unavailable
store = SqliteMetadataStore(path=sys.argv[1])
run = started(store)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
try:
    store.put_metadata(run.id, {{"big": "x" * 2_000_000}})
except Unavailable as error:
    print("told")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
executed(store, run)
"""
    command = [sys.executable, "-c", code, str(path)]
    result = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert result.stdout.strip() == "told"
    with SqliteMetadataStore(path=path) as store:
        assert len(list(store.iter_runs())) == 31
        store.check()


def test_a_lock_that_is_never_released_is_told_after_the_busy_timeout(tmp_path: Path) -> None:
    path = filled(tmp_path / "metadata.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with SqliteMetadataStore(path=path, busy_timeout=0.3) as store:
        with pytest.raises(Timeout, match=r"metadata\.db") as caught:
            started(store)
        assert "busy_timeout" in caught.value.remedy and isinstance(caught.value.__cause__, sqlite3.OperationalError)
        assert len(store.search_runs().items) == 30
        other.execute("ROLLBACK")
        started(store)
    other.close()


def test_a_writer_waits_for_a_lock_to_be_released(tmp_path: Path) -> None:
    path = filled(tmp_path / "metadata.db")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.7, lambda: other.execute("ROLLBACK"))
    release.start()
    with SqliteMetadataStore(path=path) as store:
        assert started(store).state is State.RUNNING
    release.join()
    other.close()


def test_two_stores_in_one_process_stay_apart(tmp_path: Path) -> None:
    with SqliteMetadataStore(path=tmp_path / "a.db") as one, SqliteMetadataStore(path=tmp_path / "b.db") as other:
        run = started(one)
        started(other)
        with pytest.raises(NotFound):
            other.get_run(run.id)


@pytest.mark.parametrize(("setting", "level"), [("normal", 1), ("full", 2)])
def test_the_settings_reach_the_database(tmp_path: Path, setting: Any, level: int) -> None:
    with SqliteMetadataStore(path=tmp_path / "m.db", synchronous=setting) as store:
        started(store)
        with store._database.open_for(True).connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_opening_and_closing_leaves_no_open_file(tmp_path: Path) -> None:
    def cycle() -> None:
        with SqliteMetadataStore(path=tmp_path / "m.db") as store:
            started(store)

    def open_files() -> list[str]:
        found = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        return [os.readlink(path) for path in found if os.path.lexists(path) and str(tmp_path) in os.readlink(path)]

    for _ in range(10):
        cycle()
        assert open_files() == []
    assert [one.name for one in tmp_path.iterdir()] == ["m.db"]


def test_a_process_killed_while_it_makes_the_file_leaves_none_or_a_whole_one(tmp_path: Path) -> None:
    code = (
        "import sys, json; from metadata_store_kit import *; s = SqliteMetadataStore(path=sys.argv[1]); print('go', flush=True); started(s)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    for number in range(3):
        path = tmp_path / f"{number}" / "metadata.db"
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline()
        for _ in range(8000 * number):  # a moment, longer each time, that no clock decides
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        with SqliteMetadataStore(path=path) as store:
            started(store)
            store.check()


def test_check_says_that_no_database_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with SqliteMetadataStore(path=tmp_path / "file" / "x" / "metadata.db") as store, pytest.raises(ConfigError, match="path"):
        store.check()
    with SqliteMetadataStore(path=tmp_path / "new" / "metadata.db") as store:
        store.check()
    assert not (tmp_path / "new").exists()
