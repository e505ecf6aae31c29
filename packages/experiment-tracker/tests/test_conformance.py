"""The flavors of this package keep the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_experiment_tracker.contract import ExperimentTrackerContract
from dovetail_experiment_tracker.testing import LocalHarness, MemoryHarness


class TestMemory(ExperimentTrackerContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[MemoryHarness]:
        with MemoryHarness() as harness:
            yield harness


class TestLocal(ExperimentTrackerContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[LocalHarness]:
        with LocalHarness() as harness:
            yield harness
