"""The rule about killed writes asks up to the last operation of a write, however many there are."""

from __future__ import annotations

import pytest
from torn_store import TornHarness

from dovetail_artifact_store.contract import ArtifactStoreContract
from dovetail_conformance import Effort, RuleFailure


def test_a_write_that_is_torn_at_its_end_is_found() -> None:
    with TornHarness() as harness, harness.make() as store, pytest.raises(RuleFailure, match="0 bytes that are neither object"):
        ArtifactStoreContract.test_a_killed_write_leaves_no_trace(ArtifactStoreContract(), store, harness, Effort.STANDARD)
