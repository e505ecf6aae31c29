"""The rules of experiment trackers, for the conformance suite."""

import pytest

pytest.register_assert_rewrite("dovetail_experiment_tracker.contract.machine")

from dovetail_experiment_tracker.contract.contract import ExperimentTrackerContract  # noqa: E402
from dovetail_experiment_tracker.contract.harness import ExperimentTrackerHarness  # noqa: E402

__all__ = ["ExperimentTrackerContract", "ExperimentTrackerHarness"]
