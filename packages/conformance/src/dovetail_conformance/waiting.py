"""Waits for what another thread or process brings about."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from dovetail_conformance.outcomes import RuleFailure

R = TypeVar("R")
_PAUSE = 0.01


def until(condition: Callable[[], object], seconds: float = 20.0, *, did: str = "waited", mend: str = "") -> None:
    """Return once a condition holds; fail the rule if it does not within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuleFailure(did, f"it did not happen within {seconds:g} seconds", mend)
        time.sleep(_PAUSE)


def within(seconds: float, call: Callable[[], R], *, did: str, mend: str = "") -> R:
    """Return what `call` returns, or raise what it raises; fail the rule if it does neither within some seconds."""
    results: list[R] = []
    errors: list[BaseException] = []

    def execute() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=execute, daemon=True, name="conformance-call")
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise RuleFailure(did, f"it did not return within {seconds:g} seconds", mend)
    if errors:
        raise errors[0]
    return results[0]
