"""What tests of the flavor, and of software that uses it, run against: a fake Slack, and the harness for the conformance suite."""

from __future__ import annotations

from dovetail_alerter_slack.testing.harness import SlackHarness
from dovetail_alerter_slack.testing.server import FakeSlack
from dovetail_alerter_slack.testing.workspace import FakeWorkspace

__all__ = ["FakeSlack", "FakeWorkspace", "SlackHarness"]
