"""What fails: refusals, limits of rate, lost answers, targets that do not take it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from dovetail_alerter.alerts import Alert, Attachment
from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.capabilities import Guarantee
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.samples import alert, having, prose, refusals_of, unique
from dovetail_alerter.interface import Alerter
from dovetail_alerter.receipts import PartialDelivery, Receipt
from dovetail_conformance import Effort, attempt, check, raises, rule, until, within
from dovetail_conformance.instruments import FaultProxy, Redirect, Refusal, TcpProxy
from dovetail_conformance.wires import answering, over_tcp, refusal
from dovetail_core.errors import DovetailError, InvalidArgument, RateLimited


class FailingRules:
    """Rules about alerts that do not get through at once."""

    @rule("AL-02", severity=1, needs=Capability.MULTI_TARGET)
    def test_each_target_is_accounted_for(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Where some targets refuse, the error says which ones have the alert and which have not, and trying again reaches only the latter."""
        with raises(InvalidArgument, did="posted only to a target that does not exist", mend="let the base class choose targets"):
            alerter.post(alert(), only=["nowhere"])
        with harness.several(3) as several:
            targets = several.post(alert()).delivered
            check(len(set(targets)) == 3, did="posted to three targets", came=targets, mend="say each target in the receipt")
            refusing = refusals_of(harness)[0]
            for refused in targets:
                sent = alert("body")
                with (
                    harness.refuse(several, refusing, target=refused),
                    raises(PartialDelivery, did=f"posted; one of three: {refusing}") as caught,
                ):
                    several.post(sent)
                receipt = _receipt(caught)
                came = (receipt.failed, receipt.delivered)
                wanted = ((refused,), tuple(target for target in targets if target != refused))
                check(came == wanted, did="looked at the receipt", came=came, mend="go on with the other targets, and account for each")
                with attempt(did="called retry() once the target takes it"):
                    whole = several.retry(receipt)
                check(whole.delivered == targets, did="called retry()", came=whole.delivered, mend="return the receipt of the whole")
                there = sorted(message.target for message in having(harness, several, sent.title))
                check(there == sorted(targets), did="called retry()", came=there, mend="send only what is missing")
            chosen = alert()
            several.post(chosen, only=[targets[1]])
            there = [message.target for message in having(harness, several, chosen.title)]
            check(there == [targets[1]], did="posted only to the second target", came=there, mend="let the base class choose targets")

    @rule("AL-33", severity=2)
    def test_a_split_alert_that_broke_off_is_continued(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """An alert of several messages that is refused in their midst says so, and trying again sends the others only."""
        sent = alert(prose(5 * alerter.limits.body // 2))
        for refusing in refusals_of(harness)[:1]:
            with (
                harness.refuse(alerter, refusing, after=1),
                raises(PartialDelivery, did=f"posted in parts; the second: {refusing}") as caught,
            ):
                alerter.post(sent)
            receipt = _receipt(caught)
            check(receipt.failed and not receipt.delivered, did="looked at the receipt", came=receipt.delivered, mend="count every part")
            with attempt(did="called retry() once the provider takes it"):
                alerter.retry(receipt)
            parts = having(harness, alerter, sent.title)
            titles = [part.title.removeprefix(sent.title) for part in parts]
            wanted = [f" ({number}/{len(titles)})" for number in range(1, len(titles) + 1)]
            check(titles == wanted, did="called retry()", came=titles, mend="send the parts that are missing, in their order")
            with attempt(did="called retry() with the receipt of an alert that was delivered"):
                alerter.retry(alerter.post(alert("once")))

    @rule("AL-05", severity=2, kind="fault", wire=True)
    def test_a_limit_of_rate_is_obeyed_by_all_threads(self, alerter: Alerter, harness: AlerterHarness, effort: Effort) -> None:
        """A provider that asks for fewer requests is asked again after the time that it names, by no thread before, and nothing is lost.

        The whole wait is bounded: where the provider asks for longer than `patience`, `RateLimited` is raised at once.
        """
        first, others = alert(), [alert() for _ in range(effort.pick(8, 20, 50))]
        with harness.refuse(alerter, "rate_limited", times=1):
            before = len(harness.attempts(alerter))
            thread = threading.Thread(target=alerter.post, args=(first,))
            thread.start()
            until(lambda: len(harness.attempts(alerter)) > before, did="waited for the first attempt")
            refused = harness.attempts(alerter)[before]
            heard = refused + harness.retry_after / 5  # what is sent before the refusal has arrived is no fault
            until(lambda: time.monotonic() > heard, did="waited for the refusal to arrive")
            threads = [threading.Thread(target=alerter.post, args=(other,)) for other in others]
            for other in threads:
                other.start()
            for other in [thread, *threads]:
                other.join(60)
        early = [moment for moment in harness.attempts(alerter)[before + 1 :] if moment < refused + harness.retry_after * 0.95]
        did = f"posted from {len(others) + 1} threads; the provider asked for a pause of {harness.retry_after:g} s"
        check(
            not early,
            did=did,
            came=f"{len(early)} requests within the pause",
            mend="raise RateLimited with `retry_after`; the base class waits",
        )
        for sent in (first, *others):
            there = having(harness, alerter, sent.title)
            check(len(there) == 1, did=did, came=f"{len(there)} of one alert", mend="send it again after the pause, once")
        with harness.make(patience=harness.retry_after / 10) as hasty, harness.refuse(hasty, "rate_limited"):
            did = "posted where the pause is longer than `patience`"
            with raises(RateLimited, did=did, mend="keep the wait within `patience`"):
                within(harness.retry_after * 0.9, lambda: hasty.post(alert()), did=did, mend="do not wait for what is in vain")

    @rule("AL-06", severity=1, kind="fault", wire=True)
    def test_a_lost_answer_keeps_the_declared_guarantee(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """An alert whose answer was lost arrives as often as the flavor says, with its files: once where it can know, else at most or at least once."""
        files = (Attachment("lost.txt", b"data"),) if Capability.ATTACHMENTS in alerter.capabilities else ()
        sent = alert("body", attachments=files)
        failed = False
        with harness.refuse(alerter, "lost", times=1):
            try:
                alerter.post(sent)
            except DovetailError:
                failed = True
        arrived = having(harness, alerter, sent.title)
        there = len(arrived)
        did = f"posted; the answer was lost; declared: {alerter.guarantee}"
        if Capability.IDEMPOTENT_DELIVERY in alerter.capabilities:
            mend = "let the provider recognise `message.key`, or implement `_find`"
            check((there, failed) == (1, False), did=did, came=f"{there} messages{' and an error' if failed else ''}", mend=mend)
        elif alerter.guarantee is Guarantee.AT_MOST_ONCE:
            check(there == 1, did=did, came=f"{there} messages", mend="raise AnswerLost where a message may have been accepted")
        else:
            check(
                there >= 1 and not failed,
                did=did,
                came=f"{there} messages, failed: {failed}",
                mend="raise AnswerLost, and it is sent again",
            )
        whole = any(message.attachments.get(file.name) == file.data for message in arrived for file in files)
        mend = "send the files of a message that is found"
        check(whole or failed or not files, did=f"{did}; looked for its file", came="it is not there", mend=mend)

    @rule("AL-24", severity=2, kind="fault", wire=True)
    def test_what_passes_is_tried_again_and_a_refusal_is_not(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """What the provider refuses for good is its own error and is sent once; what it refuses for now is sent again."""
        for kind in refusals_of(harness):
            before = len(harness.attempts(alerter))
            with harness.refuse(alerter, kind), raises(harness.refusals[kind], did=f"posted; the provider's answer was: {kind}"):
                alerter.post(alert())
            count = len(harness.attempts(alerter)) - before
            check(
                count == 1,
                did=f"posted; the provider's answer was: {kind}",
                came=f"{count} attempts",
                mend="raise an error that is not retryable; if it is, look whether the SDK repeats by itself, as with another way to log in",
            )
        sent = alert()
        did = "posted; the provider was unavailable twice"
        with harness.refuse(alerter, "unavailable", times=2), attempt(did=did, mend="raise Unavailable: the base class tries again"):
            alerter.post(sent)
        there = having(harness, alerter, sent.title)
        check(len(there) == 1, did=did, came=f"{len(there)} messages", mend="send it again, once")

    @rule("AL-20", severity=2, hooks=("proxy",), kind="security")
    def test_an_alert_follows_no_redirect(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """An alert, and the credentials it is sent with, are not sent on to another address that an answer names.

        Over HTTP, the answers are 301, 302, 307 and 308. Over another protocol it is what the harness says in `answers`, if it has one.
        """
        for elsewhere, moved, said in _moves(harness):
            did = f"posted; the answer was {said} to another address"
            with answering(harness, moved, None), raises(DovetailError, did=did, mend="take a redirect for a refusal"):
                alerter.post(Alert(unique()))
            check(elsewhere.count == 0, did=did, came=f"{elsewhere.count} requests there", mend="follow no redirects")


def _moves(harness: AlerterHarness) -> Iterator[tuple[FaultProxy | TcpProxy, Refusal, object]]:
    """Yield another address that listens, an answer that names it, and what that is called."""
    if over_tcp(harness):
        with TcpProxy("127.0.0.1", 9) as place:
            moved = refusal(harness, "moved", f"127.0.0.1:{place.port}")
            yield place, moved, moved.action
        return
    for code in (301, 302, 307, 308):
        with FaultProxy("127.0.0.1", 9) as there:
            yield there, Refusal(Redirect(f"{there.url}/", code)), code


def _receipt(caught: Any) -> Receipt:
    receipt: Receipt = caught.error.receipt
    return receipt
