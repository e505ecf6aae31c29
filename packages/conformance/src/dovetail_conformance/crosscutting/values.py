"""What comes out of methods."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dovetail_conformance.checking import check
from dovetail_conformance.crosscutting.base import Asked, make
from dovetail_conformance.rules import rule

_SLACK = timedelta(minutes=2)


class ValueRules(Asked):
    """Rules about the values that methods return."""

    @rule("XC-16", severity=2)
    def test_times_are_aware_and_in_utc(self, component: Any) -> None:
        """Every time that a method returns is timezone-aware UTC, whatever the zone of the machine.

        The suite runs where the local time is not UTC, so that a naive local time is hours away from the truth.
        """
        began = datetime.now(UTC) - _SLACK
        for operation in self.operations(component):
            for moment in _moments(make(operation, component)):
                aware = moment.utcoffset() == timedelta(0)
                mend = "make times with datetime.now(UTC), or convert what the backend says"
                check(aware, did=f"looked at a time that {operation.name} returned", came=repr(moment), mend=mend)
                now = datetime.now(UTC) + _SLACK
                check(began <= moment <= now, did=f"compared a time of {operation.name} with the clock", came=moment.isoformat(), mend=mend)

    @rule("XC-21", severity=2)
    def test_what_is_returned_belongs_to_the_caller(self, component: Any) -> None:
        """Changing what a method returned changes no later answer."""
        self.operate(component)
        for operation in self.operations(component):
            if not operation.reads:
                continue
            first = make(operation, component)
            kept = copy.deepcopy(first)
            spoil(first)
            again = make(operation, component)
            mend = "return a copy, or something that cannot be changed"
            check(again == kept, did=f"changed what {operation.name} returned, and called it again", came=again, mend=mend)


def _moments(value: Any, depth: int = 4) -> Iterator[datetime]:
    """Yield the times within a result."""
    if isinstance(value, datetime):
        yield value
    elif depth == 0 or isinstance(value, str | bytes):
        return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _moments(item, depth - 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _moments(item, depth - 1)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _moments(getattr(value, field.name), depth - 1)


def spoil(value: Any) -> None:
    """Change a value, and what it holds, wherever that is possible."""
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value.clear()
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoilt")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            spoil(getattr(value, field.name))
