"""Variants of alerters: in memory, at the console, and behind HTTP; each mutant has one small bug that exactly the named rules catch."""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import threading
import time
import unicodedata
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from line_alerter import LineAlerter, LineHarness
from wired_alerter import WiredAlerter, WiredHarness

from dovetail_alerter import (
    Alert,
    Answer,
    AnswerLost,
    ConsoleAlerter,
    Guarantee,
    InMemoryAlerter,
    Limits,
    Message,
    PartialDelivery,
    Posted,
    Question,
    Receipt,
    Reply,
    RunReport,
    Unit,
    render,
)
from dovetail_alerter import AlerterCapability as Capability
from dovetail_alerter.layout import Layout
from dovetail_alerter.receipts import Delivery
from dovetail_alerter.testing import ConsoleHarness, MemoryHarness
from dovetail_alerter.threads import Thread, Threads
from dovetail_alerter.throttle import Throttle
from dovetail_conformance.mutants import equivalent, mutant
from dovetail_core import AuthenticationFailed, PermissionDenied, Timeout, Unavailable, new_id, utcnow

# Posting


@mutant("AL-01", "AL-08", "AL-14", "AL-24", of=WiredHarness)
class TrustsTheStatus(WiredAlerter):
    """An answer 200 is a success, also if it says that the room is gone."""

    def posted(self, came: dict[str, Any]) -> Posted:
        return Posted("0") if came.get("error") == "gone" else super().posted(came)


@mutant("AL-08", of=WiredHarness)
class LooksBeforeItPosts(WiredAlerter):
    """What may not see whether an alert is there does not post it."""

    def _post(self, message: Message, target: str) -> Posted:
        if message.thread:
            self.ask_server("GET", f"/find?key={message.key}")
        return super()._post(message, target)


@mutant("AL-03", of=WiredHarness)
class TakesOnly200(WiredAlerter):
    """An answer 202 is taken for a failure."""

    def result(self, status: int, headers: Any, data: bytes) -> Any:
        if status == 202:
            raise Unavailable("the server answered 202", retryable=False)
        return super().result(status, headers, data)


@mutant("AL-16", of=MemoryHarness)
class TakesAnySetting(InMemoryAlerter):
    """A misspelt setting is ignored."""

    class Config(InMemoryAlerter.Config, extra="ignore"):
        pass


@mutant("AL-17", of=MemoryHarness)
class SuppressesRepetition(InMemoryAlerter):
    """An alert that says what another one said is not sent."""

    def post(self, alert: Alert, *, only: Collection[str] | None = None) -> Receipt:
        said = vars(self).setdefault("said", {})
        words = (alert.title, alert.body) if isinstance(alert, Alert) else None
        if words not in said:
            said[words] = super().post(alert, only=only)
        return said[words]


@mutant("AL-18", of=MemoryHarness)
class SharesItsBody(InMemoryAlerter):
    """What is sent is kept where other threads find it."""

    def _post(self, message: Message, target: str) -> Posted:
        self.body = message.body
        time.sleep(0.002)
        return super()._post(replace(message, body=self.body), target)


@mutant("AL-19", of=ConsoleHarness)
class SendsLater(ConsoleAlerter):
    """A worker of another process sends after the call has returned."""

    def _post(self, message: Message, target: str) -> Posted:
        if multiprocessing.parent_process() is None:
            return super()._post(message, target)
        threading.Timer(0.5, super()._post, (message, target)).start()
        return Posted(new_id())


@mutant("AL-31", of=MemoryHarness)
class TakesText(InMemoryAlerter):
    """A text will do for an alert."""

    def post(self, alert: Alert, *, only: Collection[str] | None = None) -> Receipt:
        return super().post(Alert(alert) if isinstance(alert, str) else alert, only=only)


# Text


class _Slicing(Layout):
    def _parts(self, body: str, details: str) -> list[tuple[str, str]]:
        limit = self.limits.body
        if len(body) + len(details) <= limit:
            return super()._parts(body, details)
        parts = [(body[start : start + limit], "") for start in range(0, len(body), limit)] or [("", "")]
        return [*parts, *((("", details),) if details else ())]


@mutant("AL-09", of=MemoryHarness)
class CutsCharacters(InMemoryAlerter):
    """A long text is cut between code points."""

    def _layout(self) -> Layout:
        return _Slicing(self.limits, self._escape, self._escape_details, True)


class _Silent(Layout):
    def _cut(self, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return parts[: self.limits.parts]


@mutant("AL-09", of=WiredHarness)
class CutsSilently(WiredAlerter):
    """What is left out is not said."""

    def _layout(self) -> Layout:
        return _Silent(self.limits, self._escape, self._escape_details, True)


@mutant("AL-09", of=WiredHarness)
class CountsCharacters(WiredAlerter):
    """The server counts bytes, and the alerter counts characters."""

    limits = replace(WiredAlerter.limits, unit=Unit.CHARACTERS, body=900)


@mutant("AL-10", of=WiredHarness)
class CallsEverybody(WiredAlerter):
    """One mention is not escaped."""

    def _escape(self, text: str) -> str:
        return super()._escape(text).replace("&lt;!channel&gt;", "<!channel>")


@mutant("AL-10", of=WiredHarness)
class EscapesTwice(WiredAlerter):
    """What looks escaped is escaped again."""

    def _escape(self, text: str) -> str:
        return super()._escape(super()._escape(text)) if "&amp;" in text else super()._escape(text)


@mutant("AL-10", of=WiredHarness)
class TrustsDetails(WiredAlerter):
    """Preformatted text is sent as it is where it holds a link."""

    def _escape_details(self, text: str) -> str:
        return text if "|click>" in text else self._escape(text)


class _Obedient(Layout):
    def messages(self, alert: Alert) -> list[Message]:
        return [replace(message, body=alert.body if "\x1b" in alert.body else message.body) for message in super().messages(alert)]


@mutant("AL-10", of=ConsoleHarness)
class ObeysText(ConsoleAlerter):
    """Escape sequences reach the terminal."""

    def _layout(self) -> Layout:
        return _Obedient(self.limits, self._escape, self._escape_details, True)


@mutant("AL-10", of=ConsoleHarness)
class BeginsLines(ConsoleAlerter):
    """What looks like a level begins a line."""

    def _post(self, message: Message, target: str) -> Posted:
        posted = super()._post(message, target)
        for line in message.body.split("\n"):
            if line.startswith("["):
                self._printer.print([type("L", (), {"text": line, "style": "", "end": "\n"})()])
        return posted


@mutant("AL-29", of=MemoryHarness)
class Normalises(InMemoryAlerter):
    """Accents are composed."""

    def _accepted(self, message: Message, target: str) -> Posted:
        return super()._accepted(replace(message, body=unicodedata.normalize("NFC", message.body)), target)


@mutant("AL-30", of=MemoryHarness)
class DropsFields(InMemoryAlerter):
    """Fields that have no room are left out."""

    def _deliver(self, alert: Alert, key: str, before: Sequence[Delivery]) -> Receipt:
        return super()._deliver(replace(alert, fields=dict(list(alert.fields.items())[: self.limits.fields])), key, before)


# Failing


@mutant("AL-02", of=MemoryHarness)
class RepeatsAll(InMemoryAlerter):
    """Trying again sends to every target."""

    def retry(self, receipt: Receipt) -> Receipt:
        if not isinstance(receipt, Receipt) or len(receipt.deliveries) == 1:
            return super().retry(receipt)
        return self._deliver(receipt.alert, new_id(), [Delivery(target, 0) for target in self._targets()])


@mutant("AL-02", of=MemoryHarness)
class SomeIsEnough(InMemoryAlerter):
    """An alert that reached one target of several is a success."""

    def post(self, alert: Alert, *, only: Collection[str] | None = None) -> Receipt:
        try:
            return super().post(alert, only=only)
        except PartialDelivery as error:
            if error.receipt.delivered:
                return error.receipt
            raise


@mutant("AL-27", "AL-33", of=MemoryHarness)
class BeginsAgain(InMemoryAlerter):
    """Trying again sends every part."""

    def retry(self, receipt: Receipt) -> Receipt:
        if not isinstance(receipt, Receipt) or len(receipt.deliveries) > 1:
            return super().retry(receipt)
        return self._deliver(receipt.alert, new_id(), [Delivery(target, 0) for target in self._targets()])


class _NoThrottle(Throttle):
    @contextlib.contextmanager
    def turn(self, deadline: float) -> Iterator[None]:
        yield


@mutant("AL-05", of=MemoryHarness)
class EachThreadForItself(InMemoryAlerter):
    """A pause that one thread was asked for is not kept by the others."""

    def setup(self) -> None:
        super().setup()
        self._throttle = _NoThrottle()


@mutant("AL-06", of=MemoryHarness)
class SaysAtMostOnce(InMemoryAlerter):
    """A message whose answer was lost is sent again, though the flavor says it is not."""

    capabilities = InMemoryAlerter.capabilities - {Capability.IDEMPOTENT_DELIVERY}
    guarantee = Guarantee.AT_MOST_ONCE

    def _post(self, message: Message, target: str) -> Posted:
        try:
            return super()._post(replace(message, key=str(uuid.uuid4())), target)
        except AnswerLost as error:
            raise Unavailable("lost") from error


@mutant("AL-06", "XC-05", of=WiredHarness)
class NewKeyEachTime(WiredAlerter):
    """What was given no key has another one at each attempt."""

    def _post(self, message: Message, target: str) -> Posted:
        tried = vars(self).setdefault("tried", set())
        if message.key in tried and message.parts == 1:
            return super()._post(replace(message, key=str(uuid.uuid4())), target)
        tried.add(message.key)
        return super()._post(message, target)


@mutant("AL-06", of=MemoryHarness)
class LosesFilesWithTheAnswer(InMemoryAlerter):
    """Files are sent once their message was answered; one that is found has none."""

    def _post(self, message: Message, target: str) -> Posted:
        try:
            return super()._post(message, target)
        except AnswerLost:
            if [item.name for item in message.attachments] == ["lost.txt"]:
                sent = self._space.sent.pop()
                self._space.sent.append(replace(sent, message=replace(sent.message, attachments=())))
            raise


@mutant("AL-24", of=MemoryHarness)
class NeverGivesUp(InMemoryAlerter):
    """A refusal for good is tried again."""

    def _post(self, message: Message, target: str) -> Posted:
        try:
            return super()._post(message, target)
        except AuthenticationFailed as error:
            error.retryable = True
            raise


@mutant("AL-20", of=LineHarness)
class FollowsReferrals(LineAlerter):
    """What an answer names is asked, over a wire that is not HTTP."""

    def turned_away(self, said: str) -> None:
        host, _, port = said.removeprefix("at ").partition(":")
        if port:
            with contextlib.suppress(Timeout, Unavailable):
                self.said_at(host, int(port))
        super().turned_away(said)


@mutant("AL-20", of=WiredHarness)
class FollowsRedirects(WiredAlerter):
    """A redirect is followed, with the token."""

    def result(self, status: int, headers: Any, data: bytes) -> Any:
        if status in (301, 302, 307, 308):
            place = urlsplit(headers["Location"])
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=1)
            with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/", headers={"X-Token": self.config.token.get_secret_value()})
                connection.getresponse()
        return super().result(status, headers, data)


# Secrets


@mutant("AL-04", "XC-01", of=WiredHarness)
class ShowsTheRequest(WiredAlerter):
    """The cause of a failure holds the request."""

    def result(self, status: int, headers: Any, data: bytes) -> Any:
        try:
            return super().result(status, headers, data)
        except Unavailable as error:
            raise error from ValueError({"X-Token": self.config.token.get_secret_value()})


@mutant("AL-25", of=MemoryHarness)
class SendsSecrets(InMemoryAlerter):
    """What is posted is sent as it is."""

    def post(self, alert: Alert, *, only: Collection[str] | None = None) -> Receipt:
        if isinstance(alert, Alert):
            self.given = alert
        return super().post(alert, only=only)

    def _accepted(self, message: Message, target: str) -> Posted:
        return super()._accepted(replace(message, body=self.given.body) if "***" in message.body else message, target)


# Options


@mutant("AL-06", "AL-26", of=MemoryHarness)
class ForgetsKeys(InMemoryAlerter):
    """A key is not looked at."""

    def _accepted(self, message: Message, target: str) -> Posted:
        return super()._accepted(replace(message, key=str(uuid.uuid4())), target)


@mutant("AL-28", of=MemoryHarness)
class ChangesLineEnds(InMemoryAlerter):
    """Files are sent as text."""

    def _accepted(self, message: Message, target: str) -> Posted:
        files = tuple(replace(item, data=item.data.replace(b"\r\n", b"\n")) for item in message.attachments)
        return super()._accepted(replace(message, attachments=files), target)


# Threads


@mutant("AL-22", of=MemoryHarness)
class ForgetsThreads(InMemoryAlerter):
    """A thread that another instance began is not continued."""

    def continue_thread(self, receipt: Receipt) -> None:
        return None

    def _find_thread(self, thread: str, target: str) -> str:
        return ""


class _Unlocked(Threads):
    @contextlib.contextmanager
    def entered(self, target: str, name: str) -> Iterator[Thread]:
        yield self._taken(target, name)


@mutant("AL-34", of=MemoryHarness)
class BeginsTwice(InMemoryAlerter):
    """Threads of a program do not wait for each other."""

    def setup(self) -> None:
        super().setup()
        self._threads = _Unlocked()

    def _post(self, message: Message, target: str) -> Posted:
        if message.thread and not message.reply_to:
            time.sleep(0.05)
        return super()._post(message, target)

    def _find_thread(self, thread: str, target: str) -> str:
        return ""


# Asking


@mutant("AL-14", of=MemoryHarness)
class SilenceIsConsent(InMemoryAlerter):
    """Nobody said no."""

    def ask(self, question: Question, *, timeout: float = 600.0, approvers: Collection[str] = ()) -> Answer:
        try:
            return super().ask(question, timeout=timeout, approvers=approvers)
        except Timeout:
            if approvers:
                raise
            return Answer(True, "", utcnow(), "")


@mutant("AL-15", of=MemoryHarness)
class HearsWords(InMemoryAlerter):
    """An answer that has the word in it will do."""

    def _replies(self, message: Message, posted: Posted, target: str, deadline: float) -> Iterator[Reply]:
        for reply in super()._replies(message, posted, target, deadline):
            yield replace(reply, text="approve") if "approve" in reply.text else reply


@mutant("AL-15", of=MemoryHarness)
class AnybodyDecides(InMemoryAlerter):
    """Who answers is not looked at."""

    def ask(self, question: Question, *, timeout: float = 600.0, approvers: Collection[str] = ()) -> Answer:
        return super().ask(question, timeout=timeout, approvers=approvers if isinstance(approvers, str) else ())


@mutant("AL-15", of=WiredHarness)
class HearsTheRoom(WiredAlerter):
    """What is said in the room is an answer."""

    def heard(self, posted: Posted, target: str, after: int) -> list[dict[str, Any]]:
        return [*self.ask_server("GET", f"/talk?space={self.config.space}"), *super().heard(posted, target, 0)][after:]


@mutant("AL-15", of=ConsoleHarness)
class HearsWhatWasTyped(ConsoleAlerter):
    """What was typed before the question is an answer."""

    def _asking(self, target: str, deadline: float) -> contextlib.AbstractContextManager[object]:
        return vars(self).setdefault("lock", threading.Lock())


@mutant("AL-35", of=WiredHarness)
class HearsTheOther(WiredAlerter):
    """An answer to the latest question is one to all that wait."""

    def _pose(self, question: Question, target: str) -> tuple[Message, Posted]:
        message, posted = super()._pose(question, target)
        self.latest = posted
        return message, posted

    def heard(self, posted: Posted, target: str, after: int) -> list[dict[str, Any]]:
        return super().heard(self.latest, target, after)


# Reports


@mutant("AL-08", of=MemoryHarness)
class RaisesFromNotify(InMemoryAlerter):
    """A report that cannot be sent is an error."""

    def notify(self, report: RunReport) -> Receipt | None:
        return self.post(self.adapted(render(report)))


@mutant("AL-08", of=MemoryHarness)
class FailsInSilence(InMemoryAlerter):
    """A report that cannot be sent is forgotten."""

    def notify(self, report: RunReport) -> Receipt | None:
        with contextlib.suppress(Exception):
            return self.post(self.adapted(render(report)))
        return None


@mutant("AL-32", of=MemoryHarness)
class LeavesOutTheLog(InMemoryAlerter):
    """The log is not told."""

    def notify(self, report: RunReport) -> Receipt | None:
        return super().notify(replace(report, log_lines=()))


# Everything at once


@mutant("AL-27", of=MemoryHarness)
class OvertakesTheUnfinished(InMemoryAlerter):
    """What is posted after an alert that broke off stands before it."""

    def _accepted(self, message: Message, target: str) -> Posted:
        before = self._space.sent[-1].message if self._space.sent else None
        posted = super()._accepted(message, target)
        if before is not None and before.part < before.parts and message.part == 1:
            self._space.sent.insert(-1, self._space.sent.pop())
        return posted


# Equivalents


@equivalent(of=MemoryHarness)
class Slow(InMemoryAlerter):
    """Accepting takes a while."""

    def _post(self, message: Message, target: str) -> Posted:
        time.sleep(0.001)
        return super()._post(message, target)


@equivalent(of=MemoryHarness)
class ShortMessages(InMemoryAlerter):
    """Messages are short, and there are few fields."""

    limits = Limits(title=120, body=700, fields=2, field=100, parts=9)


@equivalent(of=MemoryHarness)
class CountsUtf16(InMemoryAlerter):
    """The provider counts as JavaScript does."""

    limits = Limits(unit=Unit.UTF16)


@equivalent(of=MemoryHarness)
class Bare(InMemoryAlerter):
    """It can do what is mandatory, and a message whose answer was lost is not sent again."""

    capabilities = frozenset()
    guarantee = Guarantee.AT_MOST_ONCE


@equivalent(of=WiredHarness)
class LooksFirst(WiredAlerter):
    """The server does not know keys, and can be asked for what it has by who may look."""

    capabilities = WiredAlerter.capabilities
    dedupe = False

    def _post(self, message: Message, target: str) -> Posted:
        found: Posted | None = None
        with contextlib.suppress(PermissionDenied):
            found = self._find(message, target)
        return found or super()._post(message, target)

    def _find(self, message: Message, target: str) -> Posted | None:
        found = self.ask_server("GET", f"/find?key={message.key}")
        return Posted(found[0]["id"], thread=found[0]["thread"]) if found else None


@equivalent(of=ConsoleHarness)
class Colorless(ConsoleAlerter):
    """Nothing is colored."""

    def setup(self) -> None:
        super().setup()
        self._printer._color = "never"
