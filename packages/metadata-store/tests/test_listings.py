"""Listings: complete, in order, page by page, whatever comes and goes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from metadata_store_kit import artifact, commit, executed, started, taken
from sqlalchemy import text

from dovetail_core import InvalidArgument, new_id
from dovetail_metadata_store import Artifact, Page, Run, SqlMetadataStore, State


def seeded(store: SqlMetadataStore, count: int, *, at: int | None = None) -> list[str]:
    """Insert runs beside the store's own methods, many of the same instant, and return their ids, newest first."""
    ids = [new_id() for _ in range(count)]
    statement = text(
        "INSERT INTO dovetail_runs (id, name, pipeline, stack, state, created, updated, parameters, cancel_requested)"
        " VALUES (:id, :name, :pipeline, 's', 'succeeded', :created, :created, '{}', 0)"
    )
    rows = [
        {"id": one, "name": f"run {one}", "pipeline": f"p{number % 3}", "created": at or 1_700_000_000_000_000 + number // 40}
        for number, one in enumerate(ids)
    ]
    if rows:
        store._database.write(lambda connection: connection.execute(statement, rows))
    return [row["id"] for row in sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True)]


def pages(search: Callable[..., Page[Run]], limit: int, **filters: object) -> list[Page[Run]]:
    found = [search(limit=limit, **filters)]
    while found[-1].token is not None:
        found.append(search(limit=limit, token=found[-1].token, **filters))
    return found


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 14, 15])
def test_the_pages_together_are_the_whole_listing(store: SqlMetadataStore, limit: int, count: int) -> None:
    ids = seeded(store, count, at=1_700_000_000_000_000)
    found = pages(store.search_runs, limit)
    assert [run.id for page in found for run in page.items] == ids
    assert all(len(page.items) == limit for page in found[:-1])


@pytest.mark.parametrize("limit", [7, 1000])
def test_thousands_of_runs_of_the_same_instant_are_listed_once_each(store: SqlMetadataStore, limit: int) -> None:
    ids = seeded(store, 2501)
    assert [run.id for page in pages(store.search_runs, limit) for run in page.items] == ids
    assert [run.id for run in store.iter_runs()] == ids
    assert [run.id for run in store.search_runs(limit=None).items] == ids
    assert [run.id for run in store.iter_runs(limit=1203)] == ids[:1203]
    assert sorted(run.id for run in store.iter_runs(pipeline="p1")) == sorted(ids_of(store, "p1"))


def ids_of(store: SqlMetadataStore, pipeline: str) -> list[str]:
    query = text(f"SELECT id FROM dovetail_runs WHERE pipeline = '{pipeline}'")
    return list(store._database.read(lambda connection: connection.scalars(query).all()))


@pytest.mark.parametrize("order", ["-created", "created", "-name", "name"])
def test_every_order_is_complete_also_while_rows_come_and_go(store: SqlMetadataStore, order: str) -> None:
    seeded(store, 200)
    before = [run.id for run in store.iter_runs(order=order)]
    seen: list[str] = []
    token = None
    for turn in itertools.count():
        page = store.search_runs(order=order, limit=9, token=token)
        seen += [run.id for run in page.items]
        token = page.token
        if token is None:
            break
        seeded(store, 3, at=1_600_000_000_000_000 if turn % 2 else 1_800_000_000_000_000)
        store.delete_run(seen.pop(0))
    assert len(seen) == len(set(seen))
    there = store._database.read(lambda connection: set(connection.scalars(text("SELECT id FROM dovetail_runs"))))
    assert [one for one in seen if one in before] == [one for one in before if one in there]


def test_names_are_sorted_by_code_points_on_every_database(store: SqlMetadataStore) -> None:
    names = ["a", "B", "é", "Z", "z ", "z", "ä", "\N{PILE OF POO}", "1", "_", "中"]
    for name in names:
        started(store, name=name)
    assert [run.name for run in store.iter_runs(order="name")] == sorted(names)
    assert [run.name for page in pages(store.search_runs, 2, order="-name") for run in page.items] == sorted(names, reverse=True)


def test_filters_select_what_they_say(store: SqlMetadataStore) -> None:
    first = started(store, name="nightly 100%", pipeline="train")
    second = started(store, name="Nightly_100", pipeline="train")
    third = started(store, name="weekly", pipeline="score")
    store.transition_run(third.id, State.FAILED)
    names = lambda **filters: {run.name for run in store.search_runs(**filters).items}  # noqa: E731
    assert names(pipeline="train") == {first.name, second.name}
    assert names(states=[State.FAILED, State.CANCELLED]) == {"weekly"}
    assert names(states=[]) == set()
    assert names(states={"running"}, pipeline="train", name_contains="100%") == {first.name}
    assert names(name_contains="nightly") == {first.name}
    assert names(name_contains="_") == {second.name}
    assert names(created_after=first.created, created_before=third.created) == {second.name}


def test_bounds_of_time_are_exclusive_and_of_any_zone(store: SqlMetadataStore) -> None:
    moment = datetime(2026, 10, 25, 0, 30, tzinfo=ZoneInfo("UTC"))  # in Berlin this wall-clock hour comes twice
    micros = int(moment.timestamp()) * 1_000_000
    for offset in (-1, 0, 1):
        seeded(store, 1, at=micros + offset)
    for zone in (ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=5, minutes=45))):
        bound = moment.astimezone(zone)
        assert len(store.search_runs(created_after=bound).items) == 1
        assert len(store.search_runs(created_before=bound).items) == 1
    with pytest.raises(InvalidArgument, match="zone"):
        store.search_runs(created_after=datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "filters",
    [
        {"order": "heartbeat"},
        {"order": "created; DROP TABLE dovetail_runs"},
        {"states": "failed"},
        {"states": ["faild"]},
        {"limit": 0},
        {"limit": -1},
        {"limit": True},
        {"pipeline": ""},
        {"name_contains": "x" * 300},
        {"token": "x"},
        {"token": "é"},
        {"token": 7},
    ],
)
def test_a_filter_that_means_nothing_is_refused(store: SqlMetadataStore, filters: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        store.search_runs(**filters)  # type: ignore[arg-type]


def test_a_token_is_good_for_its_own_query_only(store: SqlMetadataStore) -> None:
    seeded(store, 5)
    token = store.search_runs(limit=2).token
    assert token is not None
    for filters in ({"order": "created"}, {"pipeline": "p1"}, {"states": [State.SUCCEEDED]}):
        with pytest.raises(InvalidArgument, match="another query"):
            store.search_runs(token=token, **filters)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        store.search_artifacts(token=token)
    assert len(store.search_runs(token=token, limit=50).items) == 3


def test_a_token_with_any_character_changed_is_refused(store: SqlMetadataStore) -> None:
    seeded(store, 5)
    token = store.search_runs(limit=2).token
    assert token is not None
    whole = [run.id for run in store.search_runs(limit=50, token=token).items]
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        try:
            assert [run.id for run in store.search_runs(limit=50, token=changed).items] == whole  # the last character has unused bits
        except InvalidArgument:
            continue
        assert place == len(token) - 1


def test_artifacts_are_listed_by_their_producer_and_by_the_run_that_used_them(store: SqlMetadataStore) -> None:
    first, second = started(store, ["a", "b"], pipeline="one"), started(store, ["a", "b"], pipeline="two")
    a = executed(store, first, "a", cache_key="k")
    b = executed(store, first, "b", outputs=(commit(first, "b").outputs[0].__class__("model", artifact(first, "b", "model", type="T")),))
    taken(store, second, "a", "k")
    other = executed(store, second, "b")
    ids = lambda **filters: [one.id for one in store.search_artifacts(**filters).items]  # noqa: E731
    assert ids() == sorted([a.id, b.id, other.id], reverse=True)
    assert ids(run_id=first.id) == [b.id, a.id]
    assert ids(run_id=second.id) == [other.id, a.id]
    assert ids(step="b", pipeline="one") == ids(output="model") == ids(type="T") == [b.id]
    assert ids(digest=a.digest, materializer="json") == [a.id]
    assert ids(run_id=new_id()) == []
    found: list[Artifact] = [one for page in pages(store.search_artifacts, 1) for one in page.items]  # type: ignore[arg-type]
    assert [one.id for one in found] == ids() == [one.id for one in store.iter_artifacts()]


def test_one_record_that_cannot_be_read_hides_no_other(store: SqlMetadataStore, caplog: pytest.LogCaptureFixture) -> None:
    runs = [started(store) for _ in range(5)]
    damage = ["state = 'lost'", "parameters = '{'", "parameters = '[]'", "failure = '[1]'"]
    for run, change in zip(runs, damage, strict=False):
        statement = text(f"UPDATE dovetail_runs SET {change} WHERE id = '{run.id}'")
        store._database.write(lambda connection, statement=statement: connection.execute(statement))  # type: ignore[misc]
    assert [run.id for page in pages(store.search_runs, 2) for run in page.items] == [runs[4].id]
    assert all(run.id in caplog.text for run in runs[:4])


def test_a_wrong_filter_of_an_iterator_is_refused_where_it_was_written(store: SqlMetadataStore) -> None:
    with pytest.raises(InvalidArgument):
        store.iter_runs(order="x")
