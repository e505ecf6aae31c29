"""Times as they are stored: microseconds since 1970, UTC, in integers, which no session's time zone can shift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(value: datetime) -> int:
    """Return an aware time as microseconds, exactly."""
    return (value - EPOCH) // _MICROSECOND


@overload
def from_microseconds(value: int) -> datetime: ...
@overload
def from_microseconds(value: None) -> None: ...
def from_microseconds(value: int | None) -> datetime | None:
    """Return stored microseconds as an aware time in UTC."""
    return None if value is None else EPOCH + timedelta(microseconds=value)
