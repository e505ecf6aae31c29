"""The flavors of this package keep the contract; so an author's class looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_alerter.contract import AlerterContract
from dovetail_alerter.testing import ConsoleHarness, MemoryHarness


class TestMemory(AlerterContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[MemoryHarness]:
        with MemoryHarness() as harness:
            yield harness


class TestConsole(AlerterContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[ConsoleHarness]:
        with ConsoleHarness() as harness:
            yield harness
