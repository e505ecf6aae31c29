"""Metrics of runs as a picture. Needs matplotlib, which is the extra `plot`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from dovetail_core import ConfigError, InvalidArgument, NotFound, new_id
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import MetricPoint, RunRecord

FORMATS = ("png", "svg", "pdf")
_MARKED = 60  # points, up to which each is marked


def plot_metrics(
    tracker: ExperimentTracker,
    runs: Sequence[RunRecord],
    metrics: Sequence[str],
    target: Path,
    *,
    x: Literal["step", "time"] = "step",
    logarithmic: bool = False,
) -> None:
    """Write a picture to `target`, whose name says the format: a panel per metric, a line per run, over steps or over seconds since its start.

    Raises `NotFound` for a metric that no run has, and `ConfigError` where matplotlib is not installed.
    """
    ending = target.suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        raise InvalidArgument(f"{target.name} names no picture", remedy="end it in ." + ", .".join(FORMATS), field="target")
    figure = _figure(len(metrics))
    for axes, key in zip(figure.subplots(len(metrics), 1, squeeze=False)[:, 0], metrics, strict=True):
        _draw(axes, tracker, runs, key, x)
        if logarithmic:
            axes.set_yscale("log")
    part = target.with_name(f".{new_id()}.{ending}")
    try:
        figure.savefig(part, format=ending)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _figure(panels: int) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "plots need matplotlib, which is not installed", remedy="pip install 'dovetail-experiment-tracker[plot]'"
        ) from error
    return Figure(figsize=(8, 1 + 3.5 * panels), layout="constrained")


def _draw(axes: Any, tracker: ExperimentTracker, runs: Sequence[RunRecord], key: str, x: str) -> None:
    drawn = 0
    for run in runs:
        points = list(tracker.metric_history(run.id, key))
        if points:
            axes.plot(
                _places(points, x, run), [point.value for point in points], label=run.name, marker="." if len(points) <= _MARKED else None
            )
            drawn += 1
    if not drawn:
        known = sorted({name for run in runs for name in run.latest})
        raise NotFound(f"none of the runs has the metric {key!r}", remedy=f"their metrics: {', '.join(known) or 'none'}")
    axes.set_xlabel("step" if x == "step" else "seconds since the start of the run")
    axes.set_ylabel(key)
    axes.grid(True, alpha=0.3)
    axes.legend()


def _places(points: Sequence[MetricPoint], x: str, run: RunRecord) -> list[float]:
    return [point.step if x == "step" else (point.time - run.started).total_seconds() for point in points]
