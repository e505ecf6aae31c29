"""The contract of experiment trackers, put together."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dovetail_conformance import CrossCutting, Operation
from dovetail_experiment_tracker.contract.artifacts import ArtifactRules
from dovetail_experiment_tracker.contract.calls import Calls
from dovetail_experiment_tracker.contract.endings import EndingRules
from dovetail_experiment_tracker.contract.faults import FaultRules
from dovetail_experiment_tracker.contract.isolation import IsolationRules
from dovetail_experiment_tracker.contract.machine import MachineRules
from dovetail_experiment_tracker.contract.metrics import MetricRules
from dovetail_experiment_tracker.contract.runs import RunRules
from dovetail_experiment_tracker.contract.search import SearchRules
from dovetail_experiment_tracker.contract.values import ValueRules
from dovetail_experiment_tracker.interface import ExperimentTracker


class ExperimentTrackerContract(
    EndingRules, IsolationRules, RunRules, MetricRules, ValueRules, SearchRules, ArtifactRules, FaultRules, MachineRules, CrossCutting
):
    """What every experiment tracker keeps. Rules see the tracker as `tracker`."""

    component_type = "experiment_tracker"

    @pytest.fixture
    def tracker(self, component: ExperimentTracker) -> ExperimentTracker:
        """A fresh experiment tracker without runs."""
        return component

    def operations(self, component: ExperimentTracker) -> Iterable[Operation]:
        """Return representative calls of every public method of a tracker."""
        return Calls(component).operations()
