"""The language in which runs are looked for.

    metrics.loss < 0.3 and params.model = "svm" and tags.pipeline = "digits" and status = "finished"

Conditions are joined by `and`. A condition is a field, an operator and a value.

| field | what it is | operators | values |
|---|---|---|---|
| `metrics.KEY` | the latest value of a metric | `=` `!=` `<` `<=` `>` `>=` | numbers, also `nan`, `inf`, `-inf` |
| `params.KEY` | a parameter | `=` `!=`; with a number also `<` `<=` `>` `>=` | texts, numbers, `true`, `false`, `null` |
| `tags.KEY` | a tag | `=` `!=` | texts |
| `status`, `name`, `id`, `parent` | of the run | `=` `!=` | texts |
| `started`, `ended` | times of the run | `=` `!=` `<` `<=` `>` `>=` | texts: ISO 8601 with a time zone |

A key that is not made of letters, digits and `_-/.` is written between backquotes: metrics.`val loss`. Texts stand between double or
single quotes; a backslash escapes a quote or a backslash. What a run does not have fulfils no condition, also not `!=`. Not a number equals
itself, and is neither less nor greater. Case counts, but not in `and`, `true`, `false`, `null`, `nan`, `inf`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from dovetail_core import InvalidArgument
from dovetail_experiment_tracker.records import RunStatus

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Kind = Literal["metrics", "params", "tags", "status", "name", "id", "parent", "started", "ended"]

KEYED = ("metrics", "params", "tags")
ATTRIBUTES = ("status", "name", "id", "parent", "started", "ended")

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<field>(?:metrics|params|tags)\.(?:`[^`]+`|[\w\-/.]+) | (?:status|name|id|parent|started|ended)\b)
    | (?P<operator>!=|<=|>=|=|<|>)
    | (?P<text>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<number>[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf|nan))(?![\w.]))
    | (?P<word>(?i:and|true|false|null)\b)
    )""",
    re.VERBOSE | re.DOTALL,
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_LIMIT = 10_000


@dataclass(frozen=True)
class Field:
    """What a condition or an order is about."""

    kind: Kind
    """A metric, a parameter, a tag, or one of the run's own attributes."""
    key: str = ""
    """Of a metric, parameter or tag."""

    def __str__(self) -> str:
        return f"{self.kind}.`{self.key}`" if self.key else self.kind


@dataclass(frozen=True)
class Condition:
    """A field, an operator and a value: a float for metrics; for parameters a text, float, boolean or None; a datetime for times; else a text."""

    field: Field
    """What is compared."""
    operator: Operator
    """How."""
    value: Any
    """With what."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(filter: str) -> tuple[Condition, ...]:
    """Return the conditions of a filter; an empty one has none. Raises `InvalidArgument` that tells where it is not understood."""
    if not isinstance(filter, str) or len(filter) > _LIMIT:
        raise InvalidArgument(f"the filter is no text of at most {_LIMIT} characters", field="filter")
    tokens = _tokens(filter)
    conditions: list[Condition] = []
    while tokens:
        if conditions:
            _expect(tokens, filter, "and")
        conditions.append(_condition(tokens, filter))
    return tuple(conditions)


def field_of(text: str, what: str) -> Field:
    """Return the field that a text names, such as `metrics.loss`. Raises `InvalidArgument`."""
    match = _TOKEN.fullmatch(text)
    if match is None or match["field"] is None:
        raise InvalidArgument(f"{what} is no field: {text!r}", remedy="such as metrics.loss, params.lr, started", field=what)
    return _field(match["field"])


def _tokens(filter: str) -> list[_Token]:
    found, position = [], 0
    while position < len(filter.rstrip()):
        match = _TOKEN.match(filter, position)
        if match is None or match.lastgroup is None:
            raise _misread(filter, position + len(filter[position:]) - len(filter[position:].lstrip()))
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return found[::-1]


def _misread(filter: str, position: int) -> InvalidArgument:
    return InvalidArgument(
        f"the filter is not understood at character {position + 1}: {filter[position : position + 20]!r}",
        remedy='such as: metrics.loss < 0.3 and params.model = "svm" and status = "finished"',
        field="filter",
        position=position,
    )


def _take(tokens: list[_Token], filter: str, *kinds: str) -> _Token:
    if not tokens:
        raise _misread(filter, len(filter))
    token = tokens.pop()
    if token.kind not in kinds:
        raise _misread(filter, token.position)
    return token


def _expect(tokens: list[_Token], filter: str, word: str) -> None:
    token = _take(tokens, filter, "word")
    if token.text.lower() != word or not tokens:
        raise _misread(filter, token.position)


def _condition(tokens: list[_Token], filter: str) -> Condition:
    start = tokens[-1].position
    field = _field(_take(tokens, filter, "field").text)
    operator: Any = _take(tokens, filter, "operator").text
    token = _take(tokens, filter, "text", "number", "word")
    value = _value(token)
    if token.text.lower() == "and" and token.kind == "word":
        raise _misread(filter, token.position)
    problem, value = _checked(field, operator, value)
    if problem:
        raise InvalidArgument(f"the filter's condition on {field} at character {start + 1}: {problem}", field="filter", position=start)
    return Condition(field, operator, value)


def _field(text: str) -> Field:
    kind, _, key = text.partition(".")
    return Field(kind, key.strip("`"))  # type: ignore[arg-type]


def _value(token: _Token) -> Any:
    if token.kind == "text":
        return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
    if token.kind == "number":
        return float(token.text)
    return _WORDS.get(token.text.lower())


def _checked(field: Field, operator: str, value: Any) -> tuple[str, Any]:
    """Return what is wrong with a condition, if anything, and the value as the field has it."""
    number = isinstance(value, float)
    ordered = operator not in ("=", "!=")
    if field.kind == "metrics":
        return ("" if number else "a metric is compared with a number"), value
    if field.kind == "params":
        return ("only numbers are less or greater" if ordered and not number else ""), value
    if not isinstance(value, str):
        return "it is compared with a text, between quotes", value
    if field.kind in ("started", "ended"):
        return _time(value)
    if field.kind == "status" and value not in set(RunStatus):
        return "a status is one of " + ", ".join(RunStatus), value
    return ("texts are neither less nor greater" if ordered else ""), value


def _time(value: str) -> tuple[str, Any]:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        return "a time is ISO 8601 with a time zone, such as 2030-01-31T12:00:00Z", value
    return "", moment
