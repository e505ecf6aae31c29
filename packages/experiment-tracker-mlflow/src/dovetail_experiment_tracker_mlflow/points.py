"""Metric points as MLflow keeps them.

MLflow identifies a point by metric, step, millisecond and value: of two that are equal in all four it keeps one (its table `metrics`; that a
batch which is sent again changes nothing comes of the same). So points that are equal are kept apart by moving the later ones by a millisecond.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dovetail_core.forks import Turn
from dovetail_experiment_tracker import MetricPoint

_LARGEST = 1.7976931348623157e308
"""What MLflow's database keeps in place of infinity (its module `sqlalchemy_store`)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REMEMBERED = 200_000
_BATCHES = 1000
Identity = tuple[str, str, int, float | str, int]


class Apart:
    """Keeps equal points of this process apart, and gives a batch that is sent again the same times."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Identity, None] = OrderedDict()
        self._batches: OrderedDict[str, list[MetricPoint]] = OrderedDict()
        self._turn = Turn()

    def batch(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> list[MetricPoint]:
        """Return the points of a batch, none equal to another, with times in whole milliseconds."""
        with self._turn.lock:
            if batch not in self._batches:
                self._batches[batch] = [self._apart(run_id, point) for point in points]
                if len(self._batches) > _BATCHES:
                    self._batches.popitem(last=False)
            return self._batches[batch]

    def sent(self, batch: str) -> None:
        """Forget a batch that is stored."""
        with self._turn.lock:
            self._batches.pop(batch, None)

    def _apart(self, run_id: str, point: MetricPoint) -> MetricPoint:
        moment = milliseconds(point.time)
        value: float | str = "nan" if math.isnan(point.value) else point.value
        while (identity := (run_id, point.key, point.step, value, moment)) in self._seen:
            moment += 1
        self._seen[identity] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return point._replace(time=_EPOCH + timedelta(milliseconds=moment))


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment_of(milliseconds: int) -> datetime:
    """Return the time of so many milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def as_metric(point: MetricPoint) -> Any:
    """Return a point as MLflow's entity."""
    from mlflow.entities import Metric

    return Metric(point.key, point.value, milliseconds(point.time), point.step)


def as_point(metric: Any) -> MetricPoint:
    """Return MLflow's entity, or protobuf message, as a point."""
    value = float(metric.value)
    if abs(value) >= _LARGEST and not math.isnan(value):
        value = math.copysign(math.inf, value)
    return MetricPoint(metric.key, value, int(metric.step), moment_of(metric.timestamp))
