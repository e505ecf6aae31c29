"""Filters and orders applied to records in memory: what every backend's answers are equal to."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from dovetail_experiment_tracker.filters import Condition, Field
from dovetail_experiment_tracker.params import nearest
from dovetail_experiment_tracker.records import RunRecord

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
ABSENT: Any = object()


def matches(run: RunRecord, conditions: Iterable[Condition]) -> bool:
    """Tell whether a run fulfils all conditions."""
    return all(_holds(value_of(run, one.field), one) for one in conditions)


def value_of(run: RunRecord, field: Field) -> Any:
    """Return what a run has of a field, or `ABSENT`."""
    if field.kind == "metrics":
        return run.latest[field.key].value if field.key in run.latest else ABSENT
    if field.kind in ("params", "tags"):
        return getattr(run, field.kind).get(field.key, ABSENT)
    value = getattr(run, field.kind)
    return ABSENT if value is None else value


def _holds(value: Any, condition: Condition) -> bool:
    if value is ABSENT:
        return False
    if condition.field.kind == "params" and not _comparable(value, condition.value):
        return condition.operator == "!="
    if _nan(value) or _nan(condition.value):
        same = _nan(value) and _nan(condition.value)
        return same if condition.operator in ("=", "<=", ">=") else condition.operator == "!=" and not same
    number = isinstance(condition.value, float)
    return _COMPARE[condition.operator](nearest(value) if number else value, condition.value)


def _comparable(value: Any, other: Any) -> bool:
    """Tell whether two parameters are of kinds that can be equal: `1` is no text, and `true` no number."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number if isinstance(other, float) else type(value) is type(other)


def _nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def sort_key(run: RunRecord, field: Field, descending: bool) -> tuple[Any, ...]:
    """Return by what runs are sorted: runs without the field last, not a number before them; then the latest start first, then the id.

    Its parts are numbers and texts.
    """
    return (*_rank(value_of(run, field), descending), -run.started.timestamp(), run.id)


def _rank(value: Any, descending: bool) -> tuple[int, float]:
    if value is ABSENT:
        return 2, 0.0
    number = value.timestamp() if isinstance(value, datetime) else float(value)
    if math.isnan(number):
        return 1, 0.0
    return 0, -number if descending else number
