"""Runs: created once, advanced one way, found again, deleted with all that was theirs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from metadata_store_kit import artifact, commit, executed, started, taken
from sqlalchemy import text

from dovetail_core import AlreadyExists, Conflict, Failure, InvalidArgument, NotFound, new_id, utcnow
from dovetail_metadata_store import MetadataStore, Owner, Run, SqlMetadataStore, State


def a_run(**values: object) -> Run:
    return Run(**{"id": new_id(), "name": "one", "pipeline": "train", "stack": "default", **values})  # type: ignore[arg-type]


def test_a_run_comes_back_as_it_was_created(store: MetadataStore) -> None:
    before = utcnow()
    given = a_run(owner=Owner("host", 4711, 1700000000.25), parameters={"x": [1, "1", None]}, resumed_from=new_id())
    run = store.create_run(given, ["load", "train"], {"steps": [1, 2]})
    assert run.created is not None and before <= run.created <= utcnow() and run.created.tzinfo is UTC
    assert run.updated == run.created
    assert replace(run, created=None, updated=None) == given
    assert store.get_run(run.id) == run
    assert store.get_plan(run.id) == {"steps": [1, 2]}
    assert [(step.name, step.position, step.state, step.attempt) for step in store.get_steps(run.id)] == [
        ("load", 0, State.PENDING, 0),
        ("train", 1, State.PENDING, 0),
    ]


def test_creating_a_run_again_with_the_same_values_changes_nothing(store: MetadataStore) -> None:
    given = a_run(parameters={"nan": float("nan"), "a": 1})
    run = store.create_run(given, ["a"], {"b": 1})
    store.transition_run(run.id, State.RUNNING)
    assert store.create_run(given, ["a"], {"b": 1}).state is State.RUNNING
    assert len(store.search_runs().items) == 1


@pytest.mark.parametrize(
    ("changes", "steps", "plan"),
    [
        ({"name": "two"}, ["a"], {}),
        ({"pipeline": "other"}, ["a"], {}),
        ({"parameters": {"a": 1.0}}, ["a"], {}),
        ({"owner": Owner("elsewhere", 1, 1.0)}, ["a"], {}),
        ({}, ["a", "b"], {}),
        ({}, ["a"], {"more": 1}),
    ],
)
def test_creating_a_run_again_with_other_values_is_a_conflict(
    store: MetadataStore, changes: dict[str, object], steps: list[str], plan: dict[str, object]
) -> None:
    given = a_run(parameters={"a": 1})
    run = store.create_run(given, ["a"], {})
    with pytest.raises(Conflict) as caught:
        store.create_run(replace(given, **changes), steps, plan)  # type: ignore[arg-type]
    assert caught.value.details["state"] is State.PENDING
    assert store.get_run(run.id) == run


def test_a_taken_name_is_told(store: MetadataStore) -> None:
    store.create_run(a_run(), [])
    with pytest.raises(AlreadyExists, match="one"):
        store.create_run(a_run(), [])


def test_a_run_advances_and_never_goes_back(store: MetadataStore) -> None:
    run = started(store)
    assert run.started is not None and run.heartbeat == run.started and run.ended is None
    ended = store.transition_run(run.id, State.SUCCEEDED)
    assert ended.ended is not None and ended.ended >= run.started and ended.updated == ended.ended
    for late in (State.RUNNING, State.PENDING, State.FAILED, State.CANCELLED):
        with pytest.raises(Conflict) as caught:
            store.transition_run(run.id, late)
        assert caught.value.details["state"] is State.SUCCEEDED
    assert store.get_run(run.id) == ended


def test_a_pending_run_may_fail_or_be_cancelled_but_not_succeed(store: MetadataStore) -> None:
    first, second = store.create_run(a_run(), []), store.create_run(a_run(name="two"), [])
    with pytest.raises(Conflict):
        store.transition_run(first.id, State.SUCCEEDED)
    assert store.transition_run(first.id, State.FAILED, failure=Failure("E", "m")).state is State.FAILED
    assert store.transition_run(second.id, State.CANCELLED).state is State.CANCELLED


def test_the_same_transition_again_is_a_success_and_another_a_conflict(store: MetadataStore) -> None:
    run = started(store)
    failure = Failure("ValueError", "no", "Traceback ...\n", retryable=False)
    ended = store.transition_run(run.id, State.FAILED, failure=failure)
    assert store.transition_run(run.id, State.FAILED, failure=failure, expected={State.RUNNING}) == ended
    with pytest.raises(Conflict):
        store.transition_run(run.id, State.FAILED, failure=Failure("KeyError", "other"))
    with pytest.raises(Conflict):
        store.transition_run(run.id, State.FAILED)


def test_of_two_owners_that_claim_a_pending_run_one_gets_it(store: MetadataStore) -> None:
    run = store.create_run(a_run(), [])
    mine, theirs = Owner("a", 1, 1.0), Owner("b", 1, 1.0)
    store.transition_run(run.id, State.RUNNING, expected={State.PENDING}, owner=mine)
    with pytest.raises(Conflict):
        store.transition_run(run.id, State.RUNNING, expected={State.PENDING}, owner=theirs)
    assert store.get_run(run.id).owner == mine


def test_an_unexpected_state_is_a_conflict(store: MetadataStore) -> None:
    run = started(store)
    with pytest.raises(Conflict) as caught:
        store.transition_run(run.id, State.FAILED, expected={State.PENDING})
    assert caught.value.details["state"] is State.RUNNING


def test_a_clock_that_was_set_back_makes_nothing_end_before_it_began(store: SqlMetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    later = 4_000_000_000_000_000
    store._database.write(lambda connection: connection.execute(text(f"UPDATE dovetail_runs SET updated = {later}, started = {later}")))
    store._database.write(lambda connection: connection.execute(text(f"UPDATE dovetail_steps SET started = {later}")))
    store.commit_step(commit(run))
    ended = store.transition_run(run.id, State.SUCCEEDED)
    step = store.get_step(run.id, "a")
    assert ended.ended == ended.updated == ended.started == step.started == step.ended


def test_a_run_is_found_by_id_name_and_the_beginning_of_its_id(store: MetadataStore) -> None:
    run, other = started(store, name="naïve run", id="ab" * 16), started(store, name="other", id="ab" * 15 + "cd")
    assert store.find_run(run.id) == run
    assert store.find_run("naïve run") == run
    assert store.find_run(("ab" * 15) + "a") == run
    with pytest.raises(InvalidArgument, match=f"{run.id}.*{other.id}"):
        store.find_run("ababab")
    for wanted in ("naïve", "ababa", "ABABAB", "%", "f" * 32):
        with pytest.raises(NotFound):
            store.find_run(wanted)


def test_a_name_that_looks_like_the_beginning_of_an_id_is_a_name(store: MetadataStore) -> None:
    started(store, id="abcdef" + "0" * 26, name="first")
    named = started(store, name="abcdef")
    assert store.find_run("abcdef") == named


@pytest.mark.parametrize(
    "call", ["get_run", "get_plan", "get_steps", "heartbeat", "request_cancel", "delete_run", "get_metadata", "get_artifact"]
)
def test_what_is_not_there_is_not_found_and_what_is_no_id_is_refused(store: MetadataStore, call: str) -> None:
    started(store)
    with pytest.raises(NotFound):
        getattr(store, call)(new_id())
    for malformed in ("", "x", new_id().upper(), new_id() + "0", f"{new_id()[:-1]}'", None, 7):
        with pytest.raises(InvalidArgument):
            getattr(store, call)(malformed)


def test_a_heartbeat_tells_whether_cancellation_was_requested(store: MetadataStore) -> None:
    run = started(store)
    assert store.heartbeat(run.id) is False
    beaten = store.get_run(run.id)
    assert beaten.heartbeat is not None and run.heartbeat is not None and beaten.heartbeat > run.heartbeat
    assert beaten.updated == run.updated
    assert store.request_cancel(run.id).cancel_requested
    assert store.heartbeat(run.id) is True
    ended = store.transition_run(run.id, State.CANCELLED)
    assert store.heartbeat(run.id) is True
    assert store.get_run(run.id) == ended


def test_cancelling_a_run_that_has_ended_changes_nothing(store: MetadataStore) -> None:
    run = started(store)
    ended = store.transition_run(run.id, State.SUCCEEDED)
    assert store.request_cancel(run.id) == ended


def test_dead_runs_are_the_running_ones_that_are_silent(store: SqlMetadataStore) -> None:
    silent, lively, ended = started(store), started(store), started(store)
    store.create_run(a_run(), [])
    store.transition_run(ended.id, State.FAILED)
    past = "UPDATE dovetail_runs SET heartbeat = heartbeat - 60000000"
    store._database.write(lambda connection: connection.execute(text(past)))
    store.heartbeat(lively.id)
    assert [run.id for run in store.dead_runs(30)] == [silent.id]
    assert store.dead_runs(3600) == ()
    assert [run.id for run in store.dead_runs(0)] == [silent.id, lively.id]


def test_a_deleted_run_leaves_no_row_and_frees_its_name(store: SqlMetadataStore) -> None:
    run = started(store, ["a", "b"], name="again")
    first = executed(store, run, "a")
    second = executed(store, run, "b", reads={"x": first})
    store.put_metadata(run.id, {"m": 1})
    store.put_metadata(run.id, {"m": 1}, step="a")
    store.transition_run(run.id, State.SUCCEEDED)
    assert {one.id for one in store.delete_run(run.id)} == {first.id, second.id}
    with pytest.raises(NotFound):
        store.get_run(run.id)
    assert rows(store) == {}
    assert started(store, name="again").name == "again"


def rows(store: SqlMetadataStore) -> dict[str, int]:
    """Return the number of rows of each table that has any, but the version's."""
    tables = [name for name in store._database.backend.schema.metadata.tables if name != "dovetail_schema_version"]
    counts = {name: store._database.read(lambda c, name=name: c.execute(text(f"SELECT count(*) FROM {name}")).scalar()) for name in tables}  # type: ignore[misc]
    return {name: count for name, count in counts.items() if count}


def test_artifacts_that_another_run_took_stay_until_it_is_deleted_too(store: SqlMetadataStore) -> None:
    first = started(store)
    made = executed(store, first, cache_key="k", provenance_key="p")
    second = started(store)
    taken(store, second, "a", "k")
    for run in (first, second):
        store.transition_run(run.id, State.SUCCEEDED)
    assert store.delete_run(first.id) == ()
    assert store.get_artifact(made.id).digest == made.digest
    hits = store.find_cached(["k", "p"])
    assert {(hit.run_id, hit.source_run) for hit in hits.values()} == {(second.id, first.id)}
    assert hits["k"].outputs[0].artifact.id == made.id
    assert [one.id for one in store.delete_run(second.id)] == [made.id]
    assert store.find_cached(["k", "p"]) == {}
    assert rows(store) == {}


def test_after_a_deletion_the_execution_before_it_is_found_again(store: MetadataStore) -> None:
    older, newer = started(store), started(store)
    executed(store, older, cache_key="k")
    executed(store, newer, cache_key="k")
    store.transition_run(newer.id, State.SUCCEEDED)
    assert store.find_cached(["k"])["k"].run_id == newer.id
    store.delete_run(newer.id)
    assert store.find_cached(["k"])["k"].run_id == older.id


def test_a_running_run_is_not_deleted(store: MetadataStore) -> None:
    run = started(store)
    with pytest.raises(Conflict) as caught:
        store.delete_run(run.id)
    assert caught.value.details["state"] is State.RUNNING


def test_an_artifact_that_another_run_only_read_stays(store: MetadataStore) -> None:
    first, second = started(store), started(store)
    made = executed(store, first)
    executed(store, second, reads={"x": made})
    store.transition_run(first.id, State.SUCCEEDED)
    assert store.delete_run(first.id) == ()
    assert list(store.lineage(store.get_step(second.id, "a").outputs[0].artifact.id).artifacts) == [
        made.id,
        store.get_step(second.id, "a").outputs[0].artifact.id,
    ]


def test_rows_without_a_parent_are_refused_by_the_database_itself(store: SqlMetadataStore) -> None:
    run = started(store)
    orphans = [
        f"INSERT INTO dovetail_steps (run_id, name, position, state, attempt) VALUES ('{new_id()}', 'x', 0, 'pending', 0)",
        'INSERT INTO dovetail_links (run_id, step, direction, name, "index", artifact_id)'
        f" VALUES ('{run.id}', 'a', 'in', 'x', 0, '{new_id()}')",
        f"INSERT INTO dovetail_metadata (run_id, step, name, value) VALUES ('{new_id()}', '', 'x', '1')",
        f"INSERT INTO dovetail_attempts (run_id, step, number, state, ended) VALUES ('{run.id}', 'zz', 1, 'failed', 1)",
        f"INSERT INTO dovetail_plans (run_id, plan) VALUES ('{new_id()}', '1')",
    ]
    for orphan in orphans:
        with pytest.raises(Conflict) as caught:
            store._database.write(lambda connection, orphan=orphan: connection.execute(text(orphan)))  # type: ignore[misc]
        assert caught.value.details["kind"] == "reference"


def test_what_is_returned_and_what_was_given_are_not_shared_with_the_store(store: MetadataStore) -> None:
    parameters = {"list": [1]}
    run = store.create_run(a_run(parameters=parameters), ["a"], {"p": [1]})
    parameters["list"].append(2)
    run.parameters["list"].append(3)
    store.get_plan(run.id)["p"].append(2)
    assert store.get_run(run.id).parameters == {"list": [1]}
    assert store.get_plan(run.id) == {"p": [1]}


def test_a_committed_artifact_is_returned_as_it_was_given(store: MetadataStore) -> None:
    run = started(store)
    given = artifact(run, size=2**63 - 1, metadata={"shape": [2, 3], "mean": float("-inf")}, digest="sha256:é", uri="s3://b/" + "k" * 4000)
    store.begin_step(run.id, "a", 1)
    store.commit_step(replace(commit(run), outputs=tuple([commit(run).outputs[0].__class__("output", given)])))
    stored = store.get_artifact(given.id)
    assert stored.created is not None
    assert replace(stored, created=None) == given
