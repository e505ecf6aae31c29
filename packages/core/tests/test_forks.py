"""Turns: locks that a fork waits for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from dovetail_core.forks import Turn

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")


def forked(work: Callable[[], int]) -> int:
    """Return what a forked process makes of some work; 2 if it fails."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_free(turn: Turn) -> bool:
    if not turn.lock.acquire(timeout=0.1):
        return False
    turn.lock.release()
    return True


def fork_while_a_thread_writes(turn: Turn) -> int:
    """Return 0 if a fork waited for the thread, and the turn is free in the child."""
    inside, done = threading.Event(), threading.Event()

    def write() -> None:
        with turn.lock:
            inside.set()
            threading.Event().wait(0.3)
            done.set()

    threading.Thread(target=write, daemon=True).start()
    assert inside.wait(5)
    return forked(lambda: 0 if done.is_set() and is_free(turn) else 1)


def test_a_fork_waits_for_a_turn_which_is_then_free_in_both_processes() -> None:
    turn = Turn()
    assert fork_while_a_thread_writes(turn) == 0
    assert is_free(turn)


def test_a_fork_of_a_forked_process_waits_for_the_same_turn() -> None:
    turn = Turn()
    assert forked(lambda: fork_while_a_thread_writes(turn)) == 0
