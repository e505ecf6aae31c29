"""What rules log, and how they read it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dovetail_conformance import check
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import MetricPoint, RunRecord
from dovetail_experiment_tracker.run import Run


def moment(milliseconds: int) -> datetime:
    """Return a time that every tracker stores exactly."""
    return datetime(2031, 5, 17, 4, 5, 6, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def points(key: str, steps: Iterable[int]) -> list[MetricPoint]:
    """Return points at these steps, each with its own value and time."""
    return [MetricPoint(key, number + 0.5, step, moment(number)) for number, step in enumerate(steps)]


def stored(run: Run, key: str) -> list[tuple[int, float]]:
    """Return the steps and values of a metric as they are stored, in their order."""
    run.flush()
    return [(point.step, point.value) for point in run.tracker.metric_history(run.id, key)]


def by_step(wanted: Iterable[MetricPoint]) -> list[tuple[int, float]]:
    """Return steps and values in the order of a history."""
    return [(point.step, point.value) for point in sorted(wanted, key=lambda point: (point.step, point.time))]


def check_points(run: Run, key: str, wanted: Iterable[MetricPoint], did: str, mend: str = "") -> None:
    """Check that a metric has exactly these points, in order."""
    expected, came = by_step(wanted), stored(run, key)
    short = f"{len(came)} points, {len(set(came))} of them different; {len(expected)} were logged" if len(expected) > 20 else str(came)
    check(same(came, expected), did=did, came=short, mend=mend)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, where not a number equals itself, and 1, 1.0 and True are different."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def reread(run: Run) -> RunRecord:
    """Return a run as it is stored."""
    run.flush()
    return run.tracker.get_run(run.id)


def ended_run(tracker: ExperimentTracker, name: str | None = None, **more: Any) -> RunRecord:
    """Return a run that is over."""
    with tracker.start_run(name, **more) as run:
        pass
    return tracker.get_run(run.id)
