"""Listings of runs and artifacts, page by page or as iterators."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import TypedDict, TypeVar, Unpack

from dovetail_core import needs
from dovetail_metadata_store import arguments
from dovetail_metadata_store.capabilities import MetadataStoreCapability
from dovetail_metadata_store.primitives import Found, Primitives
from dovetail_metadata_store.queries import ArtifactQuery, Position, RunQuery, position_of, token_of
from dovetail_metadata_store.records import Artifact, Page, Run, State

T = TypeVar("T")
Q = TypeVar("Q", RunQuery, ArtifactQuery)

BATCH = 500
"""Records that a listing reads at once; the conformance suite goes beyond it."""


class RunFilters(TypedDict, total=False):
    """Filters and order of a listing of runs; see `search_runs`."""

    pipeline: str | None
    """Name of the pipeline."""
    states: Collection[State] | None
    """One of these states."""
    name_contains: str | None
    """Part of the run's name, matched literally."""
    created_after: datetime | None
    """Created later than this."""
    created_before: datetime | None
    """Created earlier than this."""
    order: str
    """`created` or `name`, with a minus sign descending."""


class ArtifactFilters(TypedDict, total=False):
    """Filters of a listing of artifacts; see `search_artifacts`."""

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


class Listings(Primitives):
    """The part of a metadata store that lists and searches."""

    @needs(MetadataStoreCapability.SEARCH)
    def search_runs(
        self,
        *,
        pipeline: str | None = None,
        states: Collection[State] | None = None,
        name_contains: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        order: str = "-created",
        limit: int | None = 50,
        token: str | None = None,
    ) -> Page[Run]:
        """Return a page of runs, newest first; orders are `created` and `name`, with a minus sign descending.

        `name_contains` is matched literally, with its case. Both times are exclusive, of any zone. `limit` None is all. `token` is that of
        the page before; one of another query, or a damaged one, is refused with `InvalidArgument`. Pages repeat and drop no run, also
        while runs come and go. A record that cannot be read is left out and logged.
        """
        query = RunQuery.checked(pipeline, states, name_contains, created_after, created_before, order)
        return _page(query, self._search_runs, limit, token)

    @needs(MetadataStoreCapability.SEARCH)
    def search_artifacts(
        self,
        *,
        run_id: str | None = None,
        step: str | None = None,
        output: str | None = None,
        pipeline: str | None = None,
        type: str | None = None,
        materializer: str | None = None,
        digest: str | None = None,
        limit: int | None = 50,
        token: str | None = None,
    ) -> Page[Artifact]:
        """Return a page of artifacts, last id first, which is the newest first for ids that `new_id` made.

        `run_id` selects what the steps of a run gave, also what they took from an earlier run; the other filters are of the step that
        produced the artifact. For the rest, see `search_runs`.
        """
        query = ArtifactQuery.checked(
            run_id, step=step, output=output, pipeline=pipeline, type=type, materializer=materializer, digest=digest
        )
        return _page(query, self._search_artifacts, limit, token)

    @needs(MetadataStoreCapability.SEARCH)
    def iter_runs(self, *, limit: int | None = None, **filters: Unpack[RunFilters]) -> Iterator[Run]:
        """Return an iterator over runs, all or `limit` at most, read page by page; the filters are those of `search_runs`."""
        return _items(functools.partial(self.search_runs, **filters), limit)

    @needs(MetadataStoreCapability.SEARCH)
    def iter_artifacts(self, *, limit: int | None = None, **filters: Unpack[ArtifactFilters]) -> Iterator[Artifact]:
        """Return an iterator over artifacts, all or `limit` at most, read page by page; the filters are those of `search_artifacts`."""
        return _items(functools.partial(self.search_artifacts, **filters), limit)


def _page(query: Q, search: Callable[[Q, Position | None, int], Found[T]], limit: int | None, token: str | None) -> Page[T]:
    after = position_of(query, token)
    if limit is not None:
        found = search(query, after, arguments.integer(limit, "limit", least=1))
        return Page(tuple(found.items), None if found.after is None else token_of(query, found.after))
    items: list[T] = []
    while True:
        found = search(query, after, BATCH)
        items += found.items
        after = found.after
        if after is None:
            return Page(tuple(items))


def _items(search: Callable[..., Page[T]], limit: int | None) -> Iterator[T]:
    """Return an iterator over the pages of a search; the first is read at once, so that a wrong filter is refused where it was written."""
    left = None if limit is None else arguments.integer(limit, "limit", least=1)
    return _following(search, search(limit=_next_size(left)), left)


def _following(search: Callable[..., Page[T]], page: Page[T], left: int | None) -> Iterator[T]:
    while True:
        yield from page.items
        left = None if left is None else left - len(page.items)
        if page.token is None or left == 0:
            return
        page = search(limit=_next_size(left), token=page.token)


def _next_size(left: int | None) -> int:
    return BATCH if left is None else min(left, BATCH)
