"""Finds earlier executions of steps by their keys."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, ScalarSelect, Select, bindparam, literal_column, select, tuple_, union_all

from dovetail_core import IntegrityError
from dovetail_metadata_store.records import StepRun
from dovetail_metadata_store.sql.batches import batches
from dovetail_metadata_store.sql.columns import by_code_points
from dovetail_metadata_store.sql.damage import log
from dovetail_metadata_store.sql.database import Database
from dovetail_metadata_store.sql.schema import links, steps
from dovetail_metadata_store.sql.steps import with_links

_ID_LENGTH = 32
_KEY_TYPE = steps.c.cache_key.type


def find_cached(database: Database, keys: Sequence[str]) -> dict[str, StepRun]:
    """Return the latest committed step of each key, with three queries for every batch of keys."""

    def work(connection: Connection) -> dict[str, StepRun]:
        return {key: step for batch in batches(keys) for key, step in _readable(connection, batch).items()}

    return database.read(work)


def _readable(connection: Connection, keys: Sequence[str]) -> dict[str, StepRun]:
    """Return what is found for keys; a step that is damaged is none, and hides no other: it is executed again."""
    try:
        return _found(connection, keys)
    except IntegrityError as error:
        if len(keys) == 1:
            log.warning("left out: %s", error)
            return {}
    middle = len(keys) // 2
    return {**_readable(connection, keys[:middle]), **_readable(connection, keys[middle:])}


def _found(connection: Connection, keys: Sequence[str]) -> dict[str, StepRun]:
    wanted = {f"key_{number}": key for number, key in enumerate(keys)}
    places = {row.wanted_key: row.by_cache or row.by_provenance for row in connection.execute(_latest(len(keys)), wanted)}
    found = {key: (place[:_ID_LENGTH], place[_ID_LENGTH:]) for key, place in places.items() if place is not None}
    if not found:
        return {}
    pairs = sorted(set(found.values()))
    rows = connection.execute(select(steps).where(tuple_(steps.c.run_id, steps.c.name).in_(pairs))).all()
    of = tuple_(links.c.run_id, links.c.step).in_(pairs)
    whole = {(step.run_id, step.name): step for step in with_links(connection, rows, of)}
    return {key: whole[pair] for key, pair in found.items()}


def _last(column: Column[Any]) -> ScalarSelect[Any]:
    """Return the query for the last step with the key that is wanted: one look at the end of an index, however many have it.

    A scalar subquery gives one value: the run's id, which has a fixed length, and the step's name in one text.
    """
    order = [part.desc() for part in (column, steps.c.ended, steps.c.run_id, steps.c.name)]
    return select(steps.c.run_id + steps.c.name).where(column == _WANTED_KEY).order_by(*order).limit(1).scalar_subquery()


_WANTED_KEY: Any = literal_column("wanted.wanted_key", _KEY_TYPE)
_BY_CACHE = _last(steps.c.cache_key).label("by_cache")
_BY_PROVENANCE = _last(steps.c.provenance_key).label("by_provenance")


@functools.lru_cache(maxsize=16)
def _latest(count: int) -> Select[Any]:
    """Return the query for the places of `count` keys."""
    keys = (select(by_code_points(bindparam(f"key_{number}", type_=_KEY_TYPE)).label("wanted_key")) for number in range(count))
    return select(_WANTED_KEY.label("wanted_key"), _BY_CACHE, _BY_PROVENANCE).select_from(union_all(*keys).subquery("wanted"))
