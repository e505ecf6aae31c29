"""An alerter in Slack: posts by a bot's token or an incoming webhook, and asks by buttons or by replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_alerter_slack.alerter import SlackAlerter as SlackAlerter
    from dovetail_alerter_slack.config import SlackConfig as SlackConfig

__all__ = ["SlackAlerter", "SlackConfig"]

_EXPORTS = {"SlackAlerter": "alerter", "SlackConfig": "config"}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
