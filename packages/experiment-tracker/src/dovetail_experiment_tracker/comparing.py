"""Runs side by side, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_core import InvalidArgument, NotFound
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import RunRecord

_KINDS = ("params", "metrics", "tags")
_MISSING = object()


def run_row(run: RunRecord) -> dict[str, Any]:
    """Return a run as one row."""
    return {
        "id": run.id,
        "experiment": run.experiment,
        "name": run.name,
        "status": run.status.value,
        "started": run.started,
        "seconds": None if run.ended is None else round((run.ended - run.started).total_seconds(), 3),
        "parent": run.parent,
        "metrics": run.metrics,
        "params": dict(run.params),
        "tags": dict(run.tags),
    }


def compared(runs: Sequence[RunRecord], differing: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row per parameter, metric and tag of any of the runs, and the columns: what it is, its key, and one per run.

    A run is called by its name, or by its id where several have the name. `differing` leaves out the rows in which all are equal.
    """
    titles = _titles(runs)
    rows = []
    for kind in _KINDS:
        for key in sorted({key for run in runs for key in getattr(run, kind)}):
            values = [getattr(run, kind).get(key, _MISSING) for run in runs]
            if not (differing and all(_alike(value, values[0]) for value in values)):
                shown = {title: None if value is _MISSING else value for title, value in zip(titles, values, strict=True)}
                rows.append({"kind": kind.removesuffix("s"), "key": key, **shown})
    return rows, ["kind", "key", *titles]


def _alike(value: Any, other: Any) -> bool:
    return type(value) is type(other) and (value == other or (value != value and other != other))


def _titles(runs: Sequence[RunRecord]) -> list[str]:
    names = [run.name for run in runs]
    return [run.name if names.count(run.name) == 1 and run.name not in ("kind", "key") else run.id for run in runs]


def find_run(tracker: ExperimentTracker, text: str) -> RunRecord:
    """Return the run of an id, or of a name that one run has. Raises `NotFound`, and `InvalidArgument` where several have the name."""
    try:
        return tracker.get_run(text)
    except NotFound:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        found = list(tracker.iter_runs(f'name = "{escaped}"', limit=11))
    if not found:
        raise NotFound(f"{tracker.label} has no run '{text}'", remedy="dovetail experiment-tracker runs shows the runs")
    if len(found) > 1:
        several = ", ".join(run.id for run in found[:10])
        raise InvalidArgument(f"several runs are called '{text}': {several}", remedy="give the id", field="run")
    return found[0]
