"""Clocks that are not what a flavor expects: other time zones, and clocks that go wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta


@contextmanager
def time_zone(name: str) -> Iterator[None]:
    """Let the local time of this process, and of the children that it starts, be that of a zone, such as `Asia/Kathmandu`."""
    before = os.environ.get("TZ")
    _set_zone(name)
    try:
        yield
    finally:
        _set_zone(before)


def _set_zone(name: str | None) -> None:
    if name is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = name
    time.tzset()


@contextmanager
def clock_at(moment: datetime) -> Iterator[None]:
    """Let the wall clock of this process start at a moment, which has a zone, and go on from there.

    `time.monotonic()` goes on as it was, as it does when a machine's clock is set: a duration that changes is measured with the wrong
    clock. Other processes, the backend, and C code that asks the system by itself keep the true time.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no zone: say where it is that time")
    import time_machine  # replaces functions of the interpreter where it is imported

    with time_machine.travel(moment, tick=True):
        yield


@contextmanager
def skewed(by: timedelta) -> Iterator[None]:
    """Let the wall clock of this process be wrong: fast if `by` is positive, slow if it is negative; otherwise as `clock_at`."""
    with clock_at(datetime.now().astimezone() + by):
        yield
