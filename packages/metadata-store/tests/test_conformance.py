"""The flavors of this package keep the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_metadata_store.contract import MetadataStoreContract
from dovetail_metadata_store.testing import MemoryHarness, SqliteHarness


class TestMemory(MetadataStoreContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[MemoryHarness]:
        with MemoryHarness() as harness:
            yield harness


class TestSqlite(MetadataStoreContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[SqliteHarness]:
        with SqliteHarness() as harness:
            yield harness
