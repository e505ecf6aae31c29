"""Sends the messages of an alert to one target, and accounts for what was accepted."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.capabilities import Guarantee
from dovetail_alerter.messages import Message
from dovetail_alerter.receipts import AnswerLost, Delivery, PartialDelivery, Posted, Receipt
from dovetail_core import AuthenticationFailed, DovetailError, Failure, PermissionDenied, mask
from dovetail_core.retry import retrying

if TYPE_CHECKING:
    from dovetail_alerter.interface import Alerter

log: logging.Logger = logging.getLogger("dovetail.alerter")
_LOOKS = 3
"""Looks for a message that fail for a passing reason, after which it is sent again all the same."""


def deliver(alerter: Alerter, messages: Sequence[Message], before: Delivery, name: str, thread: str) -> tuple[Delivery, Exception | None]:
    """Send what a target lacks, in order, and stop at the first message that is refused, with the error.

    `name` is under which answers to this alert find it, `thread` the thread that it belongs to, if any.
    """
    accepted = list(before.messages)
    error: Exception | None = None
    begun = False
    try:
        with alerter._threads.entered(before.target, name) as known:
            if thread and not known.reference and len(accepted) < len(messages):
                known.reference = _reference_of(alerter, thread, before.target)
            for message in messages[len(accepted) :]:
                threaded = replace(message, thread=thread, reply_to=known.reference if thread else "")
                try:
                    posted = send(alerter, threaded, before.target)
                except Exception:
                    begun = alerter._has_begun(threaded, before.target)
                    raise
                accepted.append(posted)
                known.reference = known.reference or posted.reference
    except Exception as caught:  # also of a flavor's mistake: what was accepted must be told all the same
        error = caught
    failure = Failure(type(error).__name__, mask(str(error))) if error is not None else None
    return Delivery(before.target, len(messages), tuple(accepted), failure, begun), error


def _reference_of(alerter: Alerter, thread: str, target: str) -> str:
    """Return the reference of a thread that another process began; an alert that cannot be below it arrives all the same.

    Credentials that are refused are not used again to post.
    """
    try:
        return alerter._find_thread(thread, target)
    except (AuthenticationFailed, PermissionDenied):
        raise
    except Exception as error:
        log.warning(
            "%s: a thread could not be looked for, and is begun anew: %s: %s", alerter.label, type(error).__name__, mask(str(error))
        )
        return ""


def send(alerter: Alerter, message: Message, target: str) -> Posted:
    """Send one message until it is accepted, refused for good, or tried often enough. It is not sent twice if that can be known."""
    deadline = time.monotonic() + alerter.config.patience
    sending = _Sending(alerter, message, target)

    def attempt() -> Posted:
        with alerter._throttle.turn(deadline):
            return sending.attempt()

    return retrying(attempt, attempts=alerter.config.attempts, within=alerter.config.patience)


class _Sending:
    """Attempts to send one message; after an answer was lost it is looked for before it is sent again."""

    def __init__(self, alerter: Alerter, message: Message, target: str) -> None:
        self._alerter = alerter
        self._message = message
        self._target = target
        self._findable = alerter._can_find()
        self._doubtful = False
        self._failed_looks = 0

    def attempt(self) -> Posted:
        if self._doubtful and (found := self._looked_for()) is not None:
            return found
        try:
            return self._alerter._post(self._message, self._target)
        except AnswerLost as lost:
            return self._settled(lost)

    def _settled(self, lost: AnswerLost) -> Posted:
        if Capability.IDEMPOTENT_DELIVERY in self._alerter.capabilities and not self._findable:
            raise lost  # the provider recognises the key
        if not self._findable:
            lost.retryable = self._alerter.guarantee is Guarantee.AT_LEAST_ONCE
            raise lost
        self._doubtful = True
        try:
            found = self._found()
        except DovetailError:
            self._failed_looks += 1
            raise lost from None
        if found is None:
            raise lost
        return found

    def _looked_for(self) -> Posted | None:
        """Return what is found before the message is sent again; where it cannot be looked for, the guarantee decides."""
        try:
            return self._found()
        except DovetailError as error:
            self._failed_looks += 1
            if not self._may_repeat() or (error.retryable and self._failed_looks < _LOOKS):
                raise
            log.info("%s: a message whose answer was lost cannot be looked for, and is sent again: %s", self._alerter.label, error)
            return None

    def _may_repeat(self) -> bool:
        return self._alerter.guarantee is Guarantee.AT_LEAST_ONCE or Capability.IDEMPOTENT_DELIVERY in self._alerter.capabilities

    def _found(self) -> Posted | None:
        return self._alerter._find(self._message, self._target)


def failure_of(label: str, receipt: Receipt, errors: Sequence[tuple[str, Exception]]) -> Exception:
    """Return what to raise for an alert that was not accepted in full: the first refusal if nothing was, else `PartialDelivery`."""
    _, first = errors[0]
    if not any(delivery.messages or delivery.begun for delivery in receipt.deliveries):
        for target, error in errors[1:]:
            first.add_note(f"{target}: {type(error).__name__}: {mask(str(error))}")
        return first
    whys = "; ".join(f"{target}: {type(error).__name__}: {mask(str(error))}" for target, error in errors)
    done = ", ".join(receipt.delivered) or "none in full"
    partial = PartialDelivery(
        f"{label}: the alert was not delivered everywhere: {whys}; delivered: {done}",
        receipt=receipt,
        remedy="mend that, and call retry(error.receipt)",
        retryable=all(isinstance(error, DovetailError) and error.retryable for _, error in errors),
    )
    partial.__cause__ = first
    return partial
