"""Instances of classes as JSON: their class by name, and their state.

| tag | content |
| --- | --- |
| `$enum` | class, name of the member (of a flag: its value) |
| `$namedtuple` | class, values |
| `$dataclass` | class, fields, other attributes |
| `$model` | of pydantic: class, fields; and, where there are any, `unset` fields, `extra` and `private` |
| `$typed` | another class that pydantic knows, such as an IP address: class, its JSON as text |
| `$numpy` | a scalar: dtype, value |

State is read and set directly: no constructor and no validator runs, so that what comes back is what was there.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Callable
from typing import Any

from dovetail.materializers.materializer import Refused
from dovetail.materializers.qualified_names import by_class, importable, lineage, reference
from dovetail.materializers.tags import base64_of, tagged_float, tagged_int
from dovetail_core.errors import ConfigError

Node = Callable[[Any], Any]
Form = Callable[[Any, Node], Any]
_SECRETS = frozenset({"pydantic.types.Secret", "pydantic.types.SecretStr", "pydantic.types.SecretBytes"})


@by_class
def form_of(kind: type) -> Form | None:
    """Return the function that gives instances of a class as JSON data, or None if there is none."""
    bases = lineage(kind)
    if "numpy.generic" in bases:
        return None if "numpy.void" in bases else _numpy
    form = _form_of_class(kind, bases)
    return form if form is None or importable(kind) else _hidden


def _form_of_class(kind: type, bases: tuple[str, ...]) -> Form | None:
    if issubclass(kind, enum.Enum):
        return _flag if issubclass(kind, enum.Flag) else _member
    if _SECRETS.intersection(bases):
        return _secret
    if "pydantic.main.BaseModel" in bases:
        return _model
    if issubclass(kind, tuple) and hasattr(kind, "_fields") and hasattr(kind, "_make"):
        return _namedtuple
    if dataclasses.is_dataclass(kind):
        return _dataclass if _only_fields(kind) else None
    return _typed if _adapter(kind) else None


def _only_fields(kind: type) -> bool:
    """Tell whether all the state of a class is in its attributes, so that no list, dict or exception is among its bases."""
    return all(base is object or base.__module__ != "builtins" for base in kind.__mro__)


def _hidden(value: Any, node: Node) -> Any:
    raise Refused(
        f"another process would not find its class {reference(type(value))}; define it at the top of a module, under its own name"
    )


def _secret(value: Any, node: Node) -> Any:
    # not Refused: pickle would write it in clear
    raise ConfigError(
        f"a {type(value).__name__} cannot be stored: it is a secret, and artifacts are not kept secret",
        remedy="leave it out of the value, and read it where it is used",
    )


def _member(value: Any, node: Node) -> Any:
    return {"$enum": [reference(type(value)), value.name]}


def _flag(value: Any, node: Node) -> Any:
    return {"$enum": [reference(type(value)), tagged_int(value.value)]}


def _namedtuple(value: Any, node: Node) -> Any:
    return {"$namedtuple": [reference(type(value)), [node(item) for item in value]]}


def _dataclass(value: Any, node: Node) -> Any:
    names = [field.name for field in dataclasses.fields(value) if hasattr(value, field.name)]
    others = _other_attributes(value, names)
    return {"$dataclass": [reference(type(value)), _nodes({name: getattr(value, name) for name in names}, node), _nodes(others, node)]}


def _other_attributes(value: Any, names: list[str]) -> dict[str, Any]:
    """Return what was set besides the fields, without what can be computed again."""
    kind = type(value)
    return {
        name: item
        for name, item in getattr(value, "__dict__", {}).items()
        if name not in names and not isinstance(getattr(kind, name, None), functools.cached_property)
    }


def _model(value: Any, node: Node) -> Any:
    kind = type(value)
    fields = {name: item for name, item in value.__dict__.items() if name in kind.model_fields}
    state = {
        "class": reference(kind),
        "fields": _nodes(fields, node),
        "unset": sorted(fields.keys() - value.model_fields_set),
        "extra": _nodes(value.__pydantic_extra__ or {}, node),
        "private": _nodes(value.__pydantic_private__ or {}, node),
    }
    return {"$model": {name: content for name, content in state.items() if content or name == "fields"}}


def _nodes(attributes: dict[str, Any], node: Node) -> list[list[Any]]:
    return [[name, node(attributes[name])] for name in sorted(attributes)]


def _numpy(value: Any, node: Node) -> Any:
    dtype = value.dtype
    if dtype.kind in "biuU":
        return {"$numpy": [dtype.str, value.item()]}
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return {"$numpy": [dtype.str, tagged_float(value.item())]}
    return {"$numpy": [dtype.str, {"$bytes": base64_of(value.tobytes())}]}


def _typed(value: Any, node: Node) -> Any:
    adapter = _adapter(type(value))
    try:
        text = adapter.dump_json(value).decode()
        back = adapter.validate_json(text)
        same = type(back) is type(value) and bool(back == value)
    except Exception as error:
        raise Refused(f"it has no JSON form ({type(error).__name__})") from error
    if not same:
        raise Refused("it would not come back equal from its JSON form")
    return {"$typed": [reference(type(value)), text]}


@by_class
def _adapter(kind: type) -> Any:
    """Return pydantic's adapter for a class, or None if pydantic does not know it."""
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(kind)
    except (PydanticUserError, TypeError):
        return None
