"""Output of steps, and the streams that carry it."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from dovetail.execution.capture import captured, capturing


class Log:
    """Keeps what a step writes."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def test_a_stream_that_somebody_keeps_may_be_closed_before_it_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test runner closes the streams that it made; what a library kept of ours is collected later."""
    stream = io.TextIOWrapper(io.BytesIO(), write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    with capturing():
        kept = sys.stdout
        kept.write("said")
    assert stream.buffer.getvalue() == b"said"  # type: ignore[attr-defined]
    stream.close()
    kept.flush()  # as its finaliser does


def test_a_logging_call_whose_arguments_do_not_fit_is_reported_and_fails_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # the one of pytest raises on purpose
    log = Log()
    with capturing(), captured(log):
        logging.getLogger("some.library").warning("%d items", "three")
        logging.getLogger("some.library").warning("%d items", 3)
    assert b"some.library: 3 items" in log.data
    assert "--- Logging error ---" in capsys.readouterr().err
