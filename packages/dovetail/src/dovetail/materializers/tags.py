"""Values that JSON has no form for, as JSON: an object with one key, the tag, that begins with `$`.

| tag | content |
| --- | --- |
| `$float` | "nan", "inf", "-inf" |
| `$int` | hexadecimal, for integers beyond 64 bits, which many JSON readers round |
| `$complex` | real and imaginary part |
| `$bytes`, `$bytearray` | base64 |
| `$date`, `$time`, `$datetime`, `$timedelta` | ISO 8601 without zone, zone and fold; days, seconds, microseconds |
| `$decimal`, `$uuid` | their text |
| `$range` | start, stop, step |

Containers and classes have tags too, in `encoding`.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dovetail.materializers.materializer import Refused

BIGGEST = 1 << 63


def tagged_float(value: float) -> Any:
    """Return a float as JSON."""
    return value if math.isfinite(value) else {"$float": repr(value)}


def tagged_int(value: int) -> Any:
    """Return an integer as JSON."""
    return value if -BIGGEST <= value < BIGGEST else {"$int": hex(value)}


def tagged_complex(value: complex) -> Any:
    """Return a complex number as JSON."""
    return {"$complex": [tagged_float(value.real), tagged_float(value.imag)]}


def base64_of(value: bytes | bytearray) -> str:
    """Return bytes as text."""
    return base64.b64encode(value).decode()


def _zone(zone: tzinfo | None) -> Any:
    """Return a time zone as JSON: its key, or its offset in seconds and its name, if it has one."""
    if zone is None:
        return None
    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    if type(zone) is timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [offset.total_seconds(), *name]
    raise Refused(f"its time zone is a {type(zone).__module__}.{type(zone).__qualname__}; use zoneinfo.ZoneInfo or datetime.timezone")


def _zone_from(data: Any) -> tzinfo | None:
    if data is None:
        return None
    if isinstance(data, str):
        return ZoneInfo(data)
    return timezone(timedelta(seconds=data[0]), *data[1:])


def _datetime_from(data: Any) -> datetime:
    text, zone, fold = data
    return datetime.fromisoformat(text).replace(tzinfo=_zone_from(zone), fold=fold)


def _time_from(data: Any) -> time:
    text, zone, fold = data
    return time.fromisoformat(text).replace(tzinfo=_zone_from(zone), fold=fold)


def _clock(value: Any) -> list[Any]:
    return [value.replace(tzinfo=None, fold=0).isoformat(), _zone(value.tzinfo), value.fold]


TO_JSON: Mapping[type, Callable[[Any], Any]] = {
    float: tagged_float,
    int: tagged_int,
    complex: tagged_complex,
    bytes: lambda value: {"$bytes": base64_of(value)},
    bytearray: lambda value: {"$bytearray": base64_of(value)},
    date: lambda value: {"$date": value.isoformat()},
    time: lambda value: {"$time": _clock(value)},
    datetime: lambda value: {"$datetime": _clock(value)},
    timedelta: lambda value: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    Decimal: lambda value: {"$decimal": str(value)},
    UUID: lambda value: {"$uuid": str(value)},
    range: lambda value: {"$range": [tagged_int(part) for part in (value.start, value.stop, value.step)]},
}
"""By the very class of a value; subclasses are something else."""

FROM_JSON: Mapping[str, Callable[[Any], Any]] = {
    "$float": float,
    "$int": lambda data: int(data, 16),
    "$complex": lambda data: complex(*data),
    "$bytes": base64.b64decode,
    "$bytearray": lambda data: bytearray(base64.b64decode(data)),
    "$date": date.fromisoformat,
    "$time": _time_from,
    "$datetime": _datetime_from,
    "$timedelta": lambda data: timedelta(*data),
    "$decimal": Decimal,
    "$uuid": UUID,
    "$range": lambda data: range(*data),
}
