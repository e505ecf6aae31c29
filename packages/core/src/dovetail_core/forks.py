"""Holds the writers of a process still while it forks.

SQLite keeps the locks of all connections of a process in shared memory of that process. A child that was forked in the middle of a
transaction would inherit the note that the file is locked, by a connection that it does not have, and wait for it for ever.
"""

from __future__ import annotations

import os
import threading
import weakref

_LONGEST = 60.0
_turns: weakref.WeakSet[Turn] = weakref.WeakSet()
_held: list[Turn] = []
_registered = False


class Turn:
    """A lock that one writer of a process has at a time, and that a fork waits for; in the child it is free."""

    def __init__(self) -> None:
        self.lock: threading.Lock = threading.Lock()
        _turns.add(self)
        _register()


def _register() -> None:
    global _registered
    if not _registered and hasattr(os, "register_at_fork"):
        _registered = True
        os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_renew)


def _hold() -> None:
    _held.extend(turn for turn in list(_turns) if turn.lock.acquire(timeout=_LONGEST))


def _release() -> None:
    while _held:
        _held.pop().lock.release()


def _renew() -> None:
    _held.clear()
    for turn in list(_turns):
        turn.lock = threading.Lock()  # also where the fork waited in vain for a thread that is not here
