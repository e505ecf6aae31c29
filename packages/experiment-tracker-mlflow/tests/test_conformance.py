"""The flavor keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_experiment_tracker.contract import ExperimentTrackerContract
from dovetail_experiment_tracker_mlflow.testing import MlflowHarness


class TestMlflow(ExperimentTrackerContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[MlflowHarness]:
        with MlflowHarness() as harness:
            yield harness
