"""Alerters: messages to people, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_alerter.alerts import Alert as Alert
    from dovetail_alerter.alerts import Attachment as Attachment
    from dovetail_alerter.alerts import Level as Level
    from dovetail_alerter.alerts import Link as Link
    from dovetail_alerter.capabilities import AlerterCapability as AlerterCapability
    from dovetail_alerter.capabilities import Guarantee as Guarantee
    from dovetail_alerter.console import ConsoleAlerter as ConsoleAlerter
    from dovetail_alerter.interface import Alerter as Alerter
    from dovetail_alerter.interface import AlerterConfig as AlerterConfig
    from dovetail_alerter.memory import InMemoryAlerter as InMemoryAlerter
    from dovetail_alerter.memory import SentMessage as SentMessage
    from dovetail_alerter.messages import Limits as Limits
    from dovetail_alerter.messages import Message as Message
    from dovetail_alerter.messages import Unit as Unit
    from dovetail_alerter.questions import Answer as Answer
    from dovetail_alerter.questions import Question as Question
    from dovetail_alerter.questions import Reply as Reply
    from dovetail_alerter.receipts import AnswerLost as AnswerLost
    from dovetail_alerter.receipts import Delivery as Delivery
    from dovetail_alerter.receipts import PartialDelivery as PartialDelivery
    from dovetail_alerter.receipts import Posted as Posted
    from dovetail_alerter.receipts import Receipt as Receipt
    from dovetail_alerter.rendering import render as render
    from dovetail_alerter.reports import RunReport as RunReport

__all__ = [
    "Alert",
    "Alerter",
    "AlerterCapability",
    "AlerterConfig",
    "Answer",
    "AnswerLost",
    "Attachment",
    "ConsoleAlerter",
    "Delivery",
    "Guarantee",
    "InMemoryAlerter",
    "Level",
    "Limits",
    "Link",
    "Message",
    "PartialDelivery",
    "Posted",
    "Question",
    "Receipt",
    "Reply",
    "RunReport",
    "SentMessage",
    "Unit",
    "render",
]

_EXPORTS = {
    "Alert": "alerts",
    "Alerter": "interface",
    "AlerterCapability": "capabilities",
    "AlerterConfig": "interface",
    "Answer": "questions",
    "AnswerLost": "receipts",
    "Attachment": "alerts",
    "ConsoleAlerter": "console",
    "Delivery": "receipts",
    "Guarantee": "capabilities",
    "InMemoryAlerter": "memory",
    "Level": "alerts",
    "Limits": "messages",
    "Link": "alerts",
    "Message": "messages",
    "PartialDelivery": "receipts",
    "Posted": "receipts",
    "Question": "questions",
    "Receipt": "receipts",
    "Reply": "questions",
    "RunReport": "reports",
    "SentMessage": "memory",
    "Unit": "messages",
    "render": "rendering",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
