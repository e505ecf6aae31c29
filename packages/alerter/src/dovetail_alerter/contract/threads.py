"""Alerts that belong together."""

from __future__ import annotations

from dovetail_alerter.alerts import Alert
from dovetail_alerter.capabilities import AlerterCapability as Capability
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.samples import alert, having, prose, unique
from dovetail_alerter.interface import Alerter
from dovetail_conformance import check, rule
from dovetail_conformance.instruments import workers


class ThreadRules:
    """Rules about threads."""

    @rule("AL-22", severity=3, needs=Capability.THREADS)
    def test_alerts_of_one_thread_are_together(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Alerts of a thread are shown below its first one, those of others are not; any receipt's thread can be answered to, also by another instance."""
        thread = unique("thread")
        first = Alert(unique(), prose(3 * alerter.limits.body // 2), thread=thread)
        receipt = alerter.post(first)
        second, apart, alone = Alert(unique(), thread=thread), Alert(unique(), thread=unique("thread")), alert()
        alerter.post(second)
        alerter.post(apart)
        reply = Alert(unique(), thread=alerter.post(alone).thread)
        alerter.post(reply)
        later = Alert(unique(), thread=receipt.thread)
        with type(alerter)(alerter.config) as other:
            other.continue_thread(receipt)
            other.post(later)
        root = self._place(harness, alerter, first)
        check(root == ("", receipt.id), did="posted the first alert of a thread", came=root, mend="let `Posted.id` be the provider's")
        self._below(harness, alerter, second, receipt.id, "the second alert of a thread")
        self._below(harness, alerter, later, receipt.id, "an alert by another instance, which continued the thread")
        self._below(harness, alerter, apart, "", "an alert of another thread")
        self._below(harness, alerter, reply, self._place(harness, alerter, alone)[1], "an alert in the thread of a receipt")
        parts = {part.thread for part in having(harness, alerter, first.title)[1:]}
        check(parts == {receipt.id}, did="posted an alert of several messages in a thread", came=parts, mend="let all parts be in it")

    @rule("AL-34", severity=3, needs=Capability.THREADS, kind="race")
    def test_a_thread_begins_once(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """When several threads of a program post the first alerts of one thread at once, one of them begins it, and the others follow."""
        alerter.post(Alert(unique(), thread=unique("thread")))
        thread = unique("thread")
        alerts = [Alert(unique(), thread=thread) for _ in range(8)]
        for came in workers(lambda sent: alerter.post(sent).id, [(sent,) for sent in alerts]):
            check(isinstance(came, str), did="posted the first alerts of a thread at once", came=came)
        heads = [sent for sent in alerts if self._place(harness, alerter, sent)[0] == ""]
        mend = "use the reference that the base class gives"
        check(len(heads) == 1, did="posted 8 first alerts of a thread at once", came=f"{len(heads)} begin one", mend=mend)

    def _place(self, harness: AlerterHarness, alerter: Alerter, sent: Alert) -> tuple[str, str]:
        """Return the thread and the id of the first message of an alert."""
        found = having(harness, alerter, sent.title)
        check(found, did="looked for an alert", came="nothing", mend="send it")
        return found[0].thread, found[0].id

    def _below(self, harness: AlerterHarness, alerter: Alerter, sent: Alert, root: str, what: str) -> None:
        came = self._place(harness, alerter, sent)[0]
        mend = "send `message.reply_to`, and return the thread's reference in `Posted.thread`"
        check(came == root, did=f"posted {what}", came=f"it is below {came!r}, and not {root!r}", mend=mend)
