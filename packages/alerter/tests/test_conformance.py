"""The flavors of this package keep the contract; so an author's class looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from dovetail_alerter import Message, Posted
from dovetail_alerter.contract import AlerterContract
from dovetail_alerter.memory import InMemoryAlerter
from dovetail_alerter.testing import ConsoleHarness, MemoryHarness
from dovetail_conformance import RuleFailure
from dovetail_core import AuthenticationFailed, NotFound


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


class Repeats(InMemoryAlerter):
    """Its SDK repeats what was refused."""

    def _post(self, message: Message, target: str) -> Posted:
        with suppress(NotFound, AuthenticationFailed):
            return super()._post(message, target)
        return super()._post(message, target)


class RepeatsHarness(MemoryHarness):
    flavor = Repeats


def test_who_meets_an_sdk_that_repeats_by_itself_is_told_where_to_look() -> None:
    with RepeatsHarness() as harness, harness.make() as alerter, pytest.raises(RuleFailure) as caught:
        AlerterContract().test_what_passes_is_tried_again_and_a_refusal_is_not(alerter, harness)
    assert caught.value.came == "2 attempts" and "the SDK repeats by itself" in caught.value.mend
