"""Checks of arguments, made before anything is stored. The limits are the same for every flavor."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from dovetail_core import Failure, InvalidArgument
from dovetail_core.timestamps import to_microseconds
from dovetail_metadata_store import documents
from dovetail_metadata_store.records import Artifact, Link, Owner, Run, State, StepCommit

NAME_LIMIT = 255
"""Characters in a name: of a run, pipeline, stack, step, output, argument, metadata entry, materializer, format, digest or host."""
CACHE_KEY_LIMIT = 128
TYPE_LIMIT = 1024
KEY_LIMIT = 2048
URI_LIMIT = 4096
INTEGER_LIMIT = 2**63 - 1
COUNT_LIMIT = 2**31 - 1

_ID = re.compile(r"[0-9a-f]{32}")


def identifier(value: str, what: str) -> str:
    """Return an id of 32 hexadecimal digits in lower case, as `new_id` makes them. Raises `InvalidArgument`."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidArgument(f"{what} is not an id: {_shown(value)}", remedy="an id is 32 hexadecimal digits in lower case", field=what)
    return value


def text(value: str, what: str, limit: int = NAME_LIMIT) -> str:
    """Return a text of 1 to `limit` characters that every backend can store. Raises `InvalidArgument` naming field and limit."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{what} is not a text but {type(value).__name__}", field=what)
    if not 0 < len(value) <= limit:
        raise InvalidArgument(f"{what} has {len(value)} characters", remedy=f"1 to {limit} characters", field=what, limit=limit)
    if "\0" in value or not (value.isascii() or _encodable(value)):
        raise InvalidArgument(f"{what} has a character that cannot be stored: {value!r}", remedy="no NUL, no lone surrogate", field=what)
    return value


def optional(value: str | None, what: str, limit: int = NAME_LIMIT) -> str | None:
    """Return a text, or None."""
    return None if value is None else text(value, what, limit)


def integer(value: int, what: str, least: int = 0, most: int = COUNT_LIMIT) -> int:
    """Return an integer within the bounds. Raises `InvalidArgument` that names them."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidArgument(f"{what} is {_shown(value)}", remedy=f"an integer from {least} to {most}", field=what)
    return value


def seconds(value: float, what: str) -> float:
    """Return a finite number that is not negative."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise InvalidArgument(f"{what} is {_shown(value)}", remedy="a number of seconds, 0 or more", field=what)
    return float(value)


def moment(value: datetime | None, what: str) -> int | None:
    """Return an aware time of any zone as microseconds since 1970, UTC."""
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidArgument(f"{what} has no time zone: {_shown(value)}", remedy="give a timezone-aware datetime", field=what)
    return to_microseconds(value)


def state(value: State | str, what: str, among: Collection[State] = tuple(State)) -> State:
    """Return a state that is one of `among`."""
    if value not in among:
        raise InvalidArgument(f"{what} is {_shown(value)}", remedy="one of " + ", ".join(one.value for one in among), field=what)
    return State(value)


def collection(values: Iterable[Any], what: str) -> tuple[Any, ...]:
    """Return the members of a collection; a single text is none."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidArgument(f"{what} is not a collection: {_shown(values)}", remedy="give a list or a tuple", field=what)
    return tuple(values)


def mapping(value: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Return a mapping that is JSON-able, where floats may also be infinite or not a number."""
    if not isinstance(value, Mapping):
        raise InvalidArgument(f"{what} is not a mapping but {type(value).__name__}", field=what)
    if value:
        documents.check(value, what)
    return value


def owner(value: Owner | None) -> Owner | None:
    """Return an owner whose parts can be stored."""
    if value is not None:
        text(value.host, "owner.host")
        integer(value.pid, "owner.pid", most=INTEGER_LIMIT)
        seconds(value.started, "owner.started")
    return value


def failure(value: Failure | None) -> Failure | None:
    """Return a failure whose parts are texts, and whose `retryable` is a truth value."""
    if value is not None and not all(isinstance(part, str) for part in (value.kind, value.message, value.traceback)):
        raise InvalidArgument("failure: kind, message and traceback are texts", field="failure")
    if value is not None and not isinstance(value.retryable, bool):
        raise InvalidArgument("failure: retryable is True or False", field="failure")
    return value


def new_run(run: Run) -> Run:
    """Return a run that can be created."""
    identifier(run.id, "run.id")
    for field in ("name", "pipeline", "stack"):
        text(getattr(run, field), f"run.{field}")
    if run.resumed_from is not None:
        identifier(run.resumed_from, "run.resumed_from")
    state(run.state, "run.state", among=(State.PENDING,))
    owner(run.owner)
    mapping(run.parameters, "run.parameters")
    return run


def commit(value: StepCommit) -> StepCommit:
    """Return a commit whose parts can be stored and fit each other."""
    identifier(value.run_id, "run_id")
    text(value.step, "step")
    integer(value.attempt, "attempt")
    optional(value.cache_key, "cache_key", CACHE_KEY_LIMIT)
    optional(value.provenance_key, "provenance_key", CACHE_KEY_LIMIT)
    if value.source_run is not None:
        identifier(value.source_run, "source_run")
    elif value.attempt == 0:
        raise InvalidArgument(
            f"step '{value.step}' is committed by attempt 0",
            remedy="attempts count from 1; 0 is for a step taken from cache",
            field="attempt",
        )
    _links(value.outputs, "outputs")
    _links(value.inputs, "inputs")
    for link in value.outputs:
        artifact(link.artifact)
    return value


def artifact(value: Artifact) -> Artifact:
    """Return an artifact whose parts can be stored."""
    identifier(value.run_id, "artifact.run_id")
    text(value.step, "artifact.step")
    text(value.output, "artifact.output")
    text(value.key, "artifact.key", KEY_LIMIT)
    text(value.uri, "artifact.uri", URI_LIMIT)
    text(value.type, "artifact.type", TYPE_LIMIT)
    text(value.materializer, "artifact.materializer")
    text(value.format, "artifact.format")
    text(value.digest, "artifact.digest")
    integer(value.size, "artifact.size", most=INTEGER_LIMIT)
    mapping(value.metadata, "artifact.metadata")
    return value


def _links(links: tuple[Link, ...], what: str) -> None:
    places = set()
    for link in links:
        text(link.name, f"{what}.name")
        integer(link.index, f"{what}.index")
        identifier(link.artifact.id, f"{what}.artifact.id")
        places.add((link.name, link.index))
    if len(places) != len(links):
        raise InvalidArgument(f"two {what} have the same name and index", remedy="give each an index of its own", field=what)


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except Exception:  # an integer of thousands of digits, or somebody's broken class
        return f"a value of type {type(value).__name__}"
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
