"""Whether what one step gives is what another takes."""

from __future__ import annotations

import collections.abc
import types
import typing
from typing import Annotated, Any, get_args, get_origin

_PROMOTED = {(int, float), (int, complex), (float, complex), (bool, float)}  # PEP 484, "The numeric tower"
_COLLECTIONS = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)


def assignable(source: Any, target: Any) -> bool:
    """Tell whether a value annotated `source` may be given to an argument annotated `target`; `Any` and no annotation fit everything."""
    source, target = plain(source), plain(target)
    if Any in (source, target) or target is object or source == target or (source, target) in _PROMOTED:
        return True
    if arms := union_arms(source):
        return all(assignable(arm, target) for arm in arms)
    if any(assignable(source, arm) for arm in union_arms(target)):
        return True
    from beartype.door import is_subhint

    try:
        return bool(is_subhint(source, target))
    except Exception:  # annotations that beartype does not know are compared by their classes, or let pass
        classes = get_origin(source) or source, get_origin(target) or target
        return not all(isinstance(kind, type) for kind in classes) or issubclass(*classes)


def plain(annotation: Any) -> Any:
    """Return an annotation without its `Annotated` extras; of an alias that a `type` statement made, what it stands for."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return plain(get_args(annotation)[0])
    if _is_alias(annotation):
        return plain(annotation.__value__)
    return plain(origin.__value__[get_args(annotation)]) if _is_alias(origin) else annotation


def _is_alias(annotation: Any) -> bool:
    return type(annotation).__name__ == "TypeAliasType"  # of `typing` since Python 3.12, or of `typing_extensions`


def union_arms(annotation: Any) -> tuple[Any, ...]:
    """Return the types of which a union allows any; none for an annotation that is no union."""
    annotation = plain(annotation)
    return get_args(annotation) if get_origin(annotation) in (typing.Union, types.UnionType) else ()


def alternatives(annotation: Any) -> list[Any]:
    """Return the types that an annotation stands for, through unions and `Annotated` at any depth, without None."""
    arms = union_arms(annotation)
    found = [one for arm in arms for one in alternatives(arm)] if arms else [plain(annotation)]
    return [one for one in found if one is not type(None)]


def element(annotation: Any) -> Any:
    """Return what a list, tuple or sequence annotated so holds; `Any` if it does not say. None if it is no such collection.

    Of a union, what its collections hold.
    """
    annotation = plain(annotation)
    if arms := union_arms(annotation):
        held = tuple(found for arm in arms if (found := element(arm)) is not None)
        return typing.Union[held] if held else None  # noqa: UP007  (built at run time)
    origin = get_origin(annotation) or annotation
    if origin is Any:
        return Any
    if origin not in _COLLECTIONS:
        return None
    arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
    return typing.Union[tuple(arguments)] if arguments else Any  # noqa: UP007  (built at run time)


def shown(annotation: Any) -> str:
    """Return an annotation as people write it."""
    return annotation.__qualname__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation).replace("typing.", "")
