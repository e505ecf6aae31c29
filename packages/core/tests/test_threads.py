"""A thread is started, refused, or its starter interrupted; no interruption passes for a refusal."""

from __future__ import annotations

import threading
import time

import pytest

from dovetail_core.threads import start


class Slow(threading.Thread):
    """A thread whose starter has to wait."""

    def _bootstrap(self) -> None:
        time.sleep(0.2)
        super()._bootstrap()  # type: ignore[misc]


class Late(threading.Condition):
    """What a thread is waited for with: the standard library's."""


def _interrupted_with_the_lock_given_away(condition: Late, *given: object) -> None:
    lock: threading.Lock = condition._lock  # type: ignore[attr-defined]  # where typeshed ends
    if lock.locked():
        lock.release()
    raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["_release_save", "_acquire_restore"])
def test_what_interrupts_the_wait_for_a_thread_is_raised_and_the_thread_runs(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(Late, where, _interrupted_with_the_lock_given_away, raising=False)
        patched.setattr(threading, "Condition", Late)
        thread = Slow(target=go_on.wait, daemon=True)
        with pytest.raises(KeyboardInterrupt):
            start(thread)
    go_on.set()
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
