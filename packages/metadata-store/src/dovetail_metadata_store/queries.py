"""What a listing asks for, with its filters checked, and the opaque tokens by which it goes on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from dovetail_core import InvalidArgument
from dovetail_metadata_store import arguments
from dovetail_metadata_store.records import State

Position = tuple[str | int, ...]
"""Values of the sort keys of the last row that was given; the next page begins after it, whatever came or went meanwhile."""

RUN_ORDERS = ("-created", "created", "-name", "name")


@dataclass(frozen=True)
class RunQuery:
    """Filters of a listing of runs; None leaves one out. Times are microseconds since 1970, both bounds exclusive."""

    pipeline: str | None
    states: tuple[State, ...] | None
    name_contains: str | None
    created_after: int | None
    created_before: int | None
    order: str

    @property
    def column(self) -> str:
        """The record's field that the listing is sorted by; ties are sorted by id."""
        return self.order.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether both sort keys descend."""
        return self.order.startswith("-")

    @classmethod
    def checked(
        cls,
        pipeline: str | None,
        states: Collection[State] | None,
        name_contains: str | None,
        created_after: datetime | None,
        created_before: datetime | None,
        order: str,
    ) -> Self:
        """Return a query. Raises `InvalidArgument` for a filter that means nothing."""
        if order not in RUN_ORDERS:
            raise InvalidArgument(f"runs cannot be sorted by {order!r}", remedy="one of " + ", ".join(RUN_ORDERS), field="order")
        wanted = None if states is None else {arguments.state(one, "states") for one in arguments.collection(states, "states")}
        return cls(
            arguments.optional(pipeline, "pipeline"),
            None if wanted is None else tuple(sorted(wanted)),
            arguments.optional(name_contains, "name_contains"),
            arguments.moment(created_after, "created_after"),
            arguments.moment(created_before, "created_before"),
            order,
        )


@dataclass(frozen=True)
class ArtifactQuery:
    """Filters of a listing of artifacts; None leaves one out.

    `run_id` selects what the steps of a run gave, also what they took from an earlier run; the others are of the producing step.
    """

    run_id: str | None
    step: str | None
    output: str | None
    pipeline: str | None
    type: str | None
    materializer: str | None
    digest: str | None

    @classmethod
    def checked(cls, run_id: str | None, **filters: str | None) -> Self:
        """Return a query. Raises `InvalidArgument` for a filter that means nothing."""
        if run_id is not None:
            arguments.identifier(run_id, "run_id")
        limits = {"type": arguments.TYPE_LIMIT}
        checked = {name: arguments.optional(value, name, limits.get(name, arguments.NAME_LIMIT)) for name, value in filters.items()}
        return cls(run_id, **checked)


def token_of(query: RunQuery | ArtifactQuery, position: Position) -> str:
    """Return the token by which `query` goes on after `position`."""
    text = json.dumps([_fingerprint(query), *position])
    return base64.urlsafe_b64encode(f"{_checksum(text)}{text}".encode()).decode().rstrip("=")


def position_of(query: RunQuery | ArtifactQuery, token: str | None) -> Position | None:
    """Return where a token goes on. Raises `InvalidArgument` if it is damaged or belongs to another query."""
    if token is None:
        return None
    fingerprint, *position = _parts(token)
    if fingerprint != _fingerprint(query):
        raise InvalidArgument("the page token belongs to another query", remedy="use it with the filters that it came from", field="token")
    return tuple(position)


def _parts(token: str) -> list[Any]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (TypeError, ValueError, binascii.Error, UnicodeDecodeError) as error:
        raise _damaged() from error
    checksum, text = text[:16], text[16:]
    if checksum != _checksum(text):
        raise _damaged()
    parts: list[Any] = json.loads(text)
    return parts


def _damaged() -> InvalidArgument:
    return InvalidArgument("the page token is damaged", remedy="use a token as a page gave it, or begin again without one", field="token")


def _fingerprint(query: RunQuery | ArtifactQuery) -> str:
    return _checksum(json.dumps([type(query).__name__, asdict(query)]))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
