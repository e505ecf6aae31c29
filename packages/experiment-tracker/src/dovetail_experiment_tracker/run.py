"""A run in use: what logs, and what ends it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from dovetail_core import Conflict, DovetailError
from dovetail_experiment_tracker import active, arguments
from dovetail_experiment_tracker.endings import status_after
from dovetail_experiment_tracker.records import MetricPoint, RunRecord, RunStatus

if TYPE_CHECKING:
    from dovetail_experiment_tracker.interface import ExperimentTracker

log: logging.Logger = logging.getLogger("dovetail.experiment_tracker")


class Run:
    """A run that can be logged to, from any thread. `start_run` and `attach` make them.

    As a context manager it is the active run of the task within the block, and is ended when the block is left: `finished`; `failed` after an
    exception, or SystemExit that is not zero; `killed` after KeyboardInterrupt, SIGTERM or a cancellation. A run that `attach` gave is
    not ended so, and `end()` ends it only if it is called. Ending a run leaves its children as they are.
    """

    def __init__(self, tracker: ExperimentTracker, record: RunRecord, *, owned: bool, buffered: bool, autolog: bool) -> None:
        self.tracker = tracker
        """The tracker that it is logged to."""
        self.record: RunRecord = record
        """The run as it was when it was started or attached to; `refresh` reads it anew."""
        self._owner = os.getpid() if owned else None
        """The process that ends the run when its block is left; one that was forked does not."""
        self._buffered = buffered
        self._autolog = autolog
        self._next_steps = {key: point.step + 1 for key, point in record.latest.items()}
        self._lock = threading.Lock()
        self._status: RunStatus | None = None

    @property
    def id(self) -> str:
        """The run's id, by which `attach` and `start_run(resume=...)` find it."""
        return self.record.id

    @property
    def name(self) -> str:
        """The run's name."""
        return self.record.name

    @property
    def experiment(self) -> str:
        """Name of the run's experiment."""
        return self.record.experiment

    @property
    def ended(self) -> bool:
        """Whether this object ended the run; it logs no more then."""
        return self._status is not None

    @property
    def url(self) -> str | None:
        """Where people look at the run, without credentials; None if there is no such place."""
        return self.tracker.run_url(self.record)

    def refresh(self) -> RunRecord:
        """Read the run anew, and return it; what waits to be sent is sent first."""
        self.flush()
        self.record = self.tracker.get_run(self.id)
        return self.record

    # Logging

    def log_metric(self, key: str, value: Any, step: int | None = None, time: datetime | None = None) -> None:
        """Record a value of a metric: any number, also not a number and infinite ones, rounded to the nearest float.

        `step` is any integer of 64 bits, in any order, also repeatedly; None is the one after the highest that this object logged of the
        metric, or found when it was started or attached; 0 at first. `time` is aware; None is now.
        """
        self._demand_open()
        point = self._checked(key, value, 0 if step is None else step, time)
        with self._lock:
            point = self._placed(point, step is None)
        self.tracker.send_points(self.id, (point,), self._buffered)

    def log_metrics(self, values: Mapping[str, Any], step: int | None = None, time: datetime | None = None) -> None:
        """Record a value each of several metrics; if one cannot be recorded, none is. See `log_metric`."""
        moment = arguments.moment(time, "time")
        given = 0 if step is None else step
        self._log([self._checked(key, value, given, moment) for key, value in arguments.mapping(values, "values").items()], step is None)

    def log_points(self, points: list[MetricPoint] | tuple[MetricPoint, ...]) -> None:
        """Record any number of points of any metrics; if one is refused, none is recorded."""
        self._log([self._checked(*point) for point in points], False)

    def log_param(self, key: str, value: Any) -> None:
        """Record a parameter; see `log_params`."""
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters: texts, numbers, booleans, None, and lists and mappings of these, which are read back as they were.

        The same value again is accepted. Raises `Conflict` if one has another value already, and then none is recorded.
        """
        self._demand_open()
        self.tracker.log_params(self.id, params)

    def set_tag(self, key: str, value: str) -> None:
        """Set a tag; see `set_tags`."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags, texts; one that is there is replaced."""
        self._demand_open()
        self.tracker.set_tags(self.id, tags)

    def log_artifact(self, source: str | Path, path: str | None = None) -> None:
        """Store a file, or a directory with all that is in it, as `path` among the run's files; by default under its own name."""
        self._demand_open()
        self.tracker.log_artifact(self.id, source, path)

    def flush(self, timeout: float | None = None) -> None:
        """Return when all that was logged is stored. Raises `ExperimentTracker.flush`'s errors."""
        self.tracker.flush(self.id, timeout)

    def _checked(self, key: str, value: Any, step: Any, time: datetime | None) -> MetricPoint:
        self.tracker.checked_key(key, "key")
        return MetricPoint(key, arguments.metric_value(value, key), arguments.step(step), arguments.moment(time, "time"))

    def _log(self, points: list[MetricPoint], counted: bool) -> None:
        self._demand_open()
        with self._lock:
            placed = [self._placed(point, counted) for point in points]
        self.tracker.send_points(self.id, placed, self._buffered)

    def _placed(self, point: MetricPoint, counted: bool) -> MetricPoint:
        """Return a point at the next step of its metric, if steps are counted, and go on from the highest."""
        following = self._next_steps.get(point.key, 0)
        if counted:
            point = point._replace(step=min(following, arguments.STEP_LIMIT))
        if point.step >= following:
            self._next_steps[point.key] = point.step + 1
        return point

    def _demand_open(self) -> None:
        if self._status is not None:
            raise Conflict(f"run {self.id} has ended ({self._status})", remedy="log before it ends, or start_run(resume=...)")

    # Beginning and ending

    def end(self, status: RunStatus = RunStatus.FINISHED) -> None:
        """Store what waits, and record that the run ended; a second call does nothing.

        Whatever fails, the run is not active any more. What could not be stored is raised, unless the tracker's `on_outage` is `buffer`: then it is logged.
        """
        with self._lock:
            if self._status is not None:
                return
            self._status = RunStatus(status)
        self.tracker.finish_run(self, self._status)

    @contextmanager
    def activate(self) -> Iterator[Self]:
        """Make the run the active one of this task within a block, and do not end it: for another thread that works on the run."""
        self._enter()
        try:
            yield self
        except BaseException as error:
            self._leave(error)
            raise
        self._leave(None)

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._leave(error)
        finally:
            if self._owner == os.getpid():
                self._end_after(error)

    def _enter(self) -> None:
        activation = self.tracker._activate(self.id, self._autolog)
        activation.__enter__()
        active.enter(self, activation)

    def _leave(self, error: BaseException | None) -> None:
        activation = active.leave(self)
        if activation is not None:
            activation.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)

    def _end_after(self, error: BaseException | None) -> None:
        if error is None:
            self.end()
            return
        try:
            self.end(status_after(error))
        except DovetailError as failure:  # the exception that is on its way says more
            log.error("run %s: %s", self.id, failure)
            error.add_note(f"experiment tracking, too: {failure}")

    def __repr__(self) -> str:
        return f"<Run {self.id} of experiment {self.experiment!r}>"
