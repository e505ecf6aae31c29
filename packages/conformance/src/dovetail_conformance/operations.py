"""Calls that stand for a component's public methods, for the rules that are asked of every type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """A call of one public method, which succeeds on a healthy backend however often it is made."""

    name: str
    call: Callable[[], object]
    effect: Callable[[], object] | None = None
    """Returns what the call has brought about, such as a count of messages; None if there is nothing to look at."""
    reads: bool = False
    """Whether it changes nothing."""
