"""Waits for what another thread or process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable

from dovetail_conformance.outcomes import RuleFailure

_PAUSE = 0.01


def until(condition: Callable[[], object], seconds: float = 20.0, *, did: str = "waited", mend: str = "") -> None:
    """Return once a condition holds; fail the rule if it does not within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuleFailure(did, f"it did not happen within {seconds:g} seconds", mend)
        time.sleep(_PAUSE)
