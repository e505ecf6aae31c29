"""What became of an alert, target by target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dovetail_alerter.alerts import Alert
from dovetail_core import DovetailError, Failure, Unavailable


@dataclass(frozen=True)
class Posted:
    """One message that the provider has accepted."""

    id: str
    """The provider's id of it, unique within its target; empty where the provider gives none, which then has no threads."""
    url: str = ""
    """Where it can be read, if the provider says."""
    thread: str = ""
    """The provider's reference of the thread that it is in, or that answers to it make; empty: its own id."""

    @property
    def reference(self) -> str:
        """What a reply has to refer to."""
        return self.thread or self.id


@dataclass(frozen=True)
class Delivery:
    """What became of an alert at one target."""

    target: str
    """Name of the target."""
    parts: int
    """How many messages the alert is, at this target."""
    messages: tuple[Posted, ...] = ()
    """Those that were accepted, in their order: the first ones of the parts."""
    failure: Failure | None = None
    """Why the next one was not."""
    begun: bool = False
    """Whether something of the next one is there all the same, such as its text without its files: `retry` completes it."""

    @property
    def complete(self) -> bool:
        """Whether everything was accepted."""
        return len(self.messages) == self.parts


@dataclass(frozen=True)
class Receipt:
    """What became of an alert. Where something of it was not accepted, `post` raises, and the receipt is the error's."""

    alert: Alert
    """The alert, with secrets masked."""
    key: str
    """Under which it was delivered: the alert's, or one that was made for this call."""
    deliveries: tuple[Delivery, ...]
    """What became of it at each target."""
    at: datetime
    """When the last message was accepted or refused, in UTC."""

    @property
    def delivered(self) -> tuple[str, ...]:
        """Targets that have all of it."""
        return tuple(delivery.target for delivery in self.deliveries if delivery.complete)

    @property
    def failed(self) -> tuple[str, ...]:
        """Targets that lack some or all of it."""
        return tuple(delivery.target for delivery in self.deliveries if not delivery.complete)

    @property
    def id(self) -> str:
        """The provider's id of the first message, at the first target that accepted one; empty if none did."""
        return next((delivery.messages[0].id for delivery in self.deliveries if delivery.messages), "")

    @property
    def url(self) -> str:
        """Where the first message can be read, if the provider says."""
        return next((delivery.messages[0].url for delivery in self.deliveries if delivery.messages), "")

    @property
    def thread(self) -> str:
        """What `Alert.thread` must be to answer to this alert."""
        return self.alert.thread or self.key

    @property
    def references(self) -> Mapping[str, str]:
        """The provider's reference of the thread, by target: what another process needs in order to continue it."""
        return {delivery.target: delivery.messages[0].reference for delivery in self.deliveries if delivery.messages}


class PartialDelivery(DovetailError):
    """Some of an alert was accepted, and some not; `receipt` says what, and `Alerter.retry(receipt)` sends the rest."""

    def __init__(self, message: str, *, receipt: Receipt, **details: Any) -> None:
        self.receipt = receipt
        """What was accepted, and what was not."""
        super().__init__(message, **details)
        self.details["receipt"] = receipt


class AnswerLost(Unavailable):
    """A message was sent, and it is not known whether the provider accepted it.

    A flavor raises it where the request may have been applied: the connection broke, or time ran out, after it was sent. Where it
    cannot have been (connection refused), it raises `Unavailable` or `Timeout`.
    """
