"""The flavor."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from dovetail_core import ComponentConfig, DovetailError, InvalidArgument, NotFound, Reach, Unavailable
from dovetail_core.forks import Turn
from dovetail_experiment_tracker import ArtifactInfo, ExperimentTracker, MetricPoint, NewRun, RunRecord, RunStatus, history
from dovetail_experiment_tracker import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.delivery import param_conflict
from dovetail_experiment_tracker.params import encode
from dovetail_experiment_tracker.primitives import Found
from dovetail_experiment_tracker.queries import RunQuery
from dovetail_experiment_tracker_mlflow import keys
from dovetail_experiment_tracker_mlflow._client import Client
from dovetail_experiment_tracker_mlflow.activation import native
from dovetail_experiment_tracker_mlflow.config import MlflowConfig
from dovetail_experiment_tracker_mlflow.experiments import Experiments
from dovetail_experiment_tracker_mlflow.files import Files, files_of
from dovetail_experiment_tracker_mlflow.points import Apart, as_metric, as_point, milliseconds
from dovetail_experiment_tracker_mlflow.records import KEY, PARENT, USER, as_record, is_deleted
from dovetail_experiment_tracker_mlflow.search import search

_PAGE = 20_000
_REMEMBERED = 1000


class MlflowExperimentTracker(ExperimentTracker):
    """Runs in MLflow, on a tracking server or in a database file; MLflow's own UI shows them.

    While a run is active, MLflow's own active run is the same one, so that code which calls `mlflow.log_metric` lands in it. Times are
    kept to the millisecond. Files of runs are where MLflow
    keeps them, also in a stack. MLflow is imported at the first use, not with this module.
    """

    flavor = "mlflow"
    capabilities: frozenset[Any] = frozenset(Capability) - {Capability.ARTIFACT_STORE}
    points_per_call = 1000
    params_per_call = 100
    tags_per_call = 100
    Config: ClassVar[type[MlflowConfig]] = MlflowConfig
    config: MlflowConfig

    def setup(self) -> None:
        """Prepare what needs no connection."""
        super().setup()
        self._client = Client(self.config, self.attempts)
        self._experiments_known = Experiments(self._client, self.config.artifact_location)
        self._apart = Apart()
        self._doubtful: set[str] = set()
        """Keys of runs whose creation, and ids of runs whose deletion, may have been done already."""
        self._last_read: dict[str, Any] = {}
        """Runs of MLflow's that were made or read last, by their ids."""
        self._turn = Turn()

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """A server is reached over the network, a file by this machine."""
        return Reach.NETWORK if isinstance(config, MlflowConfig) and config.is_server else Reach.MACHINE

    def check(self) -> None:
        """Verify that the server answers, or that the file can be opened."""
        self.repeated(lambda: self._client.call("MLflow", lambda store: store.search_experiments(max_results=1)))

    def close(self) -> None:
        """Store what waits, and forget the store."""
        try:
            super().close()
        finally:
            self._client.close()

    # Runs

    def _create_run(self, run: NewRun) -> RunRecord:
        if run.parent is not None:
            self._get_run(run.parent)
        experiment = self._experiments_known.id_of(run.experiment)
        try:
            return self._created_in(experiment, run)
        except (InvalidArgument, NotFound):
            self._experiments_known.forget(run.experiment)
            now = self._experiments_known.id_of(run.experiment)
            if now == experiment:
                raise
            return self._created_in(now, run)  # somebody else deleted the one that was known

    def _created_in(self, experiment: str, run: NewRun) -> RunRecord:
        if run.key in self._doubtful and (found := self._made_before(experiment, run)) is not None:
            return found
        self._doubtful.add(run.key)
        made = self._client.call("a new run", lambda store: _made(store, experiment, run))
        self._doubtful.discard(run.key)
        self._read(made)
        return as_record(made, run.experiment)

    def _made_before(self, experiment: str, run: NewRun) -> RunRecord | None:
        from mlflow.entities import ViewType

        def look(store: Any) -> Any:
            return store.search_runs([experiment], f"tags.`{KEY}` = '{run.key}'", ViewType.ACTIVE_ONLY, 1, [])

        found = self._client.call("a search for a run", look)
        return as_record(found[0], run.experiment) if found else None

    def _end_run(self, run_id: str, status: RunStatus, ended: datetime) -> None:
        from mlflow.entities import RunStatus as Statuses

        number = Statuses.from_string(status.value.upper())
        self._change(run_id, lambda store: store.update_run_info(run_id, number, milliseconds(ended), None))

    def _resume_run(self, run_id: str) -> None:
        from mlflow.entities import RunStatus as Statuses

        self._change(run_id, lambda store: store.update_run_info(run_id, Statuses.RUNNING, None, None))

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        metrics = [as_metric(point) for point in self._apart.batch(run_id, points, batch)]
        self._change(run_id, lambda store: store.log_batch(run_id, metrics, [], []))
        self._apart.sent(batch)

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        try:
            self._change(run_id, lambda store: store.log_batch(run_id, [], [Param(key, text) for key, text in params.items()], []))
        except InvalidArgument:
            stored = {key: encode(value, key) for key, value in self._get_run(run_id).params.items()}
            for key, text in params.items():
                if stored.get(key, text) != text:
                    raise param_conflict(run_id, key) from None
            raise

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        made = [RunTag(key, value) for key, value in tags.items()]
        self._change(run_id, lambda store: store.log_batch(run_id, [], [], made))

    def _get_run(self, run_id: str) -> RunRecord:
        run = self._run(run_id)
        return as_record(run, self._experiments_known.name_of(run.info.experiment_id))

    def _run(self, run_id: str) -> Any:
        if not keys.is_run_id(run_id):
            raise NotFound(f"{self.label} has no run {run_id[:64]!r}", remedy="search_runs shows the runs")
        run = self._client.call(f"run {run_id}", lambda store: store.get_run(run_id))
        if is_deleted(run):
            raise NotFound(f"run {run_id} was deleted", remedy="search_runs shows the runs")
        self._read(run)
        return run

    def _read(self, run: Any) -> None:
        with self._turn.lock:
            self._last_read.pop(run.info.run_id, None)
            self._last_read[run.info.run_id] = run
            if len(self._last_read) > _REMEMBERED:
                self._last_read.pop(next(iter(self._last_read)))

    def _change(self, run_id: str, call: Any) -> None:
        """Change a run; what MLflow says of one that is deleted, or never was, is `NotFound`."""
        if not keys.is_run_id(run_id):
            raise NotFound(f"{self.label} has no run {run_id[:64]!r}", remedy="search_runs shows the runs")
        try:
            self._client.call(f"run {run_id}", call)
        except InvalidArgument:
            self._run(run_id)
            raise

    def _metric_history(self, run_id: str, key: str) -> Iterable[MetricPoint]:
        self._run(run_id)
        return history.in_order(self._points(run_id, key))

    def _points(self, run_id: str, key: str) -> Iterator[MetricPoint]:
        token: str | None = None
        while True:
            page = self._client.call(f"metric '{key}' of run {run_id}", partial(_points_of, run_id, key, token))
            yield from map(as_point, page)
            token = page.token
            if not token:
                return

    def _delete_run(self, run_id: str) -> None:
        try:
            self._run(run_id)
        except NotFound:
            if run_id in self._doubtful:
                self._doubtful.discard(run_id)
                return
            raise
        self._doubtful.add(run_id)
        self._client.call(f"run {run_id}", lambda store: store.delete_run(run_id))
        self._doubtful.discard(run_id)

    def _delete_experiment(self, name: str) -> None:
        self._experiments_known.delete(name)

    # Searching

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        known = self._experiments_known.active()
        wanted = {number: name for number, name in known.items() if query.experiments is None or name in query.experiments}
        return search(self._client, wanted, query, after, limit)

    def _experiments(self) -> Iterable[str]:
        return self._experiments_known.active().values()

    # Files

    def _upload(self, run_id: str, source: Path, path: str) -> None:
        self._files(run_id).upload(source, path)

    def _list_artifacts(self, run_id: str, prefix: str) -> Iterable[ArtifactInfo]:
        return list(self._files(run_id).list(prefix))

    def _download(self, run_id: str, path: str, target: Path) -> None:
        self._files(run_id).download(path, target)

    def _files(self, run_id: str) -> Files:
        return files_of(self._client, self._run(run_id).info.artifact_uri, self.config.tracking_uri)

    # What MLflow has besides

    def _unfit_key(self, key: str) -> str:
        return keys.unfit(key)

    def _run_url(self, record: RunRecord) -> str | None:
        if not self.config.is_server:
            return None
        try:
            number = self._experiments_known.id_of(record.experiment, create=False)
        except (NotFound, Unavailable):
            return None
        # a server that has workspaces, as they have by default, shows nothing without one; others do not look at it
        return f"{self.config.tracking_uri}/#/experiments/{number}/runs/{record.id}?workspace={self.config.workspace or 'default'}"

    def _activate(self, run_id: str, autolog: bool) -> AbstractContextManager[None]:
        return native(self.config, self._run_to_activate(run_id), autolog or self.config.autolog)

    def _run_to_activate(self, run_id: str) -> Any:
        """Return a run of MLflow's; as it was when it was last read, where an outage may fail nobody."""
        if self.config.on_outage == "raise":
            return self.repeated(lambda: self._run(run_id))
        try:
            return self._run(run_id)
        except DovetailError as error:
            if not error.retryable or run_id not in self._last_read:
                raise
            return self._last_read[run_id]

    def log_model(
        self, run_id: str, model: Any, name: str, *, input_example: Any = None, registered_model_name: str | None = None, **options: Any
    ) -> str:
        """Store a model with MLflow's flavor for its library, with a signature made of `input_example`, and return the model's URI.

        `registered_model_name` also makes it a version of a registered model. `options` are those of MLflow's `log_model` of that flavor.
        Raises `InvalidArgument` for a model of a library that MLflow has no flavor for.
        """
        from dovetail_experiment_tracker_mlflow.models import log_model

        with native(self.config, self.repeated(lambda: self._run(run_id)), False):
            return log_model(model, name, input_example, registered_model_name, options)


def _made(store: Any, experiment: str, run: NewRun) -> Any:
    from mlflow.entities import RunTag

    tags = {USER: _user(), KEY: run.key, **({PARENT: run.parent} if run.parent else {}), **run.tags}
    return store.create_run(experiment, _user(), milliseconds(run.started), [RunTag(key, value) for key, value in tags.items()], run.name)


def _points_of(run_id: str, key: str, token: str | None, store: Any) -> Any:
    return store.get_metric_history(run_id, key, _PAGE, token)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "unknown"
