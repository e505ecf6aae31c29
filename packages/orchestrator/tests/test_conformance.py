"""The flavors of this package keep the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_orchestrator.contract import OrchestratorContract
from dovetail_orchestrator.testing import LocalHarness, MemoryHarness


class TestMemory(OrchestratorContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[MemoryHarness]:
        with MemoryHarness() as harness:
            yield harness


class TestLocal(OrchestratorContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[LocalHarness]:
        with LocalHarness() as harness:
            yield harness
