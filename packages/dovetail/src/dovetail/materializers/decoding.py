"""JSON that `encoding` wrote, as the values it was made of."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dovetail.materializers import tags
from dovetail_core.errors import ConfigError

if TYPE_CHECKING:
    from dovetail.materializers.source import Source


def decode(data: bytes, source: Source) -> Any:
    """Return the value; items that were stored in another way are read from `source`. Raises `ConfigError` for classes that changed."""
    text = data.decode("utf-8", "surrogatepass")
    if '"$' not in text:
        return json.loads(text)
    return json.loads(text, object_hook=_Decoder(source).untagged)


class _Decoder:
    def __init__(self, source: Source) -> None:
        self._source = source

    def untagged(self, data: dict[str, Any]) -> Any:
        """Return what a JSON object stands for; what is inside of it has been through here before."""
        if len(data) != 1:
            return data
        ((tag, content),) = data.items()
        if not tag.startswith("$"):
            return data
        if simple := tags.FROM_JSON.get(tag) or _CONTAINERS.get(tag):
            return simple(content)
        if tag == "$item":
            return self._source.load(content)
        if form := _CLASSES.get(tag):
            return form(content, self._source)
        raise ConfigError(f"a stored value holds an unknown tag, {tag!r}", remedy="install a newer version of dovetail")


def _subclass(name: str, base: type, source: Source) -> type:
    kind = source.find_class(name)
    if not issubclass(kind, base):
        raise _changed(kind, f"is no {base.__name__}")
    return kind


def _member(content: Any, source: Source) -> Any:
    kind: Any = _subclass(content[0], enum.Enum, source)
    try:
        return kind[content[1]] if isinstance(content[1], str) else kind(content[1])
    except (KeyError, ValueError) as error:
        raise _changed(kind, f"has no member {content[1]!r}") from error


def _namedtuple(content: Any, source: Source) -> Any:
    kind: Any = _subclass(content[0], tuple, source)
    try:
        return kind._make(content[1])
    except (AttributeError, TypeError) as error:
        raise _changed(kind, f"does not have {len(content[1])} fields") from error


def _dataclass(content: Any, source: Source) -> Any:
    found = source.find_class(content[0])
    if not dataclasses.is_dataclass(found):
        raise _changed(found, "is no dataclass")
    kind: Any = found
    made = object.__new__(kind)
    fields = _completed(kind, dict(content[1]), {field.name: field for field in dataclasses.fields(kind)}, _default)
    for name, value in (*fields.items(), *content[2]):
        object.__setattr__(made, name, value)
    return made


def _default(field: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is dataclasses.MISSING and field.init:
        raise LookupError
    return field.default


def _model(content: Any, source: Source) -> Any:
    kind: Any = source.find_class(content["class"])
    known = getattr(kind, "model_fields", None)
    if known is None:
        raise _changed(kind, "is no pydantic model")
    stored = dict(content["fields"])
    made = kind.__new__(kind)
    state = {
        "__dict__": _completed(kind, stored, known, _model_default),
        "__pydantic_fields_set__": stored.keys() - set(content.get("unset", ())),
        "__pydantic_extra__": dict(content.get("extra", ())) if kind.model_config.get("extra") == "allow" else None,
        "__pydantic_private__": dict(content.get("private", ())) if kind.__private_attributes__ else None,
    }
    for name, value in state.items():
        object.__setattr__(made, name, value)
    return made


def _model_default(field: Any) -> Any:
    if field.is_required():
        raise LookupError
    return field.get_default(call_default_factory=True)


def _completed(kind: type, stored: Mapping[str, Any], known: Mapping[str, Any], default: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the stored fields and the defaults of newer ones, in the class's order. Raises `ConfigError` if the class no longer fits."""
    if unknown := sorted(stored.keys() - known.keys()):
        raise _changed(kind, f"has no field {unknown[0]!r}")
    try:
        fields = {name: stored[name] if name in stored else default(field) for name, field in known.items()}
    except LookupError:
        missing = sorted(known.keys() - stored.keys())
        raise _changed(kind, f"has a field that was not stored: one of {missing}") from None
    return {name: value for name, value in fields.items() if value is not dataclasses.MISSING}


def _changed(kind: type, how: str) -> ConfigError:
    return ConfigError(
        f"a stored {kind.__module__}.{kind.__qualname__} does not fit its class, which changed: it {how}",
        remedy="restore the class as it was, or run the step that made the value again",
    )


def _typed(content: Any, source: Source) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(source.find_class(content[0])).validate_json(content[1])


def _numpy(content: Any, source: Source) -> Any:
    import numpy as np

    dtype, value = np.dtype(content[0]), content[1]
    if dtype.kind == "S":
        return np.bytes_(value)
    return np.frombuffer(value, dtype)[0] if isinstance(value, bytes) else dtype.type(value)


_CONTAINERS: Mapping[str, Callable[[Any], Any]] = {
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$dict": dict,
    "$deque": lambda content: deque(*content),
}
_CLASSES: Mapping[str, Callable[[Any, Source], Any]] = {
    "$enum": _member,
    "$namedtuple": _namedtuple,
    "$dataclass": _dataclass,
    "$model": _model,
    "$typed": _typed,
    "$numpy": _numpy,
}
