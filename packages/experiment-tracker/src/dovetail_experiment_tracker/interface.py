"""The contract of experiment trackers."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit, urlunsplit

from dovetail_core import Component, InvalidArgument, needs, new_id, require, retrying, utcnow
from dovetail_experiment_tracker import active, arguments, artifacts, open_runs
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.config import BufferedTrackerConfig, ExperimentTrackerConfig
from dovetail_experiment_tracker.delivery import Delivery
from dovetail_experiment_tracker.primitives import Primitives
from dovetail_experiment_tracker.queries import RunQuery, position_of, token_of
from dovetail_experiment_tracker.records import ArtifactInfo, MetricPoint, NewRun, Page, RunRecord, RunStatus
from dovetail_experiment_tracker.run import Run

R = TypeVar("R")
_BATCH = 500


class ExperimentTracker(Component, Primitives):
    """The record of experiments: runs with parameters, metrics, tags and files.

    A run is logged to through the `Run` that `start_run` gives. Ids of runs are the backend's. What is not there, also what was deleted,
    is `NotFound`; what cannot be stored is refused with `InvalidArgument` before anything is done. No environment variable
    redirects a tracker: what counts is its config.

    An author subclasses this, with a `Config` derived from `ExperimentTrackerConfig` (`BufferedTrackerConfig` where ASYNC is declared), and
    implements the abstract methods of `Primitives`, which get checked arguments. The base class repeats calls whose error is `retryable`.
    """

    type = "experiment_tracker"
    Config: ClassVar[builtins.type[ExperimentTrackerConfig]] = ExperimentTrackerConfig
    """The flavor's settings: a subclass of `ExperimentTrackerConfig`."""
    config: ExperimentTrackerConfig

    attempts: int = 5
    """How often a primitive is called, at most, while its error says `retryable`."""

    run_class: ClassVar[builtins.type[Run]] = Run
    """What `start_run` and `attach` give; a subclass may offer more of what the backend can."""

    artifact_store: artifacts.ArtifactStore | None = None
    """Where the files of runs go, if not to the backend's own place; see `use_artifact_store`."""

    def setup(self) -> None:
        """Prepare attributes that are derived from the config; an author who overrides this calls it."""
        self._delivery = Delivery(self)
        self._good_keys: set[str] = set()

    # Runs

    def start_run(
        self,
        name: str | None = None,
        *,
        experiment: str | None = None,
        tags: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        parent: Run | str | None = None,
        resume: Run | str | None = None,
        buffered: bool | None = None,
        autolog: bool = False,
    ) -> Run:
        """Create a run, with an experiment that is made if need be, and return it; it is running until it is ended.

        `parent` (NESTED) is a run that this one belongs to. `resume` (RESUME) goes on with a run, under its id, instead of creating one;
        `name`, `experiment` and `parent` cannot be given then. `buffered` True (ASYNC) sends metric points in the background, False returns
        from logging when they are stored, None is as configured. `autolog` (AUTOLOG) records what libraries do while the run is active.
        A run that nobody ends is ended with the process: `failed` if an exception ended that, `killed` if nobody can tell.
        """
        for wanted, capability in (
            (parent, Capability.NESTED),
            (resume, Capability.RESUME),
            (buffered, Capability.ASYNC),
            (autolog, Capability.AUTOLOG),
        ):
            if wanted:
                require(self, capability)
        checked_tags, checked_params = self._checked_tags(tags or {}), self._checked_params(params or {})
        if resume is not None:
            if name is not None or experiment is not None or parent is not None:
                raise InvalidArgument(
                    "a run that is resumed keeps its name, experiment and parent", remedy="do not give them", field="resume"
                )
            record = self._resumed(_id(resume), checked_tags)
        else:
            record = self._created(name, experiment, checked_tags, parent)
        run = self.run_class(self, record, owned=True, buffered=self._is_buffered(buffered), autolog=autolog)
        open_runs.add(run)
        if checked_params:
            self._send_params(run.id, checked_params)
        return run

    def _created(self, name: str | None, experiment: str | None, tags: Mapping[str, str], parent: Run | str | None) -> RunRecord:
        key = new_id()
        new = NewRun(
            key,
            arguments.text(self.config.experiment if experiment is None else experiment, "experiment"),
            arguments.text(f"run-{key[-8:]}" if name is None else name, "name"),
            utcnow(),
            None if parent is None else arguments.text(_id(parent), "parent"),
            tags,
        )
        return self.repeated(lambda: self._create_run(new))

    def _resumed(self, run_id: str, tags: Mapping[str, str]) -> RunRecord:
        arguments.text(run_id, "resume")
        self.repeated(lambda: self._resume_run(run_id))
        if tags:
            self._send_tags(run_id, tags)
        return self.get_run(run_id)

    def attach(self, run_id: str, *, buffered: bool | None = None) -> Run:
        """Return a run that somebody else began, to log to it, also from another process or machine; leaving its block does not end it."""
        if buffered:
            require(self, Capability.ASYNC)
        return self.run_class(self, self.get_run(run_id), owned=False, buffered=self._is_buffered(buffered), autolog=False)

    @property
    def active_run(self) -> Run | None:
        """The innermost run of this tracker that this task is in the block of."""
        return active.active_run(self)

    def get_run(self, run_id: str) -> RunRecord:
        """Return a run as it is stored. What waits to be sent is not in it: `flush` first."""
        arguments.text(run_id, "run_id")
        return self.repeated(lambda: self._get_run(run_id))

    def delete_run(self, run_id: str) -> None:
        """Delete a run with its metrics and files. Its children stay."""
        arguments.text(run_id, "run_id")
        self.repeated(lambda: self._delete_run(run_id))

    def delete_experiment(self, name: str) -> None:
        """Delete an experiment with its runs; the name is free again, for a new, empty experiment."""
        arguments.text(name, "name")
        self.repeated(lambda: self._delete_experiment(name))

    def metric_history(self, run_id: str, key: str) -> Iterator[MetricPoint]:
        """Return an iterator over all points of a metric, by step, then time; none if the run has no such metric."""
        arguments.text(run_id, "run_id")
        self.checked_key(key, "key")
        points = iter(self.repeated(lambda: self._metric_history(run_id, key)))
        return _begun(points)

    def run_url(self, run: RunRecord) -> str | None:
        """Return where people look at a run, without credentials; None if there is no such place."""
        url = self._run_url(run)
        return None if url is None else _without_credentials(url)

    # Searching

    @needs(Capability.SEARCH)
    def search_runs(
        self,
        filter: str = "",
        *,
        experiments: Collection[str] | None = None,
        order_by: str = "-started",
        limit: int = 50,
        token: str | None = None,
    ) -> Page[RunRecord]:
        """Return a page of runs, latest start first.

        `filter` is in the language of `dovetail_experiment_tracker.filters`. `order_by` is `started`, `ended` or `metrics.KEY`, with a minus
        sign descending; runs without it are last. `token` is that of the page before; one of another search, or a damaged one, is refused.
        """
        query = RunQuery.checked(filter, experiments, order_by)
        after, size = position_of(query, token), arguments.count(limit, "limit")
        found = self.repeated(lambda: self._search_runs(query, after, size))
        return Page(tuple(found.items), None if found.after is None else token_of(query, found.after))

    @needs(Capability.SEARCH)
    def iter_runs(
        self, filter: str = "", *, experiments: Collection[str] | None = None, order_by: str = "-started", limit: int | None = None
    ) -> Iterator[RunRecord]:
        """Return an iterator over runs, all or `limit` at most, read page by page; see `search_runs`."""
        left = None if limit is None else arguments.count(limit, "limit")
        first = self.search_runs(filter, experiments=experiments, order_by=order_by, limit=min(left or _BATCH, _BATCH))
        return self._following(first, left, filter, experiments, order_by)

    def _following(
        self, page: Page[RunRecord], left: int | None, filter: str, experiments: Collection[str] | None, order_by: str
    ) -> Iterator[RunRecord]:
        while True:
            yield from page.items
            left = None if left is None else left - len(page.items)
            if page.token is None or left == 0:
                return
            size = _BATCH if left is None else min(left, _BATCH)
            page = self.search_runs(filter, experiments=experiments, order_by=order_by, limit=size, token=page.token)

    @needs(Capability.SEARCH)
    def experiments(self) -> list[str]:
        """Return the names of all experiments, sorted."""
        return sorted(self.repeated(lambda: list(self._experiments())))

    # Files

    @needs(Capability.ARTIFACT_STORE)
    def use_artifact_store(self, store: artifacts.ArtifactStore | None, prefix: str = "experiments") -> None:
        """Keep the files of runs that start from now on in an artifact store, below `prefix`, and not in the tracker's own place; a stack gives its own.

        `store` is any object with the methods of `artifacts.ArtifactStore`. None goes back to the tracker's own place.
        """
        self.artifact_prefix: str = arguments.path(prefix, "prefix")
        self.artifact_store = store

    @needs(Capability.ARTIFACTS)
    def log_artifact(self, run_id: str, source: str | Path, path: str | None = None) -> None:
        """Store a file, or a directory with all that is in it, as `path` among a run's files; see `Run.log_artifact`."""
        files = artifacts.files_of(Path(source), path)
        arguments.text(run_id, "run_id")
        for file, name in files:
            self._delivery.now(run_id, f"file {name}", partial(self._upload, run_id, file, name))

    @needs(Capability.ARTIFACTS)
    def list_artifacts(self, run_id: str, prefix: str = "") -> list[ArtifactInfo]:
        """Return the files of a run, at any depth, whose path is `prefix` or below it; sorted by path."""
        arguments.text(run_id, "run_id")
        below = arguments.path(prefix, "prefix", empty=True)
        return sorted(self.repeated(lambda: list(self._list_artifacts(run_id, below))), key=lambda info: info.path)

    @needs(Capability.ARTIFACTS)
    def download_artifact(self, run_id: str, path: str, target: str | Path) -> Path:
        """Write a file of a run to `target`, or, if `path` is a directory, its files below `target`; return `target`."""
        found = self.list_artifacts(run_id, arguments.path(path, "path"))
        return artifacts.download(found, path, Path(target), lambda name, goal: self.repeated(lambda: self._download(run_id, name, goal)))

    # What `Run` calls

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Record parameters of a run; see `Run.log_params`."""
        self._send_params(arguments.text(run_id, "run_id"), self._checked_params(params))

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run; see `Run.set_tags`."""
        self._send_tags(arguments.text(run_id, "run_id"), self._checked_tags(tags))

    def send_points(self, run_id: str, points: Sequence[MetricPoint], buffered: bool) -> None:
        """Record checked points, or put them on their way."""
        self._delivery.points(run_id, points, buffered)

    def flush(self, run_id: str | None = None, timeout: float | None = None) -> None:
        """Return when all that was logged, to a run or to any, is stored.

        Raises what points met that were lost since it was last said, with their count as `lost` in the details; and `Timeout`, with the
        count as `waiting`, if after `timeout` seconds points still wait.
        """
        self._delivery.flush(run_id, timeout)

    def finish_run(self, run: Run, status: RunStatus) -> None:
        """Store what waits of a run, and record that it ended; see `Run.end`."""
        open_runs.discard(run)
        self._delivery.finish(run.id, status)

    def close(self) -> None:
        """Store what waits, and release threads and connections; raises what was lost. The tracker may be used again."""
        self._delivery.close()

    def checked_key(self, key: str, what: str) -> None:
        """Raise `InvalidArgument` unless a metric, parameter or tag can have this key."""
        if key in self._good_keys:
            return
        arguments.key(key, what)
        if problem := self._unfit_key(key):
            raise InvalidArgument(f"{what}: {self.label} cannot store the key {key!r}: {problem}", remedy="choose another key", field=what)
        if len(self._good_keys) < 10_000:
            self._good_keys.add(key)

    def repeated(self, call: Callable[[], R]) -> R:
        """Return what a call returns, called again while its error says `retryable`."""
        return retrying(call, attempts=self.attempts, within=self.patience)

    @property
    def patience(self) -> float:
        """Seconds for which a call tries to reach a backend that is away."""
        return self.config.outage_seconds if isinstance(self.config, BufferedTrackerConfig) else 60.0

    def _is_buffered(self, wanted: bool | None) -> bool:
        if Capability.ASYNC not in self.capabilities:
            return False
        return wanted if wanted is not None else not isinstance(self.config, BufferedTrackerConfig) or self.config.buffered

    def _checked_params(self, params: Mapping[str, Any]) -> dict[str, str]:
        encoded = arguments.encoded_params(params)
        for key in encoded:
            self.checked_key(key, "params")
        return encoded

    def _checked_tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        checked = arguments.tags(tags)
        for key in checked:
            self.checked_key(key, "tags")
        return checked

    def _send_params(self, run_id: str, params: Mapping[str, str]) -> None:
        self._delivery.params(run_id, params)

    def _send_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        self._delivery.tags(run_id, tags)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.artifact_store is None:
            return super().__reduce__()
        rebuild, arguments_ = super().__reduce__()
        return _with_store, (rebuild, arguments_, self.artifact_store, self.artifact_prefix)


def _with_store(
    rebuild: Callable[..., ExperimentTracker], given: tuple[Any, ...], store: artifacts.ArtifactStore, prefix: str
) -> ExperimentTracker:
    tracker = rebuild(*given)
    tracker.use_artifact_store(store, prefix)
    return tracker


def _id(run: Run | str) -> str:
    return run.id if isinstance(run, Run) else run


def _begun(points: Iterator[MetricPoint]) -> Iterator[MetricPoint]:
    """Return an iterator whose first item is fetched already, so that a run that is not there is told where it was asked for."""
    try:
        first = next(points)
    except StopIteration:
        return iter(())
    return _followed(first, points)


def _followed(first: MetricPoint, points: Iterator[MetricPoint]) -> Iterator[MetricPoint]:
    yield first
    yield from points


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
