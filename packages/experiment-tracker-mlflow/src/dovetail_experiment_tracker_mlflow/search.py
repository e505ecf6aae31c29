"""Searches in MLflow: what it can decide narrows its answer, and every run is then judged by the contract's own rules."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from dovetail_experiment_tracker import RunRecord, matching
from dovetail_experiment_tracker.filters import Condition
from dovetail_experiment_tracker.primitives import Found
from dovetail_experiment_tracker.queries import RunQuery
from dovetail_experiment_tracker_mlflow._client import Client
from dovetail_experiment_tracker_mlflow.points import milliseconds
from dovetail_experiment_tracker_mlflow.records import as_record

_PAGE = 1000
_OPERATORS = ("=", "<", "<=", ">", ">=")


def search(client: Client, experiments: Mapping[str, str], query: RunQuery, after: str | None, limit: int) -> Found[RunRecord]:
    """Return a part of a search in experiments, given by id with their names.

    The latest runs first is MLflow's own order too, and is read only as far as needed; for any other order all that may fit is read.
    """
    last = tuple(json.loads(after)) if after is not None else None
    runs = _runs(client, experiments, _narrowing(query, last))
    fitting = (run for run in runs if matching.matches(run, query.conditions))
    keyed = ((matching.sort_key(run, query.field, query.descending), run) for run in fitting)
    beyond = ((key, run) for key, run in keyed if last is None or key > last)
    latest_first = query.field.kind == "started" and query.descending
    found = list(_first(beyond, limit + 1)) if latest_first else sorted(beyond, key=lambda item: item[0])
    following = json.dumps(found[limit - 1][0]) if len(found) > limit else None
    return Found([run for _, run in found[:limit]], following)


def _first(items: Iterator[tuple[tuple[Any, ...], RunRecord]], count: int) -> Iterator[tuple[tuple[Any, ...], RunRecord]]:
    """Yield the first items in the order of their keys; they come by start, latest first, and those of one moment in any order."""
    moment: list[tuple[tuple[Any, ...], RunRecord]] = []
    taken = 0
    for item in items:
        if moment and item[1].started != moment[0][1].started:
            yield from sorted(moment, key=lambda pair: pair[0])
            taken += len(moment)
            moment = []
            if taken >= count:
                return
        moment.append(item)
    yield from sorted(moment, key=lambda pair: pair[0])


def _narrowing(query: RunQuery, last: tuple[Any, ...] | None) -> str:
    parts = [text for text in map(_condition, query.conditions) if text]
    if last is not None and query.field.kind == "started" and query.descending:
        parts.append(f"attributes.start_time <= {math.ceil(-float(last[-2]) * 1000)}")
    return " and ".join(parts)


def _condition(condition: Condition) -> str:
    """Return a condition in MLflow's language, or nothing where it cannot say the same."""
    field, value = condition.field, condition.value
    if "`" in field.key or '"' in field.key or condition.operator not in _OPERATORS:
        return ""
    if field.kind == "metrics" and isinstance(value, float) and math.isfinite(value):
        return (
            "" if "e+" in repr(value) else f"metrics.`{field.key}` {condition.operator} {value!r}"
        )  # MLflow reads no number such as 1.5e+300
    if field.kind == "tags" and condition.operator == "=" and _quotable(value):
        return f"tags.`{field.key}` = '{value}'"
    if field.kind == "started" and condition.operator in ("<=", ">="):
        return f"attributes.start_time {condition.operator} {milliseconds(value) + (condition.operator == '<=')}"
    return ""


def _quotable(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and not set(value) & set("'\"`\\%")


def _runs(client: Client, experiments: Mapping[str, str], narrowing: str) -> Iterator[RunRecord]:
    """Yield runs, latest start first.

    MLflow's pages count from the start of the list, which runs that start or are deleted meanwhile would shift. So each begins at the moment
    where the one before ended; only among more runs of one moment than a page has it goes on by counting.
    """
    if not experiments:
        return
    moment: int | None = None
    token: str | None = None
    known: set[str] = set()
    while True:
        within = narrowing if moment is None else " and ".join(filter(None, (narrowing, f"attributes.start_time <= {moment}")))
        page = client.call("a search for runs", partial(_page, experiments, within, token))
        for run in page:
            if run.info.run_id not in known:
                yield as_record(run, experiments[run.info.experiment_id])
        if not page.token:
            return
        last = page[-1].info.start_time
        token = page.token if last == moment else None
        known = {run.info.run_id for run in page if run.info.start_time == last} | (known if last == moment else set())
        moment = last


def _page(experiments: Iterable[str], narrowing: str, token: str | None, store: Any) -> Any:
    from mlflow.entities import ViewType

    return store.search_runs(list(experiments), narrowing, ViewType.ACTIVE_ONLY, _PAGE, ["attributes.start_time DESC"], token)
