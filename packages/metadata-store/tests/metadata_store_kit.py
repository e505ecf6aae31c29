"""What the tests of metadata stores share: stores on real databases, and records to put into them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, SecretStr
from sqlalchemy import Connection, text

from dovetail_core import ComponentConfig, new_id
from dovetail_metadata_store import Artifact, Link, MetadataStore, Run, SqliteMetadataStore, SqlMetadataStore, State, StepCommit
from dovetail_metadata_store.sql.backend import Backend


class PostgresBackend(Backend):
    """PostgreSQL: all that it needs beside its URL."""

    def lock_schema(self, connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(7094512)"))


class PostgresConfig(ComponentConfig):
    url: SecretStr = Field(description="URL of the database.")


class PostgresMetadataStore(SqlMetadataStore):
    """The flavor by which the tests show that schema and statements carry to a server."""

    flavor = "postgres-of-the-tests"
    Config = PostgresConfig
    config: PostgresConfig

    def backend(self) -> Backend:
        return PostgresBackend(self.config.url.get_secret_value(), self.label)


FLAVORS: dict[str, type[SqlMetadataStore]] = {"sqlite": SqliteMetadataStore, "postgres": PostgresMetadataStore}


def described(store: SqlMetadataStore) -> str:
    """Return a description from which another process opens the same store."""
    if isinstance(store, SqliteMetadataStore):
        return json.dumps(["sqlite", {"path": str(store.config.path)}])
    assert isinstance(store, PostgresMetadataStore)
    return json.dumps(["postgres", {"url": store.config.url.get_secret_value()}])


def opened(description: str) -> SqlMetadataStore:
    """Return the store of a description."""
    flavor, settings = json.loads(description)
    return FLAVORS[flavor](**settings)


def started(store: MetadataStore, steps: Iterable[str] = ("a",), **values: Any) -> Run:
    """Return a new, running run."""
    identifier = new_id()
    run = Run(**{"id": identifier, "name": f"run-{identifier}", "pipeline": "train", "stack": "default", **values})
    store.create_run(run, tuple(steps), {"version": 1})
    return store.transition_run(run.id, State.RUNNING)


def artifact(run: Run, step: str = "a", output: str = "output", **values: Any) -> Artifact:
    """Return a new artifact of a step."""
    identifier = new_id()
    standard = {
        "id": identifier,
        "run_id": run.id,
        "step": step,
        "output": output,
        "key": f"runs/{run.id}/{step}/1/{output}",
        "uri": f"file:///store/runs/{run.id}/{step}/1/{output}",
        "type": "builtins.int",
        "materializer": "json",
        "format": "json/1",
        "size": 3,
        "digest": f"blake3:{identifier}",
    }
    return Artifact(**{**standard, **values})


def commit(run: Run, step: str = "a", attempt: int = 1, *, reads: Mapping[str, Artifact] | None = None, **values: Any) -> StepCommit:
    """Return the commit of a step with one new output."""
    inputs = tuple(Link(name, one) for name, one in (reads or {}).items())
    standard: dict[str, Any] = {"outputs": (Link("output", artifact(run, step)),), "inputs": inputs}
    return StepCommit(run_id=run.id, step=step, attempt=attempt, **{**standard, **values})


def executed(store: MetadataStore, run: Run, step: str = "a", **values: Any) -> Artifact:
    """Execute a step of a run, and return its output."""
    done = commit(run, step, **values)
    store.begin_step(run.id, step, done.attempt)
    store.commit_step(done)
    return done.outputs[0].artifact


def taken(store: MetadataStore, run: Run, step: str, key: str) -> StepCommit:
    """Take a step's outputs from cache, as the latest commit with `key` has them, and return the commit."""
    hit = store.find_cached([key])[key]
    done = StepCommit(run.id, step, 0, hit.outputs, hit.inputs, hit.cache_key, hit.provenance_key, hit.source_run or hit.run_id)
    store.commit_step(done)
    return done
