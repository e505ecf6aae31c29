"""An experiment tracker in MLflow: on a tracking server, or in a database file of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_experiment_tracker_mlflow.config import MlflowConfig as MlflowConfig
    from dovetail_experiment_tracker_mlflow.tracker import MlflowExperimentTracker as MlflowExperimentTracker

__all__ = ["MlflowConfig", "MlflowExperimentTracker"]

_EXPORTS = {"MlflowConfig": "config", "MlflowExperimentTracker": "tracker"}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
