"""The rule about killed writes asks up to the last operation of a write, however many there are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from dovetail_artifact_store import Condition, LocalArtifactStore, ObjectInfo
from dovetail_artifact_store.contract import ArtifactStoreContract
from dovetail_artifact_store.testing import LocalHarness
from dovetail_conformance import Effort, RuleFailure

STEPS = 21


class TornAtTheEnd(LocalArtifactStore):
    """After many operations that harm nothing, a large object is written where it is read."""

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if len(data) < 100:
            return super()._write(key, data, condition, metadata)
        for _ in range(STEPS):
            os.utime(self.config.path / key)
        file = os.open(self.config.path / key, os.O_WRONLY | os.O_TRUNC)
        os.write(file, data)
        os.close(file)
        return self._stat(key)


class Harness(LocalHarness):
    flavor = TornAtTheEnd


@pytest.mark.parametrize("effort", [Effort.STANDARD, Effort.FULL])
def test_a_write_that_is_torn_at_its_end_is_found(effort: Effort) -> None:
    with Harness() as harness, harness.make() as store, pytest.raises(RuleFailure, match="0 bytes that are neither object"):
        ArtifactStoreContract.test_a_killed_write_leaves_no_trace(ArtifactStoreContract(), store, harness, effort)
