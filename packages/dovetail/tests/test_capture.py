"""Output of steps, and the streams that carry it."""

from __future__ import annotations

import io
import sys

import pytest

from dovetail.execution.capture import capturing


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
