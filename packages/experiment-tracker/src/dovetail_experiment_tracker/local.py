"""The embedded flavor: runs in an SQLite database, files in a directory beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from dovetail_core import ComponentConfig, IntegrityError, NotReady, ProjectPath, Reach
from dovetail_core.directories import demand_writable
from dovetail_core.timestamps import to_microseconds
from dovetail_experiment_tracker.artifacts import StoredArtifacts
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.config import BufferedTrackerConfig
from dovetail_experiment_tracker.embedded import runs
from dovetail_experiment_tracker.embedded.chunks import packed
from dovetail_experiment_tracker.embedded.database import Database
from dovetail_experiment_tracker.embedded.files import Directory
from dovetail_experiment_tracker.embedded.history import history
from dovetail_experiment_tracker.embedded.search import search
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.primitives import Found
from dovetail_experiment_tracker.queries import RunQuery
from dovetail_experiment_tracker.records import ArtifactInfo, MetricPoint, NewRun, RunRecord, RunStatus


class LocalConfig(BufferedTrackerConfig):
    """Settings of the `local` flavor."""

    path: ProjectPath = Field(
        default=Path(".dovetail/experiments"), description="Directory of the database and of the files; made at the first write."
    )
    synchronous: Literal["normal", "full"] = Field(
        default="normal",
        description="`full` waits for the disk at every commit; with `normal` a power failure, not a crash, may undo the latest commits.",
    )


class LocalExperimentTracker(ExperimentTracker):
    """Experiments in a directory of this machine, for any number of threads and processes.

    What was logged before `flush`, the end of the run, or `close` returned survives a crash of the process. The directory must be on a
    local disk: SQLite's locks do not hold on network file systems.
    """

    flavor = "local"
    capabilities: frozenset[Any] = frozenset(
        {Capability.NESTED, Capability.RESUME, Capability.SEARCH, Capability.ARTIFACTS, Capability.ARTIFACT_STORE, Capability.ASYNC}
    )
    points_per_call = 10_000
    params_per_call = tags_per_call = 1_000_000
    Config: ClassVar[type[LocalConfig]] = LocalConfig
    config: LocalConfig

    def setup(self) -> None:
        """Prepare for opening the database; nothing is opened."""
        super().setup()
        self._opening = threading.Lock()
        self._made: Database | None = None

    @property
    def _database(self) -> Database:
        with self._opening:
            if self._made is None:
                config = self.config
                self._made = Database(config.path / "experiments.db", self.label, config.synchronous, config.outage_seconds)
            return self._made

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Only this machine."""
        return Reach.MACHINE

    def check(self) -> None:
        """Verify that `path` can be written to, or can be made, and that a database that is there is in order."""
        demand_writable(self.config.path, self.label)
        problem = self._database.read(lambda connection: connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        if problem != "ok":
            raise IntegrityError(f"{self.label}: {self._database.file.path} is damaged: {problem}", remedy="restore it from a copy")

    def close(self) -> None:
        """Store what waits, and close the database."""
        try:
            super().close()
        finally:
            self._database.close()

    # Runs

    def _create_run(self, run: NewRun) -> RunRecord:
        place = None if self.artifact_store is None else f"{self.artifact_prefix}/{run.key}"
        return self._database.write(lambda connection: runs.create(connection, run, place))

    def _end_run(self, run_id: str, status: RunStatus, ended: datetime) -> None:
        self._database.write(lambda connection: runs.set_status(connection, run_id, status, to_microseconds(ended)))

    def _resume_run(self, run_id: str) -> None:
        self._database.write(lambda connection: runs.set_status(connection, run_id, RunStatus.RUNNING, None))

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        chunks, latest = packed(points), runs.latest_of(points)  # before the database is locked
        self._database.write(lambda connection: runs.log_chunks(connection, run_id, batch, chunks, latest))

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        self._database.write(lambda connection: runs.log_params(connection, run_id, params))

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        self._database.write(lambda connection: runs.set_tags(connection, run_id, tags))

    def _get_run(self, run_id: str) -> RunRecord:
        return self._database.read(lambda connection: runs.get(connection, run_id))

    def _metric_history(self, run_id: str, key: str) -> Iterable[MetricPoint]:
        return history(self._database, run_id, key)

    def _delete_run(self, run_id: str) -> None:
        self._delete_files([(run_id, self._database.write(lambda connection: runs.delete(connection, run_id)))])

    def _delete_experiment(self, name: str) -> None:
        self._delete_files(self._database.write(lambda connection: runs.delete_experiment(connection, name)))

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        return self._database.read(lambda connection: search(connection, query, after, limit))

    def _experiments(self) -> Iterable[str]:
        return self._database.read(lambda connection: [name for (name,) in connection.execute("SELECT name FROM experiments")])

    # Files

    def _upload(self, run_id: str, source: Path, path: str) -> None:
        self._files(run_id).upload(source, path)

    def _list_artifacts(self, run_id: str, prefix: str) -> Iterator[ArtifactInfo]:
        return self._files(run_id).list(prefix)

    def _download(self, run_id: str, path: str, target: Path) -> None:
        self._files(run_id).download(path, target)

    def _files(self, run_id: str) -> Directory | StoredArtifacts:
        return self._files_at(run_id, self._database.read(lambda connection: runs.place_of_files(connection, run_id)))

    def _files_at(self, run_id: str, place: str | None) -> Directory | StoredArtifacts:
        if place is None:
            return Directory(self.config.path / "files", run_id, self.label)
        if self.artifact_store is None:
            raise NotReady(
                f"{self.label}: the files of run {run_id} are in an artifact store, at {place}",
                remedy="use a stack with that store, or use_artifact_store",
                retryable=False,
            )
        return StoredArtifacts(self.artifact_store, place)

    def _delete_files(self, deleted: Iterable[tuple[str, str | None]]) -> None:
        for run_id, place in deleted:
            if place is None or self.artifact_store is not None:
                self._files_at(run_id, place).delete()
