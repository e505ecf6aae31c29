"""Ends what does not end: a rule that takes too long fails with the stacks of all threads, and the run goes on."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import IO, Any

from dovetail_conformance.effort import Effort
from dovetail_conformance.harness import Harness

LEAST = 120.0
"""Seconds that every rule has, however impatient its harness is."""
GRACE = 20.0
"""Seconds that a rule has after it was told to end, before its process is ended."""
_SIGNAL = signal.SIGALRM
_NAME = "conformance-watchdog"


class Hung(BaseException):
    """A rule did not end in time; no `except Exception` of a flavor's may swallow it."""

    def __init__(self, seconds: float, stacks: str) -> None:
        self.seconds = seconds
        self.stacks = stacks
        super().__init__(f"it did not end within {seconds:g} seconds")


def limit(harness: Harness | None, effort: Effort) -> float:
    """Return the seconds that a rule may take: as long as several of the most patient calls."""
    patience = harness.patience if harness is not None else Harness.patience
    return max(LEAST, patience * effort.pick(20, 40, 120))


class Watchdog:
    """Watches one thing at a time, in the main thread of a process."""

    def __init__(self, last_resort: Callable[[float, str], object], grace: float = GRACE, file: IO[str] | None = None) -> None:
        self._last_resort = last_resort
        self._grace = grace
        self._file = file or sys.stderr
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._seconds = 0.0
        self._said = ""
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, seconds: float) -> Iterator[None]:
        """Raise `Hung` within the block if it takes longer; where that is of no use, do what there is as a last resort."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only a main thread can be told
            return
        before = signal.signal(_SIGNAL, self._raise)
        try:
            self._set(seconds)
            try:
                yield
            finally:
                self._deadline = None  # from here on nothing is raised, also not while the lock is waited for
        finally:
            self._set(None)
            signal.signal(_SIGNAL, before)

    def _set(self, seconds: float | None) -> None:
        with self._changed:
            self._seconds = seconds or 0.0
            self._deadline = None if seconds is None else time.monotonic() + seconds
            self._said = ""
            if seconds is None:
                faulthandler.cancel_dump_traceback_later()
                return
            # A call that keeps the interpreter's lock stops every thread but this one, which is not Python's
            faulthandler.dump_traceback_later(seconds + 2 * self._grace, exit=True, file=self._file)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name=_NAME, daemon=True)
                self._thread.start()
            self._changed.notify()

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if self._deadline is not None and self._said:
            raise Hung(self._seconds, self._said)

    def _watch(self) -> None:
        with self._changed:
            while True:
                if self._deadline is None:
                    self._changed.wait()
                elif (left := self._due() - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    self._act()

    def _due(self) -> float:
        assert self._deadline is not None
        return self._deadline + (self._grace if self._said else 0.0)

    def _act(self) -> None:
        if self._said:
            self._last_resort(self._seconds, self._said)
            os._exit(1)
        self._said = stacks()
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, _SIGNAL)


def stacks() -> str:
    """Return where every thread of this process is, the main thread first; the watchdog's own thread is left out."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames: dict[int, Any] = {number: frame for number, frame in sys._current_frames().items() if names.get(number) != _NAME}
    main = threading.main_thread().ident
    parts = []
    for number in sorted(frames, key=lambda number: (number != main, number)):
        lines = traceback.format_stack(frames[number])
        parts.append(f"thread {names.get(number, number)}:\n{''.join(lines)}")
    return "\n".join(parts)
