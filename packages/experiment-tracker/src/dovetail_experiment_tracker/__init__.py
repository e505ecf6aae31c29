"""Experiment trackers: the contract, and the embedded flavor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_experiment_tracker.active import active_run as active_run
    from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as ExperimentTrackerCapability
    from dovetail_experiment_tracker.config import BufferedTrackerConfig as BufferedTrackerConfig
    from dovetail_experiment_tracker.config import ExperimentTrackerConfig as ExperimentTrackerConfig
    from dovetail_experiment_tracker.filters import Condition as Condition
    from dovetail_experiment_tracker.filters import Field as Field
    from dovetail_experiment_tracker.interface import ExperimentTracker as ExperimentTracker
    from dovetail_experiment_tracker.local import LocalConfig as LocalConfig
    from dovetail_experiment_tracker.local import LocalExperimentTracker as LocalExperimentTracker
    from dovetail_experiment_tracker.memory import InMemoryExperimentTracker as InMemoryExperimentTracker
    from dovetail_experiment_tracker.primitives import Found as Found
    from dovetail_experiment_tracker.queries import RunQuery as RunQuery
    from dovetail_experiment_tracker.records import ArtifactInfo as ArtifactInfo
    from dovetail_experiment_tracker.records import MetricPoint as MetricPoint
    from dovetail_experiment_tracker.records import NewRun as NewRun
    from dovetail_experiment_tracker.records import Page as Page
    from dovetail_experiment_tracker.records import RunRecord as RunRecord
    from dovetail_experiment_tracker.records import RunStatus as RunStatus
    from dovetail_experiment_tracker.run import Run as Run

__all__ = [
    "ArtifactInfo",
    "BufferedTrackerConfig",
    "Condition",
    "ExperimentTracker",
    "ExperimentTrackerCapability",
    "ExperimentTrackerConfig",
    "Field",
    "Found",
    "InMemoryExperimentTracker",
    "LocalConfig",
    "LocalExperimentTracker",
    "MetricPoint",
    "NewRun",
    "Page",
    "Run",
    "RunQuery",
    "RunRecord",
    "RunStatus",
    "active_run",
]

_EXPORTS = {
    "ArtifactInfo": "records",
    "BufferedTrackerConfig": "config",
    "Condition": "filters",
    "ExperimentTracker": "interface",
    "ExperimentTrackerCapability": "capabilities",
    "ExperimentTrackerConfig": "config",
    "Field": "filters",
    "Found": "primitives",
    "InMemoryExperimentTracker": "memory",
    "LocalConfig": "local",
    "LocalExperimentTracker": "local",
    "MetricPoint": "records",
    "NewRun": "records",
    "Page": "records",
    "Run": "run",
    "RunQuery": "queries",
    "RunRecord": "records",
    "RunStatus": "records",
    "active_run": "active",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
