"""An experiment tracker in memory: the contract in code, and what tests of other software use."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from dovetail_core import ComponentConfig, NotFound, Reach
from dovetail_experiment_tracker import history, matching, params
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.config import BufferedTrackerConfig
from dovetail_experiment_tracker.delivery import param_conflict
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.primitives import Found
from dovetail_experiment_tracker.queries import RunQuery
from dovetail_experiment_tracker.records import ArtifactInfo, MetricPoint, NewRun, RunRecord, RunStatus


@dataclass
class Stored:
    """A run with all that belongs to it."""

    record: RunRecord
    params: dict[str, str] = field(default_factory=dict)
    points: dict[str, list[MetricPoint]] = field(default_factory=dict)
    batches: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Space:
    """What trackers of one name share."""

    runs: dict[str, Stored] = field(default_factory=dict)
    experiments: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)


class InMemoryExperimentTracker(ExperimentTracker):
    """Runs in the memory of this process. Trackers that are configured with one `space` share them, and they end with the process."""

    flavor = "memory"
    capabilities: frozenset[Any] = frozenset(
        {Capability.NESTED, Capability.RESUME, Capability.SEARCH, Capability.ARTIFACTS, Capability.ASYNC}
    )
    points_per_call = 7
    params_per_call = 5
    tags_per_call = 3
    spaces: ClassVar[dict[str, Space]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()

    class Config(BufferedTrackerConfig):
        """Settings of the experiment tracker in memory."""

        space: str = Field(default="default", description="Name of what trackers share; another name, other runs.")

    config: Config

    @classmethod
    def reach(cls, config: ComponentConfig) -> Reach:
        """Only this machine, and of it only this process."""
        return Reach.MACHINE

    @property
    def _space(self) -> Space:
        with self._guard:
            return self.spaces.setdefault(self.config.space, Space())

    def _stored(self, run_id: str) -> Stored:
        try:
            return self._space.runs[run_id]
        except KeyError as error:
            raise NotFound(f"there is no run {run_id}", remedy="search_runs shows the runs") from error

    def _create_run(self, run: NewRun) -> RunRecord:
        space = self._space
        with space.lock:
            if run.parent is not None:
                self._stored(run.parent)
            space.experiments.add(run.experiment)
            made = RunRecord(run.key, run.experiment, run.name, RunStatus.RUNNING, run.started, None, run.parent, dict(run.tags))
            return self._whole(space.runs.setdefault(run.key, Stored(made)))

    def _end_run(self, run_id: str, status: RunStatus, ended: datetime) -> None:
        with self._space.lock:
            stored = self._stored(run_id)
            stored.record = replace(stored.record, status=status, ended=ended)

    def _resume_run(self, run_id: str) -> None:
        with self._space.lock:
            stored = self._stored(run_id)
            stored.record = replace(stored.record, status=RunStatus.RUNNING, ended=None)

    def _log_metrics(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        with self._space.lock:
            stored = self._stored(run_id)
            if batch not in stored.batches:
                stored.batches.add(batch)
                for point in points:
                    stored.points.setdefault(point.key, []).append(point)

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        with self._space.lock:
            stored = self._stored(run_id)
            for key, text in params.items():
                if stored.params.get(key, text) != text:
                    raise param_conflict(run_id, key)
            stored.params.update(params)

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        with self._space.lock:
            stored = self._stored(run_id)
            stored.record = replace(stored.record, tags={**stored.record.tags, **tags})

    def _get_run(self, run_id: str) -> RunRecord:
        with self._space.lock:
            return self._whole(self._stored(run_id))

    def _whole(self, stored: Stored) -> RunRecord:
        """Return a run that its receiver may change."""
        values = {key: params.decode(text) for key, text in stored.params.items()}
        latest = {key: history.latest(points) for key, points in stored.points.items()}
        return replace(stored.record, tags=dict(stored.record.tags), params=values, latest=latest)

    def _metric_history(self, run_id: str, key: str) -> Iterable[MetricPoint]:
        with self._space.lock:
            return history.in_order(self._stored(run_id).points.get(key, ()))

    def _delete_run(self, run_id: str) -> None:
        self._stored(run_id)
        self._space.runs.pop(run_id, None)

    def _delete_experiment(self, name: str) -> None:
        space = self._space
        with space.lock:
            if name not in space.experiments:
                raise NotFound(f"there is no experiment {name!r}", remedy="experiments() shows them")
            space.experiments.remove(name)
            for run_id in [run_id for run_id, stored in space.runs.items() if stored.record.experiment == name]:
                del space.runs[run_id]

    def _search_runs(self, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
        with self._space.lock:
            runs = [self._whole(stored) for stored in self._space.runs.values()]
        found = [run for run in runs if query.experiments is None or run.experiment in query.experiments]
        places = {run.id: matching.sort_key(run, query.field, query.descending) for run in found}
        beyond = [
            run
            for run in sorted(found, key=lambda run: places[run.id])
            if matching.matches(run, query.conditions) and (after is None or places[run.id] > tuple(json.loads(after)))
        ]
        return Found(beyond[:limit], json.dumps(places[beyond[limit - 1].id]) if len(beyond) > limit else None)

    def _experiments(self) -> Iterable[str]:
        with self._space.lock:
            return list(self._space.experiments)

    def _upload(self, run_id: str, source: Path, path: str) -> None:
        self._stored(run_id).files[path] = source.read_bytes()

    def _list_artifacts(self, run_id: str, prefix: str) -> Iterator[ArtifactInfo]:
        for path, data in list(self._stored(run_id).files.items()):
            if not prefix or path == prefix or path.startswith(f"{prefix}/"):
                yield ArtifactInfo(path, len(data))

    def _download(self, run_id: str, path: str, target: Path) -> None:
        target.write_bytes(self._stored(run_id).files[path])


def forget(space: str) -> None:
    """Delete everything that trackers of a space hold."""
    InMemoryExperimentTracker.spaces.pop(space, None)
