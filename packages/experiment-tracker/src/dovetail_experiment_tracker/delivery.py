"""How what is logged reaches the backend: at once or in the background, in calls of the size that it takes, and what an outage does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from dovetail_core import Conflict, DovetailError, new_id, utcnow
from dovetail_experiment_tracker.config import BufferedTrackerConfig
from dovetail_experiment_tracker.outbox import Outbox, Terms
from dovetail_experiment_tracker.params import encode
from dovetail_experiment_tracker.records import MetricPoint, RunStatus

if TYPE_CHECKING:
    from dovetail_experiment_tracker.interface import ExperimentTracker

V = TypeVar("V")
log: logging.Logger = logging.getLogger("dovetail.experiment_tracker")


class Delivery:
    """Sends what a tracker's runs log.

    With `on_outage: buffer`, what a backend that is away does not take waits; `flush` and `close` raise what was lost, and the end of a run logs it.
    """

    def __init__(self, tracker: ExperimentTracker) -> None:
        self._tracker = tracker
        self._config = tracker.config if isinstance(tracker.config, BufferedTrackerConfig) else None
        self._outbox: Outbox | None = None
        self._making = threading.Lock()

    @property
    def _lenient(self) -> bool:
        return self._config is not None and self._config.on_outage == "buffer"

    # Logging

    def points(self, run_id: str, points: Sequence[MetricPoint], buffered: bool) -> None:
        """Store points, or put them on their way."""
        if buffered:
            (self._outbox or self._made()).put(run_id, points)
            return
        for start in range(0, len(points), self._tracker.points_per_call):
            piece = points[start : start + self._tracker.points_per_call]
            self.now(run_id, f"{len(piece)} metric points", partial(self._tracker._log_metrics, run_id, piece, new_id()))

    def params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Store parameters, all or none; of several calls that wait for the end of an outage, each by itself."""
        size = self._tracker.params_per_call
        if len(params) > size:
            self._demand_no_conflict(run_id, params)
        for piece in _pieces(params, size):
            self.now(run_id, f"parameters {', '.join(piece)}", partial(self._tracker._log_params, run_id, piece))

    def _demand_no_conflict(self, run_id: str, params: Mapping[str, str]) -> None:
        stored = self._stored_params(run_id)
        for key, text in params.items():
            if key in stored and encode(stored[key], key) != text:
                raise param_conflict(run_id, key)

    def _stored_params(self, run_id: str) -> Mapping[str, Any]:
        """Return the parameters of a run; none where an outage keeps them from being read, and may fail nobody."""
        if not self._lenient:
            return self._tracker.get_run(run_id).params
        if not (self._outbox or self._made()).clear:
            return {}
        try:
            return self._tracker._get_run(run_id).params
        except DovetailError as error:
            if error.retryable:
                return {}
            raise

    def tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        for piece in _pieces(tags, self._tracker.tags_per_call):
            self.now(run_id, f"tags {', '.join(piece)}", partial(self._tracker._set_tags, run_id, piece))

    def now(self, run_id: str, what: str, call: Callable[[], object]) -> None:
        """Make a call, again and again while the backend is away; where an outage may fail nobody, put it on its way instead, behind those before it."""
        if not self._lenient:
            self._tracker.repeated(call)
            return
        outbox = self._outbox or self._made()
        if outbox.clear:
            try:
                call()
                return
            except DovetailError as error:
                if not error.retryable:
                    raise
        outbox.put_call(run_id, what, call)

    # Ends

    def flush(self, run_id: str | None, timeout: float | None) -> None:
        """Return when all is stored; see `ExperimentTracker.flush`."""
        if self._outbox is not None:
            self._outbox.flush(run_id, timeout)

    def finish(self, run_id: str, status: RunStatus) -> None:
        """Store what waits, and record the end, also where the former fails; then the first error is raised, or logged if nobody may be failed."""
        ended = utcnow()
        try:
            self._settle(run_id)
        finally:
            self.now(run_id, "the end of the run", partial(self._tracker._end_run, run_id, status, ended))

    def _settle(self, run_id: str) -> None:
        if self._outbox is None:
            return
        try:
            self._outbox.flush(run_id, self._tracker.patience if self._lenient else None)
        except DovetailError as error:
            if not self._lenient:
                raise
            log.error("run %s: %s", run_id, error)

    def close(self) -> None:
        """Store what waits, and end the thread."""
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.close()

    def _made(self) -> Outbox:
        with self._making:
            if self._outbox is None:
                self._outbox = Outbox(self._tracker._log_metrics, self._terms())
            return self._outbox

    def _terms(self) -> Terms:
        config = self._config or BufferedTrackerConfig()
        return Terms(
            self._tracker.label,
            self._tracker.points_per_call,
            config.buffer_points,
            config.flush_seconds,
            self._lenient,
            config.outage_seconds,
        )


def param_conflict(run_id: str, key: str) -> Conflict:
    """Return the error of a parameter that has another value already."""
    return Conflict(f"run {run_id} has another value of the parameter {key!r} already", remedy="log it under another key", key=key)


def _pieces(values: Mapping[str, V], size: int) -> Iterator[dict[str, V]]:
    items = iter(values.items())
    while piece := dict(islice(items, size)):
        yield piece
