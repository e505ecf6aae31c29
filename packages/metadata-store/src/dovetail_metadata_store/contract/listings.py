"""Listings: complete, in order, page by page, while rows come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from typing import Any

from dovetail_conformance import Effort, check, raises, rule
from dovetail_core.errors import InvalidArgument
from dovetail_metadata_store.capabilities import MetadataStoreCapability as Capability
from dovetail_metadata_store.contract.samples import STEPS, a_run, executed, started
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.records import State


class ListingRules:
    """Rules about searching."""

    @rule("MS-10", severity=1, needs=Capability.SEARCH)
    def test_pages_are_the_whole(self, store: MetadataStore, effort: Effort) -> None:
        """Pages together are the whole listing, in order, without a gap or a repetition, also while rows come and go."""
        store.search_runs(limit=1)
        count = effort.pick(23, 60, 501)
        ids = [store.create_run(a_run(name=f"{number % 7}-{number}"), []).id for number in range(count)]
        for order in ("-created", "created", "-name", "name"):
            whole = [run.id for run in store.search_runs(order=order, limit=None).items]
            check(sorted(whole) == sorted(ids), did=f"listed {count} runs by {order}", came=f"{len(set(whole))} of {len(whole)}")
            for size in (1, 7, count):
                paged = [run.id for page in _pages(store, order=order, limit=size) for run in page.items]
                check(
                    paged == whole,
                    did=f"listed by {order}, {size} at a time",
                    came=f"{len(paged)} runs, or another order",
                    mend="page by keys",
                )
        store.search_runs(limit=1)
        first = store.search_runs(order="name", limit=5)
        store.create_run(a_run(name="!before"), [])
        store.delete_run(first.items[2].id)
        rest = [run.id for page in _pages(store, order="name", limit=5, token=first.token) for run in page.items]
        seen = [run.id for run in first.items] + rest
        check(
            sorted(seen) == sorted(ids),
            did="deleted and created runs between two pages",
            came=f"{len(set(seen))} of {count}, {len(seen)} rows",
        )

    @rule("MS-11", severity=1, needs=Capability.SEARCH)
    def test_a_page_without_a_token_is_the_last(self, store: MetadataStore) -> None:
        """A page without a token is the last one, and only that, in every filter."""
        store.search_runs(limit=1)
        for number in range(9):
            run = started(store, pipeline=f"p{number % 2}")
            executed(store, run.id, "load", outputs=["x", "y"])
        for filters in ({}, {"pipeline": "p0"}, {"states": [State.RUNNING]}, {"name_contains": "run-"}, {"pipeline": "absent"}):
            whole = len(store.search_runs(limit=None, **filters).items)
            pages = list(_pages(store, limit=3, **filters))
            sizes = [len(page.items) for page in pages]
            check(sum(sizes) == whole and all(size == 3 for size in sizes[:-1]), did=f"paged runs by {filters}", came=sizes)
            check(whole == 0 or sizes[-1] > 0, did=f"paged runs by {filters}", came="an empty page at the end", mend="look one row ahead")
        found = [one for page in _paged(store.search_artifacts, limit=4, output="x") for one in page.items]
        check(len(found) == 9 and {one.output for one in found} == {"x"}, did="paged artifacts by output", came=len(found))

    @rule("MS-12", severity=2, needs=Capability.SEARCH)
    def test_a_token_belongs_to_its_query(self, store: MetadataStore) -> None:
        """A page token is good for its own query only; one of another, or a damaged one, is refused."""
        for _ in range(5):
            store.create_run(a_run(), [])
        token = store.search_runs(limit=2).token
        check(token is not None, did="asked for 2 of 5 runs", came="no token")
        assert token is not None
        bad: list[dict[str, Any]] = [{"order": "name"}, {"pipeline": "other"}, {"states": [State.FAILED]}]
        for filters in bad:
            with raises(InvalidArgument, did=f"used a token with {filters}"):
                store.search_runs(token=token, **filters)
        for damaged in ("", "x", token[:-2], token + "AA", token[::-1]):
            with raises(InvalidArgument, did="used a damaged token"):
                store.search_runs(token=damaged)

    @rule("MS-13", severity=2, needs=Capability.SEARCH)
    def test_no_limit_is_no_limit(self, store: MetadataStore, effort: Effort) -> None:
        """Where no limit is asked for, all is given, however much it is."""
        store.search_runs(limit=1)
        count = effort.pick(520, 1101, 2501)
        for _ in range(count):
            store.create_run(a_run(), [])
        for did, found in {"searched": store.search_runs(limit=None).items, "iterated": tuple(store.iter_runs())}.items():
            check(
                len({run.id for run in found}) == len(found) == count, did=f"{did} {count} runs", came=len(found), mend="follow every page"
            )

    @rule("MS-19", severity=1, needs=Capability.SEARCH, kind="security")
    def test_filters_match_literally(self, store: MetadataStore) -> None:
        """What is searched for is matched literally: no character of it is a wildcard, a quote or an end."""
        store.search_runs(limit=1)
        names = ["100%", "100x", "a_b", "axb", "it's", 'say "x"', "back\\slash", "semi;colon", "x' OR '1'='1", "[a]", "CASE", "case"]
        for name in names:
            store.create_run(a_run(name=name, pipeline=name), [])
        for name in names:
            by_name = [run.name for run in store.search_runs(name_contains=name).items]
            check(by_name == [name], did=f"searched for names with {name!r}", came=by_name, mend="bind values, and escape wildcards")
            by_pipeline = [run.name for run in store.search_runs(pipeline=name).items]
            check(by_pipeline == [name], did=f"searched for the pipeline {name!r}", came=by_pipeline)

    @rule("MS-20", severity=2, needs=Capability.SEARCH)
    def test_what_means_nothing_is_refused(self, store: MetadataStore) -> None:
        """An order, a state or a limit that there is not is refused, and not ignored."""
        store.search_runs(limit=1)
        calls: dict[str, Callable[[], object]] = {
            "an unknown order": lambda: store.search_runs(order="age"),
            "an unknown state": lambda: store.search_runs(states=["done"]),  # type: ignore[list-item]
            "a limit of 0": lambda: store.search_runs(limit=0),
            "a limit that is no number": lambda: store.search_runs(limit="5"),  # type: ignore[arg-type]
            "a run that is none": lambda: store.search_artifacts(run_id="x"),
        }
        for what, call in calls.items():
            with raises(InvalidArgument, did=f"searched with {what}"):
                call()

    @rule("MS-21", severity=1, needs=Capability.SEARCH)
    def test_bounds_of_time_are_of_any_zone(self, store: MetadataStore) -> None:
        """A bound of time may be of any zone, and means the same moment everywhere; one without a zone is refused."""
        store.search_runs(limit=1)
        runs = [store.create_run(a_run(), STEPS) for _ in range(3)]
        middle = runs[1].created
        assert middle is not None
        for hours in (0, 5.75, -3.5, 14):
            moment = middle.astimezone(timezone(timedelta(hours=hours)))
            after = {run.id for run in store.search_runs(created_after=moment).items}
            before = {run.id for run in store.search_runs(created_before=moment).items}
            wanted = (
                {run.id for run in runs if run.created and run.created > middle},
                {run.id for run in runs if run.created and run.created < middle},
            )
            check((after, before) == wanted, did=f"searched around a moment of the zone {hours:+}", came=(len(after), len(before)))
        with raises(InvalidArgument, did="searched for a time without a zone"):
            store.search_runs(created_after=middle.replace(tzinfo=None))


def _pages(store: MetadataStore, **filters: Any) -> Iterator[Any]:
    return _paged(store.search_runs, **filters)


def _paged(search: Callable[..., Any], **filters: Any) -> Iterator[Any]:
    page = search(**filters)
    while True:
        yield page
        if page.token is None:
            return
        page = search(**{**filters, "token": page.token})
