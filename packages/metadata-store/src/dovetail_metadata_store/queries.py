"""What a listing asks for, with its filters checked, and the opaque tokens by which it goes on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from dovetail_core import InvalidArgument, page_tokens
from dovetail_metadata_store import arguments
from dovetail_metadata_store.records import State

Position = tuple[str | int, ...]
"""Values of the sort keys of the last row that was given; the next page begins after it, whatever came or went meanwhile."""

RUN_ORDERS = ("-created", "created", "-name", "name")


@dataclass(frozen=True)
class RunQuery:
    """Filters of a listing of runs; None leaves one out. Times are microseconds since 1970, both bounds exclusive."""

    pipeline: str | None
    """Name of the pipeline."""
    states: tuple[State, ...] | None
    """One of these states; None: any."""
    name_contains: str | None
    """Part of the run's name, matched literally."""
    created_after: int | None
    """Created later than this."""
    created_before: int | None
    """Created earlier than this."""
    order: str
    """`created` or `name`, with a minus sign descending."""

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
    """Of the steps of this run, also what they took from an earlier one."""
    step: str | None
    """Name of the step that produced it."""
    output: str | None
    """Name of the step's output."""
    pipeline: str | None
    """Name of the pipeline that produced it."""
    type: str | None
    """The Python type, as `module.QualifiedName`."""
    materializer: str | None
    """Name of what wrote it."""
    digest: str | None
    """Digest of the content, as `algorithm:hex`."""

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
    return page_tokens.token_of([type(query).__name__, asdict(query)], position)


def position_of(query: RunQuery | ArtifactQuery, token: str | None) -> Position | None:
    """Return where a token goes on. Raises `InvalidArgument` if it is damaged or belongs to another query."""
    return None if token is None else tuple(page_tokens.position_of([type(query).__name__, asdict(query)], token))
