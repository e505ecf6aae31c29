"""Calls that stand for a component's public methods, for the rules that are asked of every type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operation:
    """A call of one public method, which succeeds on a healthy backend however often it is made, each time after `prepare`."""

    name: str
    call: Callable[[], object]
    """Calls that method and no other before it, so that what a rule does to a request is done to one of the method's own."""
    effect: Callable[[], object] | None = None
    """Returns what the call has brought about, such as a count of messages; None if there is nothing to look at."""
    reads: bool = False
    """Whether the call changes nothing, whatever its preparation does."""
    prepare: Callable[[Any], object] | None = None
    """Makes what the call needs, with the component that it is given, whose backend answers; None if the call needs nothing.

    It is the component that the call is of, or another on the same namespace. Where credentials do not suffice for anything, the call is
    made without it, and must then be refused all the same.
    """
