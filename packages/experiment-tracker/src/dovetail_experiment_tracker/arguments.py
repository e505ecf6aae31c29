"""Checks of arguments, made before anything is recorded. The limits are the same for every flavor."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dovetail_core import InvalidArgument
from dovetail_experiment_tracker import params

NAME_LIMIT = 255
"""Characters in the name of an experiment or a run, or in an id."""
KEY_LIMIT = 250
"""Characters in the key of a metric, a parameter or a tag."""
PARAM_LIMIT = 6000
"""Characters in the text of a parameter."""
TAG_LIMIT = 5000
"""Characters in the value of a tag."""
STEP_LIMIT = 2**63 - 1
PATH_LIMIT = 1024

_FORBIDDEN = frozenset({"Cc", "Cs"})  # control characters and lone surrogates


def text(value: str, what: str, limit: int = NAME_LIMIT) -> str:
    """Return a text of 1 to `limit` characters without control characters. Raises `InvalidArgument` naming field and limit."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{what} is not a text but {type(value).__name__}", field=what)
    if not 0 < len(value) <= limit:
        raise InvalidArgument(f"{what} has {len(value)} characters", remedy=f"1 to {limit} characters", field=what, limit=limit)
    if not value.isprintable() and any(unicodedata.category(letter) in _FORBIDDEN for letter in value):
        raise InvalidArgument(
            f"{what} has a character that cannot be stored: {value!r}", remedy="no control characters, no lone surrogates", field=what
        )
    return value


def optional(value: str | None, what: str) -> str | None:
    """Return a text, or None."""
    return None if value is None else text(value, what)


def key(value: str, what: str) -> str:
    """Return the key of a metric, a parameter or a tag."""
    return text(value, what, KEY_LIMIT)


def metric_value(value: Any, what: str) -> float:
    """Return a number as the nearest float; scalars of numpy, torch and the like, booleans and decimals are numbers. Raises `InvalidArgument`."""
    if type(value) is float:
        return value
    if isinstance(value, int | float | Decimal) or (hasattr(value, "__float__") and not getattr(value, "ndim", 0)):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise _no_number(value, what) from error
    raise _no_number(value, what)


def _no_number(value: Any, what: str) -> InvalidArgument:
    shown = f"{type(value).__name__} {str(value)[:40]!r}" if isinstance(value, str) else f"of type {type(value).__name__}"
    return InvalidArgument(f"{what} is {shown}, and no number that a float can hold", remedy="give one number", field=what)


def step(value: Any, what: str = "step") -> int:
    """Return an integer of 64 bits with a sign."""
    if type(value) is not int:
        value = _index(value, what)
    if not -STEP_LIMIT - 1 <= value <= STEP_LIMIT:
        raise InvalidArgument(f"{what} is {value}", remedy="an integer of 64 bits", field=what)
    return int(value)


def _index(value: Any, what: str) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError("a boolean")
        return operator.index(value)
    except TypeError as error:
        raise InvalidArgument(f"{what} is of type {type(value).__name__}", remedy="give an integer", field=what) from error


def moment(value: datetime | None, what: str) -> datetime:
    """Return an aware time in UTC; None is now."""
    if value is None:
        return datetime.now(UTC)
    if type(value) is datetime and value.tzinfo is UTC:
        return value
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidArgument(f"{what} has no time zone: {value!r}", remedy="give a timezone-aware datetime", field=what)
    return value.astimezone(UTC)


def encoded_params(values: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters as the texts that stand for them. Raises `InvalidArgument` for the first that cannot be stored."""
    encoded = {}
    for name, value in mapping(values, "params").items():
        what = f"params.{key(name, 'params')}"
        encoded[name] = params.encode(value, what)
        if len(encoded[name]) > PARAM_LIMIT or "\0" in encoded[name] or not _encodable(encoded[name]):
            raise InvalidArgument(
                f"{what} has {len(encoded[name])} characters", remedy=f"at most {PARAM_LIMIT}, no NUL, no lone surrogate", field=what
            )
    return encoded


def tags(values: Mapping[str, str]) -> dict[str, str]:
    """Return tags whose values are texts of 0 to `TAG_LIMIT` characters."""
    for name, value in mapping(values, "tags").items():
        what = f"tags.{key(name, 'tags')}"
        if not isinstance(value, str):
            raise InvalidArgument(f"{what} is not a text but {type(value).__name__}", field=what)
        if len(value) > TAG_LIMIT or "\0" in value or not _encodable(value):
            raise InvalidArgument(
                f"{what} has {len(value)} characters", remedy=f"at most {TAG_LIMIT}, no NUL, no lone surrogate", field=what
            )
    return dict(values)


def mapping(values: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Return a mapping."""
    if not isinstance(values, Mapping):
        raise InvalidArgument(f"{what} is not a mapping but {type(values).__name__}", field=what)
    return values


def names(values: Iterable[str] | None, what: str) -> tuple[str, ...] | None:
    """Return a collection of names; a single text is none."""
    if values is None:
        return None
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidArgument(f"{what} is not a collection: {values!r}", remedy="give a list or a tuple", field=what)
    return tuple(dict.fromkeys(text(value, what) for value in values))


def count(value: int, what: str) -> int:
    """Return an integer of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidArgument(f"{what} is {value!r}", remedy="an integer, 1 or more", field=what)
    return value


def path(value: str, what: str, *, empty: bool = False) -> str:
    """Return a relative path with `/` between its parts, which leads nowhere else: no `..`, no `.`, no empty part, no backslash."""
    if empty and value == "":
        return value
    checked = text(value, what, PATH_LIMIT)
    if "\\" in checked or any(part in ("", ".", "..") or len(part.encode()) > 255 for part in checked.split("/")):
        raise InvalidArgument(f"{what} is no relative path: {checked!r}", remedy="such as `plots/loss.png`", field=what)
    return checked


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
