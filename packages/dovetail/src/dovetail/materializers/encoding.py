"""Values of Python as JSON, so that exactly the same value comes back: a tuple is no list, and the key 1 is not "1".

The text is UTF-8, in which half surrogate pairs stand as if they were characters.

None, booleans, strings, integers, finite floats, lists, and dicts with string keys stand for themselves. Everything else has a tag
(see `tags` and `classes`, and `$tuple $set $frozenset $dict $deque` here). A value that another materializer stores, such as an array, becomes a
file of its own, and `$item` says which. Dicts and sets are sorted, so that equal values give equal bytes.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from dovetail.materializers import classes, tags
from dovetail.materializers.materializer import Refused
from dovetail.materializers.qualified_names import lineage, qualified_name
from dovetail_core.errors import ConfigError

if TYPE_CHECKING:
    from dovetail.materializers.target import Target

_TENSOR = "torch.Tensor"
_AS_THEY_ARE = frozenset({str, bool, type(None)})
_dumps = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False, check_circular=False, ensure_ascii=False).encode


def encode(value: Any, target: Target) -> bytes:
    """Return the JSON of a value; items that are stored in another way are written to `target`. Raises `Refused`, or `ConfigError`."""
    try:
        return _dumps(_Encoder(target).root(value)).encode("utf-8", "surrogatepass")
    except RecursionError as error:
        raise ConfigError(
            f"a {qualified_name(type(value))} cannot be stored: it contains itself, or is nested too deeply", remedy="make it flat"
        ) from error


class _Encoder:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._items = 0
        self._in_key = False

    def root(self, value: Any) -> Any:
        """Return a value as JSON data. Raises `Refused` if it has no such form."""
        kind = type(value)
        if kind in _AS_THEY_ARE:
            return value
        if simple := tags.TO_JSON.get(kind):
            return simple(value)
        if container := _CONTAINERS.get(kind):
            return container(self, value)
        if form := classes.form_of(kind):
            return form(value, self.node)
        raise Refused(f"its class is neither plain data nor one that is known{_plainer(kind)}")

    def node(self, value: Any) -> Any:
        """Return a value inside another as JSON data."""
        kind = type(value)
        if kind not in _AS_THEY_ARE and kind not in tags.TO_JSON and kind not in _CONTAINERS:
            candidates = self._target.registry.candidates(kind)
            if not candidates or candidates[0].name != "json":
                return self._item(value)
        try:
            return self.root(value)
        except Refused:
            if self._in_key:
                raise
            return self._item(value)

    def _key(self, value: Any) -> Any:
        """Return a key or a member of a set as JSON data; a file of its own has no place in their order, which is that of their JSON."""
        outer, self._in_key = self._in_key, True
        try:
            return self.node(value)
        finally:
            self._in_key = outer

    def _item(self, value: Any) -> Any:
        if self._in_key:
            raise Refused(f"a {qualified_name(type(value))} is not stored in a set or as a key of a dict; use a list")
        self._items += 1
        return {"$item": self._target.save(f"items/{self._items}", value)}

    def list(self, values: Collection[Any]) -> Any:
        """Return values in their order."""
        return list(values) if _plain(values) else [self.node(value) for value in values]

    def dict(self, value: dict[Any, Any]) -> Any:
        """Return a dict: as itself if all keys are strings and none looks like a tag, and as sorted pairs otherwise."""
        if _only_tensors(value):
            raise Refused("it holds tensors, which are stored together")
        if set(map(type, value)) <= {str} and not any(key.startswith("$") for key in value):
            return value if _plain(value.values()) else {key: self.node(value[key]) for key in sorted(value)}
        keys = _sorted((self._key(key), key) for key in value)
        return {"$dict": [[encoded, self.node(value[key])] for encoded, key in keys]}

    def set(self, values: Iterable[Any]) -> Any:
        """Return values sorted by their JSON, since the order of a set differs between processes."""
        return [encoded for encoded, _ in _sorted((self._key(value), None) for value in values)]


def _sorted(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return sorted(pairs, key=lambda pair: _dumps(pair[0]))


def _plain(values: Collection[Any]) -> bool:
    """Tell whether all values stand for themselves, at the speed of C where they are of one kind."""
    kinds = set(map(type, values))
    if kinds <= _AS_THEY_ARE:
        return True
    if kinds == {float}:
        return all(map(math.isfinite, values))
    return kinds == {int} and min(values) >= -tags.BIGGEST and max(values) < tags.BIGGEST


def _only_tensors(value: dict[Any, Any]) -> bool:
    items = iter(value.values())
    return _TENSOR in lineage(type(next(items, None))) and all(_TENSOR in lineage(type(item)) for item in items)


def _plainer(kind: type) -> str:
    base = next((base for base in kind.__mro__ if base in _CONTAINERS or base in tags.TO_JSON or base is str), None)
    return f"; convert it with {base.__name__}(...)" if base else ""


_CONTAINERS: dict[type, Callable[[_Encoder, Any], Any]] = {
    list: lambda encoder, value: encoder.list(value),
    tuple: lambda encoder, value: {"$tuple": encoder.list(value)},
    set: lambda encoder, value: {"$set": encoder.set(value)},
    frozenset: lambda encoder, value: {"$frozenset": encoder.set(value)},
    dict: lambda encoder, value: encoder.dict(value),
    deque: lambda encoder, value: {"$deque": [encoder.list(value), value.maxlen]},
}
