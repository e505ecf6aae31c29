"""The flavors of this package keep the contract; so an author's class looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_artifact_store.contract import ArtifactStoreContract
from dovetail_artifact_store.testing import LocalHarness, MemoryHarness


class TestMemory(ArtifactStoreContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[MemoryHarness]:
        with MemoryHarness() as harness:
            yield harness


class TestLocal(ArtifactStoreContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[LocalHarness]:
        with LocalHarness() as harness:
            yield harness
