"""Rules that do something to a call at each of its steps ask up to the last one, however many there are."""

from __future__ import annotations

import pytest
from torn_store import TornHarness

from dovetail_artifact_store.contract import ArtifactStoreContract
from dovetail_artifact_store.contract.stepping import at_each_step
from dovetail_conformance import Effort, RuleFailure


def test_a_write_that_is_torn_at_its_end_is_found() -> None:
    with TornHarness() as harness, harness.make() as store, pytest.raises(RuleFailure, match="0 bytes that are neither object"):
        ArtifactStoreContract.test_a_killed_write_leaves_no_trace(ArtifactStoreContract(), store, harness, Effort.STANDARD)


def test_a_write_that_fails_at_its_end_and_loses_the_old_object_is_found() -> None:
    with TornHarness() as harness, harness.make() as store, pytest.raises(RuleFailure, match=r"step 2\d failed"):
        ArtifactStoreContract.test_a_failed_overwrite_keeps_the_old_object(ArtifactStoreContract(), store, harness)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 47, 48, 49])
def test_the_first_steps_are_asked_and_the_last(steps: int) -> None:
    asked: list[int] = []

    def reaches(nth: int) -> bool:
        asked.append(nth)
        return nth <= steps

    assert at_each_step(reaches, 3) == steps
    assert set(range(1, min(steps, 3) + 1)) | ({steps} - {0}) <= set(asked)
    assert steps + 1 in asked
    assert len(asked) == len(set(asked)) < 16


def test_what_is_beyond_is_left_out_where_little_is_asked() -> None:
    asked: list[int] = []
    assert at_each_step(lambda nth: not asked.append(nth), 3, to_the_last=False) == 3  # type: ignore[func-returns-value]
    assert asked == [1, 2, 3]
