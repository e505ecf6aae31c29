"""Calls that the main thread can leave."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from dovetail_artifact_store_s3.interruptible import Interruptible
from dovetail_conformance import until


def serving() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "dovetail-s3-calls"]


def test_calls_of_the_main_thread_are_executed_by_one_other_until_it_is_closed() -> None:
    calls = Interruptible()
    first, second = calls.do(threading.get_ident), calls.do(threading.get_ident)
    assert first == second != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        calls.do(lambda: 1 // 0)
    calls.close()
    until(lambda: not serving(), did="waited for the thread to end")
    assert calls.do(lambda: 5) == 5
    del calls
    gc.collect()
    until(lambda: not serving(), did="waited for the thread of a forgotten object to end")


def test_another_thread_executes_its_calls_itself() -> None:
    calls, came = Interruptible(), []
    thread = threading.Thread(target=lambda: came.append(calls.do(threading.get_ident) == threading.get_ident()))
    thread.start()
    thread.join()
    assert came == [True]
    assert not serving()


@pytest.fixture
def _heard() -> Iterator[None]:
    """Let Ctrl-C be heard, also in a process of pytest's that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heard")
def test_an_interrupted_call_keeps_nobody_waiting() -> None:
    calls, go = Interruptible(), threading.Event()
    threading.Timer(0.1, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        calls.do(lambda: go.wait(60))
    assert time.monotonic() - began < 50
    assert calls.do(lambda: "next") == "next"
    go.set()
    calls.close()
    until(lambda: not serving(), did="waited for both threads to end")
