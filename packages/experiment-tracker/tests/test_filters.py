"""The language of filters is read as it is documented."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dovetail_core import InvalidArgument
from dovetail_experiment_tracker import Condition, Field
from dovetail_experiment_tracker.filters import field_of, parse


def test_conditions_are_fields_operators_and_values() -> None:
    filter = "metrics.`val loss` <= -1.5e-3 and params.a/b-c.d = \"x 'y' \\\"z\\\" \\\\\" AND tags.k != 'v' and ended < '2031-01-01T00:00:00Z' and params.p = null"
    assert parse(filter) == (
        Condition(Field("metrics", "val loss"), "<=", -0.0015),
        Condition(Field("params", "a/b-c.d"), "=", "x 'y' \"z\" \\"),
        Condition(Field("tags", "k"), "!=", "v"),
        Condition(Field("ended"), "<", datetime(2031, 1, 1, tzinfo=UTC)),
        Condition(Field("params", "p"), "=", None),
    )


def test_blanks_are_not_needed_and_do_no_harm() -> None:
    assert parse("metrics.a<1 and metrics.b>=2") == parse("  metrics.a  <  1  and\n\tmetrics.b >= 2 ")
    assert parse("   ") == ()


@pytest.mark.parametrize(
    ("filter", "position"), [("metrics.a < 1 or x", 15), ("nonsense = 1", 1), ("metrics.a < 1 and", 15), ("metrics.a !! 2", 11)]
)
def test_the_error_says_where(filter: str, position: int) -> None:
    with pytest.raises(InvalidArgument, match=f"at character {position}:"):
        parse(filter)


@pytest.mark.parametrize(
    "filter",
    ["metrics.a = 'x'", "params.a < 'x'", "tags.a = 1", "status = 'over'", "ended < '2031-01-01'", "name >= 'a'", "metrics.a = true"],
)
def test_values_fit_their_fields(filter: str) -> None:
    with pytest.raises(InvalidArgument, match="condition on"):
        parse(filter)


def test_a_field_is_written_as_in_a_filter() -> None:
    assert field_of("metrics.`a b`", "order_by") == Field("metrics", "a b")
    with pytest.raises(InvalidArgument):
        field_of("metrics.a < 1", "order_by")
