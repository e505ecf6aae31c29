"""What tests of the flavor, and of software that uses it, run against: a fake Slack, and the harness for the conformance suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_alerter_slack.testing.harness import SlackHarness as SlackHarness
    from dovetail_alerter_slack.testing.server import FakeSlack as FakeSlack
    from dovetail_alerter_slack.testing.workspace import FakeWorkspace as FakeWorkspace

__all__ = ["FakeSlack", "FakeWorkspace", "SlackHarness"]

_EXPORTS = {"FakeSlack": "server", "FakeWorkspace": "workspace", "SlackHarness": "harness"}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
