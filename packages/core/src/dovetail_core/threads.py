"""Threads, started where an interruption may come at any moment."""

from __future__ import annotations

import sys
from threading import Thread


def start(thread: Thread) -> None:
    """Start a thread, and return when it runs. Raises `RuntimeError` if none is to be had, and otherwise only what interrupts the wait.

    `Thread.start` waits by code of Python's: the exception of a signal's handler that comes while the wait has given its lock away leaves as a
    `RuntimeError` about that lock, of a thread that runs all the same.
    """
    handled = sys.exception()
    try:
        thread.start()
    except RuntimeError as error:
        interruption = error.__context__
        if interruption is handled or interruption is None:
            raise
    else:
        return
    raise interruption
