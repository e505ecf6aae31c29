"""Looks for answers again and again, of which none has to succeed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator

from dovetail_alerter import Reply
from dovetail_core import DovetailError, RateLimited

log: logging.Logger = logging.getLogger("dovetail.alerter.slack")


def looked(look: Callable[[], Iterator[Reply]], pause: float) -> Generator[Reply, None, float]:
    """Yield what a look finds, and return the seconds until the next one; what fails for a passing reason is logged, and ends no question."""
    try:
        yield from look()
    except DovetailError as error:
        if not error.retryable:
            raise
        log.warning("answers to a question could not be looked for, which is tried again: %s", error)
        return max(pause, (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0)
    return pause
