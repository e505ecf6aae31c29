"""What is told of runs, and that telling it does no harm."""

from __future__ import annotations

import logging
from typing import Self

from dovetail_alerter.alerts import Link
from dovetail_alerter.capabilities import Guarantee
from dovetail_alerter.contract.harness import AlerterHarness
from dovetail_alerter.contract.samples import having, pressed, refusals_of, unique
from dovetail_alerter.interface import Alerter
from dovetail_alerter.reports import RunReport
from dovetail_conformance import attempt, check, rule
from dovetail_core import Failure


class RunsOwnError(Exception):
    """What a run failed with."""


class ReportRules:
    """Rules about `notify`."""

    @rule("AL-08", severity=1)
    def test_an_alerter_that_fails_hides_nothing(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """Whatever keeps a report from being sent, `notify` does not raise: it is logged, and the run's own error stays what it is. What may only post does."""
        report = RunReport(unique("pipeline"), "r1", "failed", failure=Failure("E", "m"))
        for kind in refusals_of(harness):
            with _Records() as records, harness.refuse(alerter, kind):
                came: object = None
                try:
                    try:
                        raise RunsOwnError("the run's own")
                    finally:
                        alerter.notify(report)
                except Exception as error:
                    came = error
            did = f"notified while an exception was under way; the provider's answer was: {kind}"
            check(isinstance(came, RunsOwnError), did=did, came=repr(came), mend="let nothing out of `notify`")
            check(logging.ERROR in records.levels, did=did, came=f"log records of levels {records.levels}", mend="log it as an error")
        if (writer := harness.writer()) is not None:
            with writer:
                self._arrives(writer, harness, report)

    def _arrives(self, writer: Alerter, harness: AlerterHarness, report: RunReport) -> None:
        """Fail the rule unless a report arrives where nothing can be read, also after an answer was lost."""
        receipt = writer.notify(report)
        did = "notified with credentials that may only post"
        check(receipt is not None and not receipt.failed, did=did, came=receipt, mend="take what may not be read for what is not there")
        with harness.refuse(writer, "lost", times=1):
            receipt = writer.notify(report)
        if writer.guarantee is Guarantee.AT_LEAST_ONCE:
            check(receipt is not None and not receipt.failed, did=f"{did}; the answer was lost", came=receipt, mend="send it again")

    @rule("AL-32", severity=3)
    def test_a_report_tells_what_is_needed(self, alerter: Alerter, harness: AlerterHarness) -> None:
        """A report tells pipeline, run, step, what failed, how long it took, the last lines of the log, and where to see more; any text is taken."""
        report = RunReport(
            unique("pipeline"), "run-id-1", "failed", "run-name", "the-step", 2, Failure("SomeError", "its message \udcff\0", "Trace\n  line\n"),
            tuple(f"log line {number}\x1b[0m" for number in range(5)), 83.5, (Link("https://example.org/run"),), "dovetail runs show run-id-1",
        )  # fmt: skip
        with attempt(did="notified"):
            receipt = alerter.notify(report)
        check(receipt is not None and not receipt.failed, did="notified", came=receipt, mend="let every part of a report be sent")
        found = having(harness, alerter, "step the-step of")
        shown = pressed(" ".join(f"{message.title} {message.text} {message.links}" for message in found))
        wanted = (
            report.pipeline,
            "run-id-1",
            "run-name",
            "the-step",
            "failed",
            "SomeError: its message",
            "Trace",
            "log line 4",
            "1 min 24 s",
        )
        missing = [text for text in (*wanted, "https://example.org/run", report.command) if pressed(text) not in shown]
        check(not missing, did="looked at what was told of a failed step", came=f"not told: {missing}", mend="send all parts of the alert")


class _Records(logging.Handler):
    """Keeps the records of every logger while a `with` block lasts."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.levels.append(record.levelno)

    def __enter__(self) -> Self:
        logging.root.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.root.removeHandler(self)
