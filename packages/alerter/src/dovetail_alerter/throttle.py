"""Keeps the threads of one alerter from asking a provider that has asked for fewer requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dovetail_core import RateLimited


class Throttle:
    """Lets requests pass until one is refused as too many; then one at a time, after the pause, until one succeeds.

    So threads that waited for the same pause do not all ask at its end.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._resume = 0.0
        self._limited = False
        self._trying = False

    @contextmanager
    def turn(self, deadline: float) -> Iterator[None]:
        """Wait for a turn, make the request within the block. Raises `RateLimited` if no turn comes before `deadline` (monotonic)."""
        trying = self._wait(deadline)
        try:
            yield
        except RateLimited as error:
            self._pause(error.retry_after)
            raise
        else:
            self._pass()
        finally:
            if trying:
                self._release()

    def _wait(self, deadline: float) -> bool:
        """Return whether this request is the one that tries."""
        with self._changed:
            while self._limited and (self._trying or time.monotonic() < self._resume):
                now = time.monotonic()
                if max(now, self._resume) >= deadline:
                    left = max(self._resume - now, 0.0)
                    raise RateLimited("the provider has asked for fewer requests", remedy="send less, or wait", retry_after=left or None)
                self._changed.wait(min(deadline, self._resume if self._resume > now else deadline) - now)
            self._trying = self._trying or self._limited
            return self._limited

    def _pause(self, seconds: float | None) -> None:
        with self._changed:
            self._limited = True
            self._resume = max(self._resume, time.monotonic() + (seconds or 0.0))

    def _pass(self) -> None:
        with self._changed:
            self._limited = False
            self._changed.notify_all()

    def _release(self) -> None:
        with self._changed:
            self._trying = False
            self._changed.notify_all()
