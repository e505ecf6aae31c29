"""Column types and expressions that behave the same in SQLite, PostgreSQL, MySQL and MariaDB.

Text is compared by its code points, with case, accents and trailing spaces. None of the types converts on the way in, so that statements
may be executed without SQLAlchemy (see `prepared`). A migration uses these types too: never change one, add another.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, Text, case
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeEngine

_MYSQL_COLLATION = {"mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"}


def text(length: int) -> TypeEngine[str]:
    """Return the type of a text of at most `length` characters, of which the database may keep an index."""
    return (
        String(length)
        .with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation=_MYSQL_COLLATION["mysql"]), "mysql")
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation=_MYSQL_COLLATION["mariadb"]), "mariadb")
    )


def document() -> TypeEngine[str]:
    """Return the type of a JSON document: a long ASCII text, not a JSON type, which would refuse NaN and reorder keys."""
    return Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def moment() -> TypeEngine[int]:
    """Return the type of a time: microseconds since 1970, UTC."""
    return BigInteger()


class store_time(FunctionElement[int]):
    """The store's own clock, in microseconds since 1970, UTC."""

    name = "store_time"
    type: BigInteger = BigInteger()
    inherit_cache: bool | None = True


SQLITE_CLOCK = "dovetail_now"
"""SQLite's own clock has milliseconds only: this function is registered with each of its connections."""


@compiles(store_time, "sqlite")
def _sqlite_time(element: store_time, compiler: SQLCompiler, **more: Any) -> str:
    return f"{SQLITE_CLOCK}()"


@compiles(store_time, "postgresql")
def _postgresql_time(element: store_time, compiler: SQLCompiler, **more: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)"


@compiles(store_time, "mysql", "mariadb")
def _mysql_time(element: store_time, compiler: SQLCompiler, **more: Any) -> str:
    return "TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))"


def now_or(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the store's time, or the column's where that is later: a clock that was set back makes nothing end before it began."""
    return case((column > store_time(), column), else_=store_time())


class contains_text(FunctionElement[bool]):
    """Whether the first argument contains the second, literally; LIKE ignores case in some databases and needs escapes in all."""

    name = "contains_text"
    type: Boolean = Boolean()
    inherit_cache: bool | None = True


@compiles(contains_text, "sqlite")
def _sqlite_contains(element: contains_text, compiler: SQLCompiler, **more: Any) -> str:
    return f"instr({compiler.process(element.clauses, **more)}) > 0"


@compiles(contains_text, "postgresql")
def _postgresql_contains(element: contains_text, compiler: SQLCompiler, **more: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **more)}) > 0"


@compiles(contains_text, "mysql", "mariadb")
def _mysql_contains(element: contains_text, compiler: SQLCompiler, **more: Any) -> str:
    return f"instr({compiler.process(element.clauses, **more)}) > 0"


class by_code_points(FunctionElement[str]):
    """A given text, compared as the columns are: MySQL compares what is no column's as the connection does, often without case."""

    name = "by_code_points"
    type: String = String()
    inherit_cache: bool | None = True


@compiles(by_code_points)
def _as_it_is(element: by_code_points, compiler: SQLCompiler, **more: Any) -> str:
    return str(compiler.process(element.clauses, **more))


@compiles(by_code_points, "mysql", "mariadb")
def _mysql_collated(element: by_code_points, compiler: SQLCompiler, **more: Any) -> str:
    return f"CONVERT({compiler.process(element.clauses, **more)} USING utf8mb4) COLLATE {_MYSQL_COLLATION[compiler.dialect.name]}"
