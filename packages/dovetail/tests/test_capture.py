"""Output of steps, and the streams that carry it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from pathlib import Path

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


def test_what_is_asked_of_a_watched_stream_is_answered_by_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("w", encoding="latin-1", errors="replace", buffering=1) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with capturing():
            subprocess.run([sys.executable, "-c", "print('from a child')"], stdout=sys.stdout, check=True)
            seen = sys.stdout
            assert isinstance(seen, io.TextIOBase)
            assert (seen.encoding, seen.errors, seen.newlines) == ("latin-1", "replace", None)
            assert (seen.fileno(), seen.isatty(), seen.line_buffering, seen.name) == (stream.fileno(), False, True, stream.name)
            seen.reconfigure(errors="ignore")  # type: ignore[union-attr]
            assert seen.errors == "ignore"
    assert (tmp_path / "out").read_text() == "from a child\n"


def test_bytes_that_a_step_prints_are_in_its_log_and_leave_the_stream_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, log = io.TextIOWrapper(io.BytesIO(), write_through=True), Log()
    monkeypatch.setattr(sys, "stdout", stream)
    with capturing(), captured(log):
        sys.stdout.buffer.write(b"\xff\n")
        sys.stdout.buffer.flush()
        print("after", flush=True)
    assert log.data == stream.buffer.getvalue() == b"\xff\nafter\n"  # type: ignore[attr-defined]
