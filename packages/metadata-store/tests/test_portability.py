"""One schema, one set of statements: what carries to the databases that have no server here is seen by compiling for them."""

from __future__ import annotations

from typing import Any

import pytest
from metadata_store_kit import PostgresMetadataStore, executed, started
from sqlalchemy import URL, create_engine, event, make_url, select, text
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.dialects.mysql import mariadb
from sqlalchemy.schema import CreateIndex, CreateTable

from dovetail_core import AuthenticationFailed, ConfigError, DovetailError, Unavailable, new_id
from dovetail_metadata_store import Run, State
from dovetail_metadata_store.queries import ArtifactQuery, RunQuery
from dovetail_metadata_store.sql import cache, commits, graph, runs, search, steps
from dovetail_metadata_store.sql.backend import Backend
from dovetail_metadata_store.sql.prepared import Prepared
from dovetail_metadata_store.sql.schema import metadata
from dovetail_metadata_store.sql.schema import runs as run_table

DIALECTS = {
    "sqlite": sqlite.dialect(),
    "postgresql": postgresql.psycopg.dialect(),
    "mysql": mysql.pymysql.dialect(),
    "mariadb": mariadb.MariaDBDialect(paramstyle="format"),
}
HOT = [steps._BEGIN, commits._SUCCEED, commits._ADD_ARTIFACT, commits._ADD_LINK, runs._BEAT, runs._REQUESTED]


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Any:
    return DIALECTS[request.param]


def test_every_table_and_index_compiles(dialect: Any) -> None:
    for table in metadata.sorted_tables:
        statement = str(CreateTable(table).compile(dialect=dialect))
        assert table.name in statement
        if dialect.name in ("mysql", "mariadb"):
            collation = "utf8mb4_0900_bin" if dialect.name == "mysql" else "utf8mb4_nopad_bin"
            assert statement.count("VARCHAR") == statement.count(collation) + (table.name == "dovetail_schema_version")
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))


def test_no_row_or_key_is_too_long_for_mysql() -> None:
    for table in metadata.sorted_tables:
        assert sum(4 * getattr(column.type, "length", 0) for column in table.c if getattr(column.type, "length", None)) < 65_535
        keys = [list(table.primary_key), *(list(index.columns) for index in table.indexes)]
        assert all(sum(4 * (getattr(column.type, "length", None) or 2) for column in key) <= 3072 for key in keys)


def test_every_statement_of_a_step_compiles_with_named_parameters_only(dialect: Any) -> None:
    for statement in HOT:
        assert Prepared(statement, dialect).text


def test_no_type_converts_what_it_is_given(dialect: Any) -> None:
    for table in metadata.sorted_tables:
        for column in table.c:
            assert column.type.dialect_impl(dialect).bind_processor(dialect) is None, f"{column} cannot be used in a prepared statement"


def test_every_query_compiles(dialect: Any) -> None:
    query = RunQuery("p", (State.FAILED,), "n", 1, 2, "-created")
    columns = (run_table.c.created, run_table.c.id)
    statements = [
        cache._latest(3),
        graph._query(["a"], "up"),
        graph._query(["a"], "down"),
        select(run_table).where(*search._of_runs(query)).where(search._beyond(columns, (1, "a"), True)),
        select(run_table).where(*search._of_artifacts(ArtifactQuery("r", "s", "o", "p", "t", "m", "d"))),
        select(run_table).with_for_update(),
    ]
    for statement in statements:
        assert str(statement.compile(dialect=dialect))


@pytest.fixture
def secret() -> str:
    return f"p@ss%/:#?{new_id()}"


def shown(error: BaseException | None) -> str:
    """Return all that an error and its causes say of themselves."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), str(getattr(error, "details", ""))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def test_a_password_is_in_no_message(secret: str) -> None:
    url = URL.create("postgresql+psycopg", "user", secret, "127.0.0.1", 1, "db", {"connect_timeout": "2"})
    store = PostgresMetadataStore(url=url.render_as_string(hide_password=False))
    store._database.backend.patience = 0.1
    with pytest.raises(Unavailable) as caught:
        store.search_runs()
    backend = store._database.backend
    told = [
        shown(caught.value),
        repr(store),
        str(store.config),
        repr(backend.engine()),
        backend.place,
        repr(backend.url),
        caught.value.remedy,
    ]
    for form in (secret, url.render_as_string(hide_password=False).split(":")[2].split("@127")[0]):
        assert all(form not in one for one in told)


def test_a_password_with_any_character_reaches_the_server(postgres_server: str, secret: str) -> None:
    import psycopg

    user = f"user_{new_id()}"
    with psycopg.connect(postgres_server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE USER {user} PASSWORD '{secret}'".encode())
        connection.execute(f"CREATE SCHEMA {user} AUTHORIZATION {user}".encode())
    url = make_url(postgres_server).set(username=user, password=secret)
    with PostgresMetadataStore(url=url.render_as_string(hide_password=False)) as store:
        executed(store, started(store))
        assert secret not in repr(store) and store._database.backend.url.password == secret


def test_a_database_that_does_not_exist_is_told(postgres_server: str) -> None:
    url = postgres_server.replace("/postgres?", "/nothing_of_this_name?")
    store = PostgresMetadataStore(url=url)
    store._database.backend.patience = 0.1
    with pytest.raises(DovetailError, match="nothing_of_this_name"):
        store.search_runs()


def test_connections_that_the_server_ended_are_replaced(postgres_url: str) -> None:
    kill = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
    with PostgresMetadataStore(url=postgres_url) as store:
        run = started(store, ["a", "b", "c"])
        calls = [
            lambda: store.begin_step(run.id, "a", 1),
            lambda: store.get_steps(run.id),
            lambda: store.heartbeat(run.id),
            lambda: store.put_metadata(run.id, {"a": 1}),
            lambda: executed(store, run, "b"),
        ]
        other = create_engine(postgres_url)
        for call in calls:
            with other.connect() as connection:
                connection.execute(kill)
            call()
        other.dispose()
        assert store.get_metadata(run.id) == {"a": 1}


def test_a_write_whose_answer_was_lost_is_repeated_without_harm(postgres_url: str) -> None:
    """The server commits and the connection breaks before the answer: the call succeeds, and what it did is there once."""
    with PostgresMetadataStore(url=postgres_url) as store:
        run = started(store, ["a"])
        database = store._database
        lost: list[str] = []

        engine = database.open_for(True)

        @event.listens_for(engine, "commit")
        def lose_the_answer(connection: Any) -> None:
            if not lost:
                lost.append("lost")
                connection.connection.driver_connection.commit()
                connection.connection.driver_connection.close()

        created = Run(new_id(), "again", "p", "s")
        assert store.create_run(created, ["a"]).id == created.id
        assert lost and len(store.search_runs(name_contains="again").items) == 1
        for call in (
            lambda: store.transition_run(created.id, State.RUNNING),
            lambda: store.put_metadata(created.id, {"a": 1}),
            lambda: store.request_cancel(created.id),
            lambda: store.end_step(run.id, "a", 1, State.FAILED),
            lambda: store.transition_run(created.id, State.CANCELLED),
            lambda: store.delete_run(created.id),
        ):
            lost.clear()
            call()
            assert lost
        assert [one.id for one in store.iter_runs()] == [run.id]


def test_errors_of_a_server_have_the_kind_that_their_code_says() -> None:
    class Failed(Exception):
        sqlstate = ""

    backend = Backend("postgresql+psycopg://user@127.0.0.1/db", "store")

    def kind(code: str) -> type[DovetailError]:
        error = Failed("message")
        error.sqlstate = code
        return type(backend.translated(error))

    assert kind("28P01") is AuthenticationFailed and kind("3D000") is ConfigError and kind("40001") is Unavailable
    for code in ("57P05", "25P03"):  # the server ended a connection that was idle: PostgreSQL 14 and later
        error = Failed("message")
        error.sqlstate = code
        assert backend.translated(error).retryable


def test_a_deletion_that_another_did_names_no_artifact_that_is_kept(postgres_url: str) -> None:
    """The connection breaks before the commit; meanwhile another links to the artifact, and deletes the run: its bytes are in use."""
    with PostgresMetadataStore(url=postgres_url) as store, PostgresMetadataStore(url=postgres_url) as other:
        run, reader = started(store, ["a"]), started(store, ["b"])
        artifact = executed(store, run, "a")
        store.transition_run(run.id, State.SUCCEEDED)
        broken: list[str] = []

        @event.listens_for(store._database.open_for(True), "commit")
        def break_it(connection: Any) -> None:
            if not broken:
                broken.append("broken")
                connection.connection.driver_connection.close()
                executed(other, reader, "b", reads={"x": artifact})
                other.delete_run(run.id)

        assert store.delete_run(run.id) == ()
        assert other.get_artifact(artifact.id).id == artifact.id
