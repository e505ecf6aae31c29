"""Whether a value that a step returned is of the class that its annotation says."""

from __future__ import annotations

import numbers
import types
import typing
from typing import Any, Union, get_args, get_origin, is_typeddict

from dovetail.wiring import plain

_WIDER: dict[Any, tuple[type, ...]] = {
    int: (int, numbers.Integral),
    float: (float, numbers.Real),  # PEP 484, "The numeric tower"
    complex: (complex, numbers.Complex),
    bytes: (bytes, bytearray, memoryview),
}
"""Classes whose values are taken for one of another, those of numpy among them."""


def classes_of(annotation: Any) -> tuple[type, ...]:
    """Return the classes one of which a value so annotated is of; none if the annotation is of a kind that no class stands for."""
    annotation = plain(annotation)
    if annotation is None:
        return (type(None),)
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        arms = [classes_of(arm) for arm in get_args(annotation)]
        return tuple(kind for arm in arms for kind in arm) if all(arms) else ()
    kind = origin or annotation
    if not isinstance(kind, type) or kind in (object, typing.Any) or is_typeddict(kind) or getattr(kind, "_is_protocol", False):
        return ()
    generic = getattr(kind, "__pydantic_generic_metadata__", {}).get("origin")  # an instance of the bare model is none of Model[int]
    return _WIDER.get(kind, (generic or kind,))


def is_one(value: Any, classes: tuple[type, ...]) -> bool:
    """Tell whether a value is of one of some classes, of none if there are none; only what clearly is not counts as not.

    A class that was defined once more, as in a notebook or after a reload, is the same class still.
    """
    try:
        if not classes or isinstance(value, classes):
            return True
    except TypeError:  # a class that cannot be asked
        return True
    if bool in classes and type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
        return True
    names = {(kind.__module__, kind.__qualname__) for kind in type(value).__mro__}
    return any((kind.__module__, kind.__qualname__) in names for kind in classes)
