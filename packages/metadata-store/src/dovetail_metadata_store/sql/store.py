"""The metadata store on a SQL database, whichever it is."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from dovetail_core import Failure
from dovetail_metadata_store import sql
from dovetail_metadata_store.capabilities import MetadataStoreCapability
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.lineage import RecordedEdge
from dovetail_metadata_store.primitives import Found
from dovetail_metadata_store.queries import ArtifactQuery, Position, RunQuery
from dovetail_metadata_store.records import Artifact, Attempt, Owner, Run, State, StepCommit, StepRun

if TYPE_CHECKING:
    from dovetail_metadata_store.sql.backend import Backend
    from dovetail_metadata_store.sql.database import Database


class SqlMetadataStore(MetadataStore):
    """A metadata store in a SQL database. A flavor gives its `Config`, and the `Backend` that it describes.

    Importing this imports no SQLAlchemy: that is loaded with the first call.
    """

    capabilities: frozenset[Any] = frozenset(MetadataStoreCapability)

    @abstractmethod
    def backend(self) -> Backend:
        """Return the database that the config describes; nothing is connected."""

    def setup(self) -> None:
        """Prepare for the first call."""
        self._connected: Database | None = None
        self._connecting = threading.Lock()

    @property
    def _database(self) -> Database:
        if self._connected is None:
            with self._connecting:
                self._connected = self._connected or sql.database.Database(self.backend())
        return self._connected

    @property
    def statements_sent(self) -> int:
        """Number of statements that this component has sent; a batch is one."""
        return self._database.statements

    def check(self) -> None:
        """Verify that the database can be reached and read, and that its schema is this version's."""
        self._database.backend.check_place()
        self._database.read(self._database.backend.check)

    def close(self) -> None:
        """Close all connections; the next call connects again."""
        if self._connected is not None:
            self._connected.close()

    def _create_run(self, run: Run, steps: tuple[str, ...], plan: Mapping[str, Any]) -> Run:
        return sql.runs.create_run(self._database, run, steps, plan)

    def _get_plan(self, run_id: str) -> dict[str, Any]:
        return sql.runs.get_plan(self._database, run_id)

    def _get_run(self, run_id: str) -> Run:
        return sql.runs.get_run(self._database, run_id)

    def _find_runs(self, text: str, prefix: int, limit: int) -> list[Run]:
        return sql.runs.find_runs(self._database, text, prefix, limit)

    def _transition_run(
        self, run_id: str, state: State, expected: Collection[State] | None, owner: Owner | None, failure: Failure | None
    ) -> Run:
        return sql.runs.transition_run(self._database, run_id, state, expected, owner, failure)

    def _heartbeat(self, run_id: str) -> bool:
        return sql.runs.heartbeat(self._database, run_id)

    def _request_cancel(self, run_id: str) -> Run:
        return sql.runs.request_cancel(self._database, run_id)

    def _silent_runs(self, seconds: float) -> Sequence[Run]:
        return sql.runs.silent_runs(self._database, seconds)

    def _delete_run(self, run_id: str) -> Sequence[Artifact]:
        return sql.runs.delete_run(self._database, run_id)

    def _begin_step(self, run_id: str, step: str, attempt: int) -> None:
        sql.steps.begin_step(self._database, run_id, step, attempt)

    def _end_step(self, run_id: str, step: str, attempt: int, state: State, failure: Failure | None, final: bool) -> None:
        sql.steps.end_step(self._database, run_id, step, attempt, state, failure, final)

    def _commit_steps(self, commits: Sequence[StepCommit]) -> None:
        sql.commits.commit_steps(self._database, commits)

    def _get_steps(self, run_id: str, name: str | None) -> Sequence[StepRun]:
        return sql.steps.get_steps(self._database, run_id, name)

    def _get_attempts(self, run_id: str, step: str) -> Sequence[Attempt]:
        return sql.steps.get_attempts(self._database, run_id, step)

    def _find_cached(self, keys: Sequence[str]) -> Mapping[str, StepRun]:
        return sql.cache.find_cached(self._database, keys)

    def _put_metadata(self, run_id: str, entries: Mapping[str, Any], step: str | None) -> None:
        sql.entries.put_metadata(self._database, run_id, entries, step)

    def _get_metadata(self, run_id: str, step: str | None) -> dict[str, Any]:
        return sql.entries.get_metadata(self._database, run_id, step)

    def _get_artifacts(self, ids: Sequence[str]) -> list[Artifact]:
        return sql.graph.get_artifacts(self._database, ids)

    def _edges(self, artifacts: Sequence[str], direction: Literal["up", "down"]) -> list[RecordedEdge]:
        return sql.graph.edges(self._database, artifacts, direction)

    def _search_runs(self, query: RunQuery, after: Position | None, limit: int) -> Found[Run]:
        return sql.search.search_runs(self._database, query, after, limit)

    def _search_artifacts(self, query: ArtifactQuery, after: Position | None, limit: int) -> Found[Artifact]:
        return sql.search.search_artifacts(self._database, query, after, limit)

    def _schema_version(self) -> str | None:
        return self._database.read(sql.schema_version.current)

    def _downgrade(self, version: str) -> None:
        schema = self._database.backend.schema
        self._database.write(lambda connection: sql.schema_version.migrate(connection, schema, version))
        self.close()
