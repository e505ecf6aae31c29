"""Every parameter has one text, and every text is read as one value."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail_core import InvalidArgument
from dovetail_experiment_tracker.contract.samples import same
from dovetail_experiment_tracker.params import amount, decode, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_is_read_back_as_it_was(value: object) -> None:
    assert same(decode(encode(value, "p")), value)


@given(VALUES, VALUES)
def test_different_values_have_different_texts(one: object, other: object) -> None:
    assert (encode(one, "p") == encode(other, "p")) == same(one, other) or {0.0, -0.0} >= {one, other} - {None}  # type: ignore[operator]


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    decode(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [("svm", "svm"), ("1", '"1"'), (1, "1"), (0.1, "0.1"), (None, "null"), ("null", '"null"'), ([1, "a"], '[1,"a"]'), ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
     (" 1", '" 1"')],
)  # fmt: skip
def test_texts_are_what_people_read(value: object, text: str) -> None:
    assert encode(value, "p") == text


def test_what_stands_for_a_plain_value_is_that_value() -> None:
    np = pytest.importorskip("numpy")

    class Mode(Enum):
        FAST = "fast"

    assert [encode(value, "p") for value in (Mode.FAST, PurePosixPath("a/b"), (1, 2), np.float64(0.5), np.arange(3))] == [
        "fast", "a/b", "[1,2]", "0.5", "[0,1,2]",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [{1}, object(), b"x", 1j, {1: 2}, 1 << 5000, [object()]])
def test_what_has_no_form_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidArgument, match="model"):
        encode(value, "model")


def test_numbers_are_compared_as_floats() -> None:
    assert amount("1") == 1.0
    assert amount("1" + "0" * 400) == math.inf
    assert [amount(text) for text in ("NaN", "true", "svm", '"1"')] == [None] * 4
