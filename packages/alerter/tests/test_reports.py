"""What a report of a run says."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from dovetail_alerter import Alert, Attachment, InMemoryAlerter, Level, Question, RunReport, render
from dovetail_alerter.memory import forget
from dovetail_alerter.rendering import duration_text
from dovetail_core import Failure, NotFound, RunEvent, StepEvent

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_failed_step_is_an_error_with_reason_facts_traceback_and_log() -> None:
    event = StepEvent("r1", "brave-otter", "training", "fit", 2, "failed", NOW, 12.34, Failure("ValueError", "bad", "Traceback\n  line"))
    alert = render(RunReport.of(event, log_lines=["one", "\x1b[31mtwo\x1b[0m"], command="dovetail runs show r1"))
    assert alert.title == "step fit of training failed" and alert.level is Level.ERROR
    assert alert.body == "ValueError: bad\n\nTo see more: dovetail runs show r1"
    assert alert.fields == {"Pipeline": "training", "Run": "brave-otter (r1)", "Step": "fit", "Attempt": "2", "Duration": "12.3 s"}
    assert alert.details == "Traceback\n  line\n\nLast lines of the log:\none\ntwo"
    assert (alert.thread, alert.key) == ("r1", "r1 fit 2 failed")


@pytest.mark.parametrize(
    ("state", "level"), [("succeeded", Level.SUCCESS), ("cancelled", Level.WARNING), ("retrying", Level.WARNING), ("running", Level.INFO)]
)
def test_the_state_gives_the_level(state: str, level: Level) -> None:
    assert render(RunReport.of(RunEvent("r1", "", "training", state, NOW))).level is level


def test_any_text_is_taken() -> None:
    report = RunReport("a\nb\0", "r\udcff", "", failure=Failure("E", "\ud800\nx"), log_lines=("\0", "long" * 200), command="a\nb")
    alert = render(report)
    assert alert.title == "a b\ufffd changed" and "\ufffd\nx" in alert.body and "500 more characters" in alert.details
    assert render(RunReport("", "", "")).title == "pipeline changed"


def test_only_the_end_of_a_long_log_is_told() -> None:
    alert = render(RunReport("p", "r", "failed", log_lines=tuple(map(str, range(100)))))
    assert alert.details.splitlines()[1:3] == ["\u2026 70 lines above", "70"] and alert.details.endswith("99")


@pytest.mark.parametrize(("seconds", "text"), [(0.85, "850 ms"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3725, "1 h 2 min")])
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_a_report_that_cannot_be_sent_is_logged_and_hides_nothing(caplog: pytest.LogCaptureFixture) -> None:
    alerter = InMemoryAlerter(space="reports", targets=["a", "b"])
    report = RunReport("p", "r1", "failed")
    alerter.fail(NotFound("no such place"), times=2)
    with caplog.at_level(logging.ERROR, "dovetail.alerter"):
        assert alerter.notify(report) is None
        alerter.fail(NotFound("no such place"), target="b")
        partial = alerter.notify(report)
        assert alerter.notify("no report") is None  # type: ignore[arg-type]
    forget("reports")
    assert partial is not None and partial.failed == ("b",)
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3 and "no such place" in caplog.text


def test_what_an_alerter_cannot_do_is_left_out_and_named() -> None:
    class Plain(InMemoryAlerter):
        capabilities = frozenset()

    alert = Plain().adapted(Alert("a", "body", thread="t", key="k", attachments=(Attachment("log.txt", b""),)))
    assert alert == Alert("a", "body\n\nNot attached: log.txt")
    assert Plain().adapted(Question("a", thread="t")) == Question("a")
    assert InMemoryAlerter().adapted(Question("a", thread="t")).thread == "t"
