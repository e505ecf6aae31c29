"""The order of a metric's points."""

from __future__ import annotations

from collections.abc import Iterable

from dovetail_experiment_tracker.records import MetricPoint


def in_order(points: Iterable[MetricPoint]) -> list[MetricPoint]:
    """Return points by step, then by time; those that are equal in both keep their order."""
    return sorted(points, key=lambda point: (point.step, point.time))


def latest(points: Iterable[MetricPoint]) -> MetricPoint:
    """Return the point of the highest step; of several, the one of the latest time; of several, the last. At least one is there."""
    return in_order(points)[-1]


def follows(point: MetricPoint, other: MetricPoint) -> bool:
    """Tell whether a point that was logged after another of its metric is later than it in the order of points."""
    return (point.step, point.time) >= (other.step, other.time)
