"""Statements that are compiled once and executed on a driver's own cursor.

SQLAlchemy's execution costs more than the statement does in an embedded database. What is executed for every step goes this way; the
SQL is still SQLAlchemy's, in the dialect and the parameter style of the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Insert
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql import ClauseElement


class Prepared:
    """One statement, compiled for a dialect. Its parameters are named as its bind parameters, or as the columns that it inserts."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        columns = [column.name for column in statement.table.c] if isinstance(statement, Insert) else None
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
        self.text: str = str(compiled)
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._ordered = _ordered(compiled.positiontup) if compiled.positional else None

    def execute(self, cursor: DBAPICursor, values: Mapping[str, Any]) -> DBAPICursor:
        """Execute the statement once and return the cursor."""
        cursor.execute(self.text, self._row(values))
        return cursor

    def execute_all(self, cursor: DBAPICursor, rows: Sequence[Mapping[str, Any]]) -> DBAPICursor:
        """Execute the statement for each row and return the cursor, whose `rowcount` is the sum."""
        if len(rows) == 1:
            return self.execute(cursor, rows[0])
        cursor.executemany(self.text, [self._row(values) for values in rows])
        return cursor

    def _row(self, values: Mapping[str, Any]) -> Any:
        if self._constants:
            values = {**self._constants, **values}
        return values if self._ordered is None else self._ordered(values)


def _ordered(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    return itemgetter(*names) if len(names) > 1 else lambda values: tuple(values[name] for name in names)
