"""The contract of alerters: what an author implements, and what is derived from it."""

from __future__ import annotations

import builtins
import contextlib
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import ClassVar, overload

from pydantic import Field

from dovetail_alerter.alerts import Alert
from dovetail_alerter.asking import first_decision
from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.capabilities import Guarantee
from dovetail_alerter.delivering import deliver, failure_of
from dovetail_alerter.layout import Layout, keyed, masked
from dovetail_alerter.messages import Limits, Message
from dovetail_alerter.questions import Answer, Question, Reply
from dovetail_alerter.receipts import Delivery, PartialDelivery, Posted, Receipt
from dovetail_alerter.rendering import render
from dovetail_alerter.reports import RunReport
from dovetail_alerter.threads import Threads
from dovetail_alerter.throttle import Throttle
from dovetail_core import Component, ComponentConfig, InvalidArgument, Timeout, mask, needs, new_id, require, utcnow

log: logging.Logger = logging.getLogger("dovetail.alerter")


class AlerterConfig(ComponentConfig):
    """What every alerter can be told."""

    attempts: int = Field(5, ge=1, le=20, description="How often a message is sent at most, where sending fails for a passing reason.")
    patience: float = Field(
        60.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds after which a message is not tried again, pauses that are asked for included.",
    )


class Alerter(Component, ABC):
    """Tells people something, and asks them.

    An author implements `_post`, and sets `limits`, `guarantee`, `_escape` and `_escape_details` to what the provider takes; `_targets`
    where there can be several; `_replies` for ASK; `_find` where the provider can be asked what it has. The base class validates, masks secrets, makes
    control characters visible, escapes, splits, retries, keeps threads together, and accounts for each target.
    """

    type = "alerter"
    Config: ClassVar[builtins.type[AlerterConfig]] = AlerterConfig
    """The flavor's settings: a subclass of `AlerterConfig`."""
    config: AlerterConfig
    limits: Limits = Limits()
    """What fits into one message of the provider: the base class splits and cuts accordingly."""
    guarantee: ClassVar[Guarantee] = Guarantee.AT_LEAST_ONCE
    """What becomes of a message whose answer was lost (`AnswerLost`), without IDEMPOTENT_DELIVERY and without `_find`."""

    def setup(self) -> None:
        """Prepare what threads share. An author who overrides this calls it, and may put another `Throttle` in place."""
        super().setup()
        self._throttle = Throttle()
        self._threads = Threads()

    # Primitives

    @abstractmethod
    def _post(self, message: Message, target: str) -> Posted:
        """Send one message to one target, once, and return what the provider says of it, after it has accepted it.

        Raises `RateLimited`, `Unavailable`, `Timeout` (tried again by the base class), `AnswerLost` where it may have been accepted, and
        what is permanent as it is: `AuthenticationFailed`, `PermissionDenied`, `NotFound`, `InvalidArgument`.
        """

    def _targets(self) -> Sequence[str]:
        """Return the names of the targets, from the config; several need MULTI_TARGET. No I/O."""
        return (self.flavor,)

    def _escape(self, text: str) -> str:
        """Return text as the provider shows it literally: no mention, no link, no markup."""
        return text

    def _escape_details(self, text: str) -> str:
        """Return preformatted text as the provider shows it literally, within what the flavor puts around it."""
        return self._escape(text)

    def _find(self, message: Message, target: str) -> Posted | None:
        """Return the message that the provider has under `message.key`, None if it has none. Asked after an answer was lost.

        An author whose provider cannot tell leaves this out.
        """
        return None

    def _has_begun(self, message: Message, target: str) -> bool:
        """Tell whether something of a message that was refused is there, so that `_post` would complete it. No I/O.

        For an author whose provider takes a message in several steps.
        """
        return False

    def _find_thread(self, thread: str, target: str) -> str:
        """Return the provider's reference of a thread that another process began, empty if there is none or it cannot be found.

        Empty too where credentials that may post may not look. Any other error but one of credentials is logged, and the alert is posted.
        """
        return ""

    def _replies(self, message: Message, posted: Posted, target: str, deadline: float) -> Iterator[Reply]:
        """Yield what people say to a question that was posted, as they say it; end at `deadline` (of `time.monotonic`), not before.

        Only what is said to this message, after it, and never the alerter's own text. Who may decide, and what is a decision, is
        judged by the base class.
        """
        raise NotImplementedError(f"{type(self).__name__} declares ASK: implement `_replies`")

    def _people(self, name: str) -> Collection[str]:
        """Return the ids, as in `Reply.by`, of whom an approver's name stands for: a person, or a group. Raises `NotFound` for nobody."""
        return (name,)

    def _asking(self, target: str, deadline: float) -> AbstractContextManager[object]:
        """Return what is held while a question is posted and answered, such as a terminal or a connection; entering it raises if none is to be had."""
        return contextlib.nullcontext()

    def _close_question(self, message: Message, posted: Posted, target: str, answer: Answer | None) -> None:
        """Show at the question that it is decided, or with None that it is over; what fails here is logged and does no harm."""

    # Posting

    def post(self, alert: Alert, *, only: Collection[str] | None = None) -> Receipt:
        """Send an alert to every target, or to some, and return once the provider has accepted all of it.

        Raises what refused it if nothing was accepted, and `PartialDelivery` if something was: its `receipt` tells what, and `retry`
        sends the rest. Raises `Unsupported` for what the flavor does not declare, and `InvalidArgument`, before anything is sent.
        """
        if not isinstance(alert, Alert):
            raise InvalidArgument(f"an alert is needed, and this is {type(alert).__name__}", remedy="make an Alert(title, body)")
        self._require(alert)
        targets = self._chosen(only)
        return self._deliver(masked(alert), alert.key or new_id(), [Delivery(target, 0) for target in targets])

    def retry(self, receipt: Receipt) -> Receipt:
        """Send what a receipt says was not accepted, and nothing else, and return the receipt of the whole; raises as `post` does."""
        if not isinstance(receipt, Receipt):
            raise InvalidArgument(f"a receipt is needed, and this is {type(receipt).__name__}", remedy="take the `receipt` of the error")
        self._known_targets([delivery.target for delivery in receipt.deliveries])
        return self._deliver(receipt.alert, receipt.key, receipt.deliveries) if receipt.failed else receipt

    def notify(self, report: RunReport) -> Receipt | None:
        """Tell what became of a run or step, as well as this alerter can. Never raises: what fails is logged as an error, and None is returned.

        Where only some was accepted, the receipt says what.
        """
        try:
            return self.post(self.adapted(render(report)))
        except PartialDelivery as error:
            log.error("%s", error)
            return error.receipt
        except Exception as error:
            run = getattr(report, "run_id", "?")
            log.error("%s: the alert about run %s was not sent: %s: %s", self.label, run, type(error).__name__, mask(str(error)))
            return None

    @overload
    def adapted(self, message: Alert) -> Alert: ...

    @overload
    def adapted(self, message: Question) -> Question: ...

    def adapted(self, message: Alert | Question) -> Alert | Question:
        """Return an alert or question without what this alerter does not declare: thread, key, and attachments, which the body then names."""
        if Capability.THREADS not in self.capabilities:
            message = replace(message, thread="")
        if isinstance(message, Question):
            return message
        if Capability.IDEMPOTENT_DELIVERY not in self.capabilities:
            message = replace(message, key="")
        if message.attachments and Capability.ATTACHMENTS not in self.capabilities:
            names = ", ".join(attachment.name for attachment in message.attachments)
            message = replace(message, attachments=(), body=f"{message.body}\n\nNot attached: {names}".lstrip())
        return message

    @needs(Capability.THREADS)
    def continue_thread(self, receipt: Receipt) -> None:
        """Let later alerts whose `thread` is `receipt.thread` follow that alert, which another process or instance posted."""
        for target, reference in receipt.references.items():
            with self._threads.entered(target, receipt.thread) as thread:
                thread.reference = reference

    # Asking

    @needs(Capability.ASK)
    def ask(self, question: Question, *, timeout: float = 600.0, approvers: Collection[str] = ()) -> Answer:
        """Post a question to the first target, and return the first decision of somebody who may decide.

        `approvers` are ids or names of people or groups as the provider knows them; empty: everybody who sees the question. `timeout`
        is in seconds: if nobody has decided by then, `Timeout` is raised, which is no approval. Raises what posting raises, before any
        waiting, and `NotFound` for an approver who does not exist, before anything is posted.
        """
        self._check_question(question, timeout, approvers)
        allowed = frozenset(person for name in approvers for person in self._people(name))
        if approvers and not allowed:
            raise InvalidArgument("nobody may answer: the groups of `approvers` are empty", remedy="name people, or other groups")
        deadline = time.monotonic() + timeout
        target = self._targets()[0]
        with self._asking(target, deadline):
            answer = self._answer(question, target, allowed, deadline)
        if answer is None:
            raise Timeout(f"{self.label}: nobody decided on '{question.title}' within {timeout:g} s", remedy="ask again", retryable=False)
        return answer

    # What is derived

    def _can_find(self) -> bool:
        return type(self)._find is not Alerter._find

    def _layout(self) -> Layout:
        return Layout(self.limits, self._escape, self._escape_details, Capability.RICH in self.capabilities)

    def _require(self, alert: Alert) -> None:
        for given, capability in (
            (alert.attachments, Capability.ATTACHMENTS),
            (alert.thread, Capability.THREADS),
            (alert.key, Capability.IDEMPOTENT_DELIVERY),
        ):
            if given:
                require(self, capability)
        for attachment in alert.attachments:
            if len(attachment.data) > self.limits.attachment:
                raise InvalidArgument(
                    f"{self.label}: the attachment '{attachment.name}' has {len(attachment.data):,} bytes",
                    remedy=f"attach at most {self.limits.attachment:,} bytes, or link to it",
                )

    def _chosen(self, only: Collection[str] | None) -> Sequence[str]:
        if only is None:
            return self._targets()
        require(self, Capability.MULTI_TARGET)
        if isinstance(only, str) or not only:
            raise InvalidArgument("`only` names no targets", remedy=f"targets: {', '.join(self._targets())}")
        self._known_targets(only)
        return [target for target in self._targets() if target in only]

    def _known_targets(self, names: Iterable[str]) -> None:
        if unknown := [name for name in names if name not in self._targets()]:
            raise InvalidArgument(f"{self.label} has no target '{unknown[0]}'", remedy=f"targets: {', '.join(self._targets())}")

    def _deliver(self, alert: Alert, key: str, before: Sequence[Delivery]) -> Receipt:
        messages = self._layout().messages(alert)
        outcomes = [
            deliver(self, keyed(messages, key, delivery.target), delivery, alert.thread or key, alert.thread) for delivery in before
        ]
        receipt = Receipt(alert, key, tuple(delivery for delivery, _ in outcomes), utcnow())
        if receipt.failed:
            raise failure_of(self.label, receipt, [(delivery.target, error) for delivery, error in outcomes if error is not None])
        return receipt

    def _check_question(self, question: Question, timeout: float, approvers: Collection[str]) -> None:
        if not isinstance(question, Question):
            raise InvalidArgument(f"a question is needed, and this is {type(question).__name__}", remedy="make a Question(title)")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not math.isfinite(timeout) or timeout <= 0:
            raise InvalidArgument(f"`timeout` is {timeout!r}", remedy="give a number of seconds above 0")
        if isinstance(approvers, str) or not all(isinstance(name, str) and name for name in approvers):
            raise InvalidArgument("`approvers` is no list of names", remedy="give a list, also of one")
        self._require(question.as_alert())

    def _answer(self, question: Question, target: str, allowed: frozenset[str], deadline: float) -> Answer | None:
        message, posted = self._pose(question, target)
        answer: Answer | None = None
        try:
            with contextlib.closing(_closable(self._replies(message, posted, target, deadline))) as replies:
                answer = first_decision(replies, question, allowed, deadline)
        finally:
            self._show_end(message, posted, target, answer)
        return answer

    def _pose(self, question: Question, target: str) -> tuple[Message, Posted]:
        """Post a question, and return the message that asks it, and what the provider said of it."""
        alert = masked(question.as_alert())
        key = new_id()
        messages = keyed(self._layout().messages(alert), key, target)
        messages[-1] = replace(messages[-1], question=question)
        delivery, error = deliver(self, messages, Delivery(target, 0), alert.thread or key, alert.thread)
        if error is not None:
            raise failure_of(self.label, Receipt(alert, key, (delivery,), utcnow()), [(target, error)])
        return messages[-1], delivery.messages[-1]

    def _show_end(self, message: Message, posted: Posted, target: str, answer: Answer | None) -> None:
        try:
            self._close_question(message, posted, target, answer)
        except Exception as error:
            log.warning("%s: a question could not be marked as over: %s: %s", self.label, type(error).__name__, mask(str(error)))


def _closable(replies: Iterable[Reply]) -> Generator[Reply, None, None]:
    """Yield replies; a generator can be closed, whatever an author returns."""
    yield from replies
