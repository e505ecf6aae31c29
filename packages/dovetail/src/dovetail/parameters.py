"""Values that are given to steps and pipelines directly: validated, and kept as JSON."""

from __future__ import annotations

import collections.abc
import copy
import functools
import json
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, get_origin

from pydantic import RootModel, SecretBytes, SecretStr, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError

from dovetail.wiring import plain, shown
from dovetail_core import ConfigError

_SEQUENCES = (collections.abc.Sequence, collections.abc.Collection)
_ONCE = (collections.abc.Iterable, collections.abc.Iterator)
"""What pydantic gives as an iterator, which can be read only once."""


def encode(value: Any, annotation: Any, where: str) -> Any:
    """Return `value`, validated as `annotation`, as JSON data that `decode` makes the same value of.

    Raises `ConfigError` that begins with `where`: for a value of another type, for one that JSON would change, and for a secret.
    """
    if annotation is Any:
        return _plain(value, where)
    try:
        adapter = _adapter(annotation)
        valid = adapter.validate_python(value)
        _refuse_secrets(valid, where)
        data = _sorted_sets(valid, adapter.dump_python(valid, mode="json"))
        same = _comes_back(valid, data, annotation)
    except ConfigError:
        raise
    except ValidationError as error:
        raise ConfigError(f"{where}: {value!r} is no {shown(annotation)}: {_problems(error)}", remedy="give a value of that type") from None
    except (PydanticUserError, PydanticSerializationError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{where}: a {shown(annotation)} cannot be given as a parameter", remedy="make it in a step, and pass that step's output"
        ) from error
    if not same:
        raise ConfigError(
            f"{where}: this {type(valid).__qualname__} would come back as another value, since parameters are recorded as JSON",
            remedy="annotate what is in it (tuple[int, ...], dict[int, str], the very class), or pass the output of a step",
        )
    return data


def decode(data: Any, annotation: Any) -> Any:
    """Return the value that `encode` described; a fresh one each time, which the step may change."""
    own = copy.deepcopy(data) if isinstance(data, (list, dict)) else data
    return own if annotation is Any else _adapter(annotation).validate_python(own)


def _comes_back(valid: Any, data: Any, annotation: Any) -> bool:
    """Tell whether JSON data gives a valid value again; of what is annotated as any sequence, only the items matter."""
    kind = get_origin(plain(annotation)) or plain(annotation)
    if kind in _ONCE:
        return True
    try:
        back = decode(data, annotation)
    except ValidationError:
        return False
    if kind in _SEQUENCES and isinstance(valid, (list, tuple)):
        valid, back = list(valid), list(back)
    return _alike(valid, back)


def _alike(one: Any, back: Any) -> bool:
    """Tell whether a value that came back is of the same classes and equal.

    A number or text may come back as its plain base class, and a whole number as a float, where a dataclass that checks nothing says so.
    """
    if isinstance(one, (int, float, str, bytes)) and (isinstance(one, type(back)) or (type(one), type(back)) == (int, float)):
        return bool(one == back or (one != one and back != back))
    if type(one) is not type(back):
        return False
    if isinstance(one, dict):
        return _typed(one) == _typed(back) and all(_alike(one[key], back[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(back) and all(map(_alike, one, back))
    if isinstance(one, (set, frozenset)):
        return _typed(one) == _typed(back)
    if hasattr(one, "__dict__") and not isinstance(one, (type, Enum)):
        return _alike(vars(one), vars(back)) and _alike(getattr(one, "__pydantic_extra__", None), getattr(back, "__pydantic_extra__", None))
    return bool(one == back)


def _typed(values: Iterable[Any]) -> set[tuple[type, Any]]:
    return {(type(value), value) for value in values}


def _refuse_secrets(value: Any, where: str) -> None:
    if isinstance(value, (SecretStr, SecretBytes)):
        raise ConfigError(
            f"{where}: a {type(value).__qualname__} cannot be given as a parameter, since parameters are recorded",
            remedy="refer to the secret in the settings of a component, {{name.key}}, or read it in the step from an environment variable",
        )
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, set, frozenset)) else ()
    for item in (*inner, *(getattr(value, "__dict__", None) or {}).values()):
        if not isinstance(item, (str, bytes, int, float, type(None), type, Enum)):
            _refuse_secrets(item, where)


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
        data = json.loads(json.dumps(value))
        same = same_value(data, value)
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ConfigError(
            f"{where}: a {type(value).__qualname__} cannot be given to an argument without annotation",
            remedy="annotate the argument with its type, or pass the output of a step",
        )
    return data


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
    if isinstance(data, dict):
        names = _attributes(value, data)
        return {key: _sorted_sets(getattr(value, name, None), data[key]) for key, name in zip(data, names, strict=True)}
    return _sorted_sets(value.root, data) if isinstance(value, RootModel) else data


def _attributes(value: Any, names: Iterable[str]) -> list[str]:
    """Return the attributes of a model or dataclass of which a serializer made `names`."""
    fields: Mapping[str, Any] = getattr(type(value), "model_fields", {})
    aliases = {field.serialization_alias or field.alias or name: name for name, field in fields.items()}
    return [aliases.get(name, name) for name in names]


def _problems(error: ValidationError) -> str:
    items = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}".removeprefix(": ") for item in items)
