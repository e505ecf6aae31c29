"""The flavor keeps the contract: with a token, with buttons, and by a webhook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dovetail_alerter.contract import AlerterContract
from dovetail_alerter_slack.testing.harness import SlackButtonsHarness, SlackHarness, SlackWebhookHarness


class TestToken(AlerterContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[SlackHarness]:
        with SlackHarness() as harness:
            yield harness


class TestButtons(AlerterContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[SlackButtonsHarness]:
        with SlackButtonsHarness() as harness:
            yield harness


class TestWebhook(AlerterContract):
    interface = "1.0"

    @pytest.fixture(scope="class")
    @classmethod
    def harness(cls) -> Iterator[SlackWebhookHarness]:
        with SlackWebhookHarness() as harness:
            yield harness
