"""Posting an alert: it is there when the call returns, once, whole."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from typing import Any

from dovetail_alerter.alerts import Alert
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.samples import alert, having, unique
from dovetail_alerter.interface import Alerter
from dovetail_conformance import Effort, attempt, check, raises, rule
from dovetail_conformance.instruments import workers
from dovetail_core.errors import ConfigError, DovetailError, InvalidArgument


class PostingRules:
    """Rules about what arrives."""

    @rule("AL-01", severity=1)
    def test_success_is_what_the_provider_accepted(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Posting succeeds only after the provider has accepted the alert; whatever refuses it is an error, also in an answer that looks well."""
        sent = alert("body")
        receipt = alerter.post(sent)
        there = having(harness, alerter, sent.title)
        mend = "return after the provider's answer, and look at what it says"
        check(len(there) == 1, did="looked at the provider after post() returned", came=f"{len(there)} messages", mend=mend)
        check(not receipt.failed and receipt.delivered, did="looked at the receipt", came=receipt.failed, mend=mend)
        for kind in harness.refusals:
            refused = alert("body")
            with harness.refuse(alerter, kind), raises(DovetailError, did=f"posted; the provider's answer was: {kind}", mend=mend):
                alerter.post(refused)
            there = having(harness, alerter, refused.title)
            check(
                not there, did=f"looked for an alert that was refused ({kind})", came=f"{len(there)} messages", mend="do not send it again"
            )

    @rule("AL-03", severity=2)
    def test_what_was_delivered_is_no_failure(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """An alert that the provider has accepted is never reported as failed, in whichever way it says so."""
        for how, accepting in harness.acceptances(alerter).items():
            sent = alert("body")
            did = f"posted; the provider accepted by {how}"
            with accepting, attempt(did=did, mend="take every answer that means accepted"):
                alerter.post(sent)
            there = having(harness, alerter, sent.title)
            check(len(there) == 1, did=did, came=f"{len(there)} messages", mend="do not send it again")

    @rule("AL-16", severity=2, kind="metadata")
    def test_wrong_settings_are_found_at_once(self, harness: AlerterHarness) -> None:
        """A setting that cannot be right is refused when the component is made, and so is one that does not exist."""
        for wrong in ({"chanel": "x"}, *harness.wrong_settings()):
            with raises(ConfigError, did=f"made the component with {', '.join(wrong)} of a wrong value", mend="validate it in `Config`"):
                harness.make(**wrong).close()

    @rule("AL-17", severity=2)
    def test_distinct_alerts_all_arrive(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Every alert that is posted arrives: neither the same title, nor the same text, makes two alerts one."""
        title = unique()
        for body in ("first", "second", "second"):
            alerter.post(Alert(title, body))
        found = [message.text for message in having(harness, alerter, title)]
        bodies = Counter("first" if "first" in text else "second" for text in found)
        mend = "suppress nothing that was not given the same `key`"
        check(
            bodies == {"first": 1, "second": 2}, did="posted three alerts with one title, two of them alike", came=dict(bodies), mend=mend
        )

    @rule("AL-18", severity=2, kind="race")
    def test_many_threads_may_post(self, alerter: Alerter, harness: AlerterHarness, effort: Effort) -> None:
        """Alerts from many threads all arrive, each once and whole, and those of one thread in its order."""
        titles = [unique() for _ in range(effort.pick(8, 16, 32))]
        count = effort.pick(3, 10, 50)

        def send(title: str) -> None:
            for number in range(count):
                alerter.post(Alert(f"{title} {number:03}", f"body of {title} {number:03}"))

        for came in workers(send, [(title,) for title in titles]):
            check(came is None, did=f"posted from {len(titles)} threads", came=came, mend="share nothing between threads without a lock")
        received = list(harness.received(alerter))
        for title in titles:
            numbers = [message.title.removeprefix(title).strip() for message in received if message.title.startswith(title)]
            wanted = [f"{number:03}" for number in range(count)]
            check(numbers == wanted, did=f"posted from {len(titles)} threads", came=numbers, mend="send before post() returns")
        torn = [message.title for message in received if message.title not in message.text and message.title.startswith("alert")]
        check(not torn, did="compared titles and bodies", came=torn, mend="send each message as one")

    @rule("AL-19", severity=2, hooks=("second",), kind="race")
    def test_nothing_is_lost_at_exit(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """When posting has returned, the process may end at once, and the alert is there."""
        title = unique()
        child = multiprocessing.get_context("spawn").Process(target=_post_and_leave, args=(type(alerter), alerter.config, title))
        child.start()
        child.join(60)
        check(child.exitcode == 0, did="posted in another process", came=f"exit code {child.exitcode}")
        there = having(harness, alerter, title)
        mend = "send within the call, not in a thread that outlives it"
        check(len(there) == 1, did="posted in a process that ended at once", came=f"{len(there)} messages", mend=mend)

    @rule("AL-31", severity=2)
    def test_wrong_arguments_are_refused_first(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """What is no alert, or cannot be sent, is refused as `InvalidArgument` before anything is sent."""
        wrong: dict[str, Any] = {
            "a text in place of an alert": lambda: alerter.post("text"),  # type: ignore[arg-type]
            "a text in place of a receipt": lambda: alerter.retry("text"),  # type: ignore[arg-type]
            "an empty title": lambda: alerter.post(Alert("  ")),
            "a title of two lines": lambda: alerter.post(Alert("a\r\nBcc: b")),
            "a NUL": lambda: alerter.post(Alert("a", "b\0c")),
            "half a surrogate pair": lambda: alerter.post(Alert("a", "b\ud83d")),
            "a level that does not exist": lambda: alerter.post(Alert("a", level="fatal")),  # type: ignore[arg-type]
            "a field that is no text": lambda: alerter.post(Alert("a", fields={"b": 1})),  # type: ignore[dict-item]
        }
        for what, call in wrong.items():
            with raises(InvalidArgument, did=f"posted {what}", mend="let the base class validate"):
                call()
        came = harness.received(alerter)
        check(not came, did="looked at the provider after wrong arguments", came=f"{len(came)} messages", mend="validate before sending")


def _post_and_leave(kind: type[Alerter], config: Any, title: str) -> None:
    kind(config).post(Alert(title))
    os._exit(0)  # neither exit handlers nor threads get to finish
