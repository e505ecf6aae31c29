"""A returned value is refused only if it clearly is not what the annotation says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Generic, Literal, NewType, Protocol, TypedDict, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import BaseModel
from typing_extensions import TypeAliasType

from dovetail.returned_values import classes_of, is_one
from dovetail.wiring import assignable

T = TypeVar("T")
Metres = NewType("Metres", float)


class Sized(Protocol):
    size: int


class Row(TypedDict):
    a: int


class Box(BaseModel, Generic[T]):
    content: T


def defined_again() -> type:
    return type("Box", (), {"__module__": Box.__module__, "__qualname__": "Box"})


class Silent(type):
    def __instancecheck__(cls, value: object) -> bool:
        raise TypeError("it does not say")


class Unasked(metaclass=Silent):
    pass


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, int), (True, int), (1, float), (1.0, complex), (True, float), (np.int64(1), int), (np.float32(1), float), (np.complex64(1), complex),
        (np.bool_(True), bool), (np.int8(1), float), ([1], list[int]), ((1,), tuple[int, ...]), ({}, Mapping[str, int]), (None, int | None),
        (None, None), ("x", Annotated[str, "name"]), ("x", int | Annotated[str, 1]), ("x", Any), ("x", object), (1, T), ("x", Sized), ([], Row),
        ("x", Metres), ("y", Literal["x"]), ("x", int | T), ([1], Iterable[int]), (len, Callable[..., int]), (int, type[int]), (int, type),
        (np.zeros(3), NDArray[np.float64]), (Box(content=1), Box[int]), (bytearray(b"x"), bytes), (defined_again()(), Box),
        (type("Crate", (defined_again(),), {})(), Box), (1, Unasked),
    ],
)  # fmt: skip
def test_what_may_be_right_passes(value: Any, annotation: Any) -> None:
    assert is_one(value, classes_of(annotation))


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("5", int), (1.0, int), (1, bool), (None, int), (1, str), (b"x", str), ("x", bytes), ((1,), list[int]), ([1], tuple[int, ...]), ([], dict),
        ("x", int | None), (1, Annotated[str, "name"]), (1j, float), (np.float64(1), int), (np.int64(1), bool), ([1.0], NDArray[np.float64]),
        (1, Callable[..., int]), (1, Iterable[int]), ({}, Box[int]), (1, None),
    ],
)  # fmt: skip
def test_what_clearly_is_wrong_does_not(value: Any, annotation: Any) -> None:
    assert not is_one(value, classes_of(annotation))


@pytest.mark.parametrize("annotation", [Any, object, T, int | T, Sized, Row, Metres, Literal["x"]])
def test_what_no_class_stands_for_is_not_asked(annotation: Any) -> None:
    assert classes_of(annotation) == ()


def test_an_alias_is_what_it_stands_for() -> None:
    number = TypeVar("number")
    pair = TypeAliasType("pair", list[number], type_params=(number,))
    for alias in (TypeAliasType("whole", Annotated[int, "x"]), Annotated[TypeAliasType("whole", int), "x"]):
        assert is_one(1, classes_of(alias)) and not is_one("1", classes_of(alias)) and assignable(int, alias) and not assignable(str, alias)
    assert is_one([1], classes_of(pair[int])) and not is_one((1,), classes_of(pair[int]))  # type: ignore[valid-type, misc]
    assert not assignable(list[str], pair[int])  # type: ignore[valid-type, misc]
