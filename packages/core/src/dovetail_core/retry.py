"""Retries of calls that failed for a passing reason, written once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from dovetail_core.errors import DovetailError, RateLimited

R = TypeVar("R")


def delays(*, first: float = 0.1, factor: float = 2.0, longest: float = 20.0, jitter: float = 0.5) -> Iterator[float]:
    """Yield waiting times in seconds, growing by `factor` up to `longest`, each shortened by a random part of at most `jitter`."""
    delay = first
    while True:
        yield min(delay, longest) * (1 - jitter * random.random())
        delay = min(delay * factor, longest)


def retrying(call: Callable[[], R], *, attempts: int = 5, within: float = 60.0, first: float = 0.1) -> R:
    """Return what `call` returns, calling it again after an error that says `retryable`.

    At most `attempts` calls are made and no wait begins that would end more than `within` seconds after the start; a
    `RateLimited.retry_after` is obeyed. The last error is raised as it is.
    """
    deadline = time.monotonic() + within
    waits = delays(first=first)
    for attempt in range(1, attempts + 1):
        try:
            return call()
        except DovetailError as error:
            wait = max(next(waits), _asked_for(error))
            if not error.retryable or attempt == attempts or time.monotonic() + wait > deadline:
                raise
            time.sleep(wait)
    raise AssertionError("attempts must be at least 1")


def _asked_for(error: DovetailError) -> float:
    return (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0
