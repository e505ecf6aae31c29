"""Searches as SQL: every value is bound, none is part of a statement."""

from __future__ import annotations

import json
import math
import sqlite3
from typing import Any

from dovetail_core.timestamps import to_microseconds
from dovetail_experiment_tracker import params
from dovetail_experiment_tracker.embedded.runs import COLUMNS, TABLES, records
from dovetail_experiment_tracker.filters import Condition
from dovetail_experiment_tracker.primitives import Found
from dovetail_experiment_tracker.queries import RunQuery
from dovetail_experiment_tracker.records import RunRecord

Clause = tuple[str, list[Any]]


def search(connection: sqlite3.Connection, query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
    """Return at most `limit` runs from a position on."""
    order, order_values = _order(query)
    clauses = [_where(one) for one in query.conditions]
    if query.experiments is not None:
        clauses.append((f"e.name IN ({', '.join('?' * len(query.experiments))})", list(query.experiments)))
    selected = f"SELECT {COLUMNS}, {order} FROM {TABLES}{_join(query)} WHERE {' AND '.join(sql for sql, _ in clauses) or 'TRUE'}"
    values = [*order_values, *_joined(query), *(value for _, bound in clauses for value in bound)]
    if after is not None:
        selected = f"SELECT * FROM ({selected}) WHERE (rank, place, late, id) > (?, ?, ?, ?)"
        values += json.loads(after)
    rows = connection.execute(f"{selected} ORDER BY rank, place, late, id LIMIT ?", [*values, limit + 1]).fetchall()
    found = rows[:limit]
    position = json.dumps([*found[-1][8:11], found[-1][1]]) if len(rows) > limit else None
    return Found(records(connection, found), position)


def _order(query: RunQuery) -> Clause:
    """Return the expressions that runs are sorted by: whether there is a value, the value, and the latest start first."""
    sign = "-" if query.descending else ""
    if query.field.kind == "metrics":
        rank = "CASE WHEN s.key IS NULL THEN 2 WHEN s.value IS NULL THEN 1 ELSE 0 END"
        return f"{rank} AS rank, coalesce({sign}s.value, 0) AS place, -r.started AS late", []
    column = f"r.{query.field.kind}"
    return f"CASE WHEN {column} IS NULL THEN 2 ELSE 0 END AS rank, coalesce({sign}{column}, 0) AS place, -r.started AS late", []


def _join(query: RunQuery) -> str:
    return " LEFT JOIN latest s ON s.run = r.number AND s.key = ?" if query.field.kind == "metrics" else ""


def _joined(query: RunQuery) -> list[Any]:
    return [query.field.key] if query.field.kind == "metrics" else []


def _where(condition: Condition) -> Clause:
    kind, key, operator, value = condition.field.kind, condition.field.key, condition.operator, condition.value
    if kind == "metrics":
        test, bound = _number("t.value", operator, value)
        return _having("latest", key, test, bound)
    if kind == "tags":
        return _having("tags", key, f"t.value {operator} ?", [value])
    if kind == "params":
        return _having("params", key, *_param(operator, value))
    if kind in ("started", "ended"):
        return f"r.{kind} {operator} ?", [to_microseconds(value)]
    return f"r.{kind} {operator} ?", [value]


def _having(table: str, key: str, test: str, bound: list[Any]) -> Clause:
    return f"EXISTS (SELECT 1 FROM {table} t WHERE t.run = r.number AND t.key = ? AND {test})", [key, *bound]


def _number(column: str, operator: str, value: float) -> Clause:
    """Return a comparison in which NULL is not a number."""
    if math.isnan(value):
        tests = {"=": f"{column} IS NULL", "<=": f"{column} IS NULL", ">=": f"{column} IS NULL", "!=": f"{column} IS NOT NULL"}
        return tests.get(operator, "FALSE"), []
    return (f"({column} IS NULL OR {column} != ?)" if operator == "!=" else f"{column} {operator} ?"), [value]


def _param(operator: str, value: Any) -> Clause:
    if isinstance(value, float) and not math.isnan(value):
        return _number("t.amount", operator, value)
    if isinstance(value, float):
        tests = {"=": "t.value = 'NaN'", "<=": "t.value = 'NaN'", ">=": "t.value = 'NaN'", "!=": "t.value != 'NaN'"}
        return tests.get(operator, "FALSE"), []
    return f"t.value {operator} ?", [params.encode(value, "value")]
