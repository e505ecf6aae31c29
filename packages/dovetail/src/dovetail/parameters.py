"""Values that are given to steps and pipelines directly: validated, and kept as JSON."""

from __future__ import annotations

import functools
import json
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError

from dovetail.wiring import shown
from dovetail_core import ConfigError


def encode(value: Any, annotation: Any, where: str) -> Any:
    """Return `value`, validated as `annotation`, as JSON data. Raises `ConfigError` that begins with `where`."""
    if annotation is Any:
        return _plain(value, where)
    try:
        adapter = _adapter(annotation)
        valid = adapter.validate_python(value)
        return _sorted_sets(valid, adapter.dump_python(valid, mode="json"))
    except ValidationError as error:
        raise ConfigError(f"{where}: {value!r} is no {shown(annotation)}: {_problems(error)}", remedy="give a value of that type") from None
    except (PydanticUserError, PydanticSerializationError, TypeError) as error:
        raise ConfigError(
            f"{where}: a {shown(annotation)} cannot be given as a parameter", remedy="make it in a step, and pass that step's output"
        ) from error


def decode(data: Any, annotation: Any) -> Any:
    """Return the value that `encode` described."""
    return data if annotation is Any else _adapter(annotation).validate_python(data)


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return _cached_adapter(annotation)
    except TypeError:  # an annotation that cannot be hashed, such as one with a dict among its extras
        return TypeAdapter(annotation)


@functools.lru_cache(maxsize=1024)
def _cached_adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _plain(value: Any, where: str) -> Any:
    """Return a value without annotation, which must be exactly what JSON gives back: a tuple or a key 1 would come back as another."""
    try:
        same = same_value(json.loads(json.dumps(value)), value)
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ConfigError(
            f"{where}: a {type(value).__qualname__} cannot be given to an argument without annotation",
            remedy="annotate the argument with its type, or pass the output of a step",
        )
    return value


def same_value(one: Any, other: Any) -> bool:
    """Tell whether two values of JSON types are equal, with 1, 1.0, True and "1" told apart and NaN equal to itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    return bool(one == other or (one != one and other != other))


def _sorted_sets(value: Any, data: Any) -> Any:
    """Return `data` with what was a set in sorted order, since the order of a set differs between processes."""
    if isinstance(value, (set, frozenset)):
        return sorted(data, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict) and isinstance(data, dict) and len(value) == len(data):
        return {key: _sorted_sets(item, data[key]) for item, key in zip(value.values(), data, strict=True)}
    if isinstance(value, (list, tuple)) and isinstance(data, list) and len(value) == len(data):
        return list(map(_sorted_sets, value, data))
    return data


def _problems(error: ValidationError) -> str:
    items = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}".removeprefix(": ") for item in items)
