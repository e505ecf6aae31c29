"""JSON documents in which every value comes back as it was: also NaN, infinities, -0.0, integers beyond 2**53.

The text is ASCII, so that it is the same in every database, whatever its encoding. NaN and the infinities are written `NaN`,
`Infinity` and `-Infinity`, as Python's json does; the text is kept in text columns, not in JSON columns, which refuse them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dovetail_core import InvalidArgument

SIZE_LIMIT = 8 * 2**20
"""Characters of a document's text."""
DEPTH_LIMIT = 100
"""Levels of nesting."""
INTEGER_BITS = 8192  # far below the number of digits that Python converts


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value)  # a checked value holds nothing else that json does not know


_PLAIN = frozenset({str, bool, float, type(None)})
_encoder = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_mapping)


def check(value: Any, what: str, depth: int = 0) -> None:
    """Raise `InvalidArgument`, naming the place, unless `value` is null, a bool, number, text, or lists and mappings of such."""
    if value is None or isinstance(value, str | bool | float):
        return
    if isinstance(value, int):
        if value.bit_length() > INTEGER_BITS:
            raise InvalidArgument(f"{what} is an integer of more than {INTEGER_BITS} bits", field=what)
        return
    if depth == DEPTH_LIMIT:
        raise InvalidArgument(f"{what} is nested more than {DEPTH_LIMIT} levels deep", field=what)
    if isinstance(value, Mapping):
        _check_mapping(value, what, depth)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if type(item) not in _PLAIN:
                check(item, f"{what}[{index}]", depth + 1)
    else:
        raise InvalidArgument(
            f"{what} is of the type {type(value).__name__}, which JSON does not have",
            remedy="give null, a bool, a number, a text, a list or a mapping",
            field=what,
        )


def _check_mapping(value: Mapping[Any, Any], what: str, depth: int) -> None:
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidArgument(f"{what} has the key {key!r}, a {type(key).__name__}", remedy="keys are texts", field=what)
        if type(item) not in _PLAIN:  # most are, and their place need not be put into words
            check(item, f"{what}.{key}", depth + 1)


def encode(value: Any, what: str) -> str:
    """Return the text of a checked value. Raises `InvalidArgument` if it is too long."""
    text = _encoder.encode(value)
    if len(text) > SIZE_LIMIT:
        raise InvalidArgument(f"{what} takes {len(text)} characters as JSON", remedy=f"at most {SIZE_LIMIT}", field=what, limit=SIZE_LIMIT)
    return text


def decode(text: str) -> Any:
    """Return the value of a text. Raises ValueError if it is not one that `encode` made."""
    return json.loads(text)


def same(one: str, other: str) -> bool:
    """Tell whether two texts mean the same value, whatever the order of keys; NaN equals NaN, 1 does not equal 1.0."""
    return one == other or canonical(one) == canonical(other)


def canonical(text: str) -> str:
    """Return the text of the same value that does not depend on the order of keys."""
    return json.dumps(json.loads(text), sort_keys=True)
