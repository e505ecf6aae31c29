"""A thread is started, refused, or its starter interrupted; no interruption passes for a refusal."""

from __future__ import annotations

import sys
import threading
import time
from types import FrameType
from typing import Any

import pytest

from dovetail_core.threads import start


class Slow(threading.Thread):
    """A thread whose starter has to wait."""

    def _bootstrap(self) -> None:
        time.sleep(0.2)
        super()._bootstrap()  # type: ignore[misc]


@pytest.mark.parametrize("where", ["_release_save", "_acquire_restore"])
def test_what_interrupts_the_wait_for_a_thread_is_raised_and_the_thread_runs(where: str) -> None:
    def interrupt(frame: FrameType, event: str, argument: Any) -> None:
        if frame.f_code.co_name == where:
            sys.settrace(None)
            if where == "_release_save":
                frame.f_locals["self"]._lock.release()  # it is left as it is after its only call
            raise KeyboardInterrupt

    ran = threading.Event()
    thread = Slow(target=ran.wait)
    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            start(thread)
    finally:
        sys.settrace(before)
        ran.set()
    time.sleep(0.3)  # a thread that has not begun cannot be waited for
    assert thread.ident is not None


def test_a_refusal_is_raised_also_where_another_exception_is_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        start(threading.Thread())
    try:
        raise ValueError("bad")
    except ValueError:
        with pytest.raises(RuntimeError, match="can't start"):
            start(threading.Thread())
