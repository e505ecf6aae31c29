"""The flavors of this package keep the contract; the session `conformance` asks the same with more effort."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_conformance import Effort
from dovetail_orchestrator.contract import OrchestratorContract
from dovetail_orchestrator.testing import LocalHarness, MemoryHarness


class Quick:
    @pytest.fixture
    def effort(self) -> Effort:
        return Effort.QUICK


class TestMemory(Quick, OrchestratorContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[MemoryHarness]:
        with MemoryHarness() as harness:
            yield harness


class TestLocal(Quick, OrchestratorContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[LocalHarness]:
        with LocalHarness() as harness:
            yield harness
