"""What a search asks for, and the opaque tokens by which it goes on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from dovetail_core import InvalidArgument, page_tokens
from dovetail_experiment_tracker import arguments, filters
from dovetail_experiment_tracker.filters import Condition, Field

_SORTABLE = ("metrics", "started", "ended")


@dataclass(frozen=True)
class RunQuery:
    """A search for runs."""

    filter: str
    """The filter as it was written."""
    conditions: tuple[Condition, ...]
    """The filter, parsed."""
    experiments: tuple[str, ...] | None
    """Names; None for all."""
    order_by: str
    """The order as it was written."""
    field: Field
    """What is sorted by: a metric, `started` or `ended`. Runs without it are last, and among equals the latest start is first."""
    descending: bool
    """Whether the highest is first."""

    @classmethod
    def checked(cls, filter: str, experiments: Collection[str] | None, order_by: str) -> Self:
        """Return a query. Raises `InvalidArgument` for what means nothing."""
        named = arguments.names(experiments, "experiments")
        text = arguments.text(order_by, "order_by", 300)
        field = filters.field_of(text.removeprefix("-"), "order_by")
        if field.kind not in _SORTABLE:
            raise InvalidArgument(
                f"runs cannot be sorted by {order_by!r}",
                remedy="started, ended or a metric; with a minus sign descending",
                field="order_by",
            )
        return cls(filter, filters.parse(filter), named, text, field, text.startswith("-"))


def token_of(query: RunQuery, position: str) -> str:
    """Return the token by which a search goes on at the position that the flavor gave."""
    return page_tokens.token_of([query.filter, query.experiments, query.order_by], position)


def position_of(query: RunQuery, token: str | None) -> str | None:
    """Return where a token goes on. Raises `InvalidArgument` if it is damaged or belongs to another search."""
    if token is None:
        return None
    position: str = page_tokens.position_of([query.filter, query.experiments, query.order_by], token)
    return position
