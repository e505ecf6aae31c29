"""The text that stands for a parameter: readable by people, and read back as the value that it was.

A text stands for itself, unless it could be read as something else; then, and for every other value, JSON stands for it
(https://www.rfc-editor.org/rfc/rfc8259, with `NaN`, `Infinity` and `-Infinity`). So `svm`, `0.1`, `null`, `[1,2]` and `"0.1"`, a text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import Enum
from os import PathLike
from typing import Any

from dovetail_core import InvalidArgument

_STRUCTURED = ("[", "{", '"')
_DEPTH = 50
_BLANKS = " \t\n\r"


def encode(value: Any, what: str) -> str:
    """Return the text that stands for a value; equal values have equal texts. Raises `InvalidArgument` naming `what` for what JSON does not have."""
    plain = _plain(value, what, 0)
    if isinstance(plain, str) and not _reads_as_another(plain):
        return plain
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def decode(text: str) -> Any:
    """Return the value that a text stands for; what `encode` did not make is a text, too."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _reads_as_another(text: str) -> bool:
    return text.strip(_BLANKS).startswith(_STRUCTURED) or not isinstance(decode(text), str)


def _plain(value: Any, what: str, depth: int) -> Any:
    """Return a value as what JSON has: scalars of numpy and the like become Python's, tuples lists, paths and members of enums texts."""
    if depth > _DEPTH:
        raise InvalidArgument(f"{what} is nested more than {_DEPTH} levels deep", remedy="log it as a file", field=what)
    if isinstance(value, Enum):
        return _plain(value.value, what, depth)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return _integer(int(value), what)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, PathLike):
        return str(value)
    if isinstance(value, Mapping):
        return {_name(key, what): _plain(item, f"{what}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{what}[{index}]", depth + 1) for index, item in enumerate(value)]
    return _plain(_listed(value, what), what, depth + 1)


def _integer(value: int, what: str) -> int:
    if value.bit_length() > 4096:  # Python refuses to read integers of many digits back
        raise InvalidArgument(f"{what} is an integer of {value.bit_length()} bits", remedy="at most 4096 bits", field=what)
    return value


def _name(key: Any, what: str) -> str:
    if not isinstance(key, str):
        raise InvalidArgument(f"{what} has a key of type {type(key).__name__}", remedy="keys are texts", field=what)
    return str(key)


def _listed(value: Any, what: str) -> Any:
    """Return what an array or tensor holds: a scalar, or lists."""
    if hasattr(value, "ndim") and hasattr(value, "tolist"):
        return value.tolist()
    raise InvalidArgument(
        f"{what} is of type {type(value).__name__}, which has no form that can be read back",
        remedy="give a text, number, boolean, None, list or mapping, or log it as a file",
        field=what,
    )


def amount(text: str) -> float | None:
    """Return the number that a parameter is, as the nearest float, by which it is compared; None for what is no number, or not a number."""
    value = decode(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = nearest(value)
    return None if math.isnan(number) else number


def nearest(value: int | float) -> float:
    """Return the nearest float of a number; infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
