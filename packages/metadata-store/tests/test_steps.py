"""Steps: begun, committed or ended once, attempt by attempt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from metadata_store_kit import artifact, commit, executed, started, taken

from dovetail_core import Conflict, Failure, InvalidArgument, NotFound, new_id
from dovetail_metadata_store import Link, MetadataStore, State, StepCommit

BROKEN = Failure("ValueError", "no", "Traceback\n")


def test_a_committed_step_shows_its_outputs_inputs_and_keys(store: MetadataStore) -> None:
    run = started(store, ["a", "b"])
    first = executed(store, run, "a")
    store.begin_step(run.id, "b", 1)
    running = store.get_step(run.id, "b")
    assert (running.state, running.attempt, running.ended, running.outputs) == (State.RUNNING, 1, None, ())
    several = (Link("xs", first, 0), Link("xs", first, 1), Link("y", first))
    outputs = (Link("left", artifact(run, "b", "left")), Link("right", artifact(run, "b", "right", metadata={"rows": 2})))
    store.commit_step(StepCommit(run.id, "b", 1, outputs, several, "key", "provenance"))
    step = store.get_step(run.id, "b")
    assert (step.state, step.attempt, step.cache_key, step.provenance_key) == (State.SUCCEEDED, 1, "key", "provenance")
    assert [(link.name, link.index, link.artifact.id) for link in step.inputs] == [
        ("xs", 0, first.id),
        ("xs", 1, first.id),
        ("y", 0, first.id),
    ]
    assert [replace(link.artifact, created=None) for link in step.outputs] == [link.artifact for link in outputs]
    assert step.started is not None and step.ended is not None and step.started <= step.ended
    assert store.get_steps(run.id)[1] == step


def test_the_steps_of_a_run_cost_the_same_number_of_queries_however_many_they_are(store: MetadataStore) -> None:
    few, many = started(store, ["a"]), started(store, [f"s{n}" for n in range(300)])
    executed(store, few)
    for number in range(300):
        executed(store, many, f"s{number}")
    spent = []
    for run in (few, many):
        before = store.statements_sent  # type: ignore[attr-defined]
        store.get_steps(run.id)
        spent.append(store.statements_sent - before)  # type: ignore[attr-defined]
    assert spent[0] == spent[1] <= 3
    assert [step.name for step in store.get_steps(many.id)] == [f"s{n}" for n in range(300)]


def test_beginning_the_same_attempt_again_changes_nothing(store: MetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    step = store.get_step(run.id, "a")
    store.begin_step(run.id, "a", 1)
    assert store.get_step(run.id, "a") == step


def test_committing_the_same_again_changes_nothing(store: MetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    done = commit(run, cache_key="k", outputs=(Link("output", artifact(run, metadata={"a": float("nan"), "b": 1})),))
    store.commit_step(done)
    step = store.get_step(run.id, "a")
    store.commit_step(done)
    assert store.get_step(run.id, "a").ended == step.ended
    assert len(store.search_artifacts(run_id=run.id).items) == 1


def test_committing_other_values_is_a_conflict_that_carries_the_state(store: MetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    done = commit(run, cache_key="k", provenance_key="p")
    store.commit_step(done)
    output = done.outputs[0].artifact
    others = [
        replace(done, cache_key="other"),
        replace(done, attempt=2),
        replace(done, outputs=()),
        replace(done, outputs=(Link("output", replace(output, size=4)),)),
        replace(done, outputs=(Link("output", replace(output, metadata={"a": 1})),)),
        replace(done, inputs=(Link("x", output),)),
    ]
    for other in others:
        with pytest.raises(Conflict) as caught:
            store.commit_step(other)
        assert caught.value.details["state"] is State.SUCCEEDED


@pytest.mark.parametrize("attempt", [1, 3])
def test_only_the_attempt_under_way_may_commit(store: MetadataStore, attempt: int) -> None:
    run = started(store)
    for number in (1, 2):
        store.begin_step(run.id, "a", number)
    with pytest.raises(Conflict) as caught:
        store.commit_step(commit(run, attempt=attempt))
    assert (caught.value.details["state"], caught.value.details["attempt"]) == (State.RUNNING, 2)
    store.commit_step(commit(run, attempt=2))


def test_an_attempt_that_was_recorded_as_failed_cannot_commit_or_begin_again(store: MetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    store.end_step(run.id, "a", 1, State.FAILED, BROKEN, final=False)
    with pytest.raises(Conflict):
        store.commit_step(commit(run))
    with pytest.raises(Conflict):
        store.begin_step(run.id, "a", 1)
    assert store.get_step(run.id, "a").state is State.RUNNING


def test_a_step_that_never_began_cannot_commit(store: MetadataStore) -> None:
    run = started(store)
    with pytest.raises(Conflict) as caught:
        store.commit_step(commit(run))
    assert caught.value.details["state"] is State.PENDING
    with pytest.raises(InvalidArgument):
        store.commit_step(commit(run, attempt=0))


def test_attempts_are_recorded_one_by_one(store: MetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    began = store.get_step(run.id, "a").started
    store.end_step(run.id, "a", 1, State.FAILED, BROKEN, final=False)
    store.begin_step(run.id, "a", 2)
    store.end_step(run.id, "a", 2, State.FAILED, Failure("Killed", "signal 9"), final=False)
    store.begin_step(run.id, "a", 3)
    attempts = store.get_attempts(run.id, "a")
    assert [(one.number, one.state, one.failure and one.failure.kind) for one in attempts] == [
        (1, State.FAILED, "ValueError"),
        (2, State.FAILED, "Killed"),
        (3, State.RUNNING, None),
    ]
    assert all(one.started and one.ended and one.started <= one.ended for one in attempts[:2])
    store.commit_step(commit(run, attempt=3))
    assert [one.state for one in store.get_attempts(run.id, "a")] == [State.FAILED, State.FAILED, State.SUCCEEDED]
    assert store.get_step(run.id, "a").started == began


def test_an_attempt_that_another_replaces_is_recorded_as_lost(store: MetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    store.begin_step(run.id, "a", 2)
    lost, running = store.get_attempts(run.id, "a")
    assert (lost.state, lost.failure and lost.failure.kind, running.number) == (State.FAILED, "Lost", 2)


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_the_final_end_of_an_attempt_ends_the_step(store: MetadataStore, state: State) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    store.end_step(run.id, "a", 1, state, BROKEN)
    store.end_step(run.id, "a", 1, state, BROKEN)
    step = store.get_step(run.id, "a")
    assert (step.state, step.failure, step.attempt) == (state, BROKEN, 1)
    assert [(one.number, one.state, one.failure) for one in store.get_attempts(run.id, "a")] == [(1, state, BROKEN)]
    for late in (lambda: store.begin_step(run.id, "a", 2), lambda: store.commit_step(commit(run))):
        with pytest.raises(Conflict) as caught:
            late()
        assert caught.value.details["state"] is state
    with pytest.raises(Conflict):
        store.end_step(run.id, "a", 1, state, Failure("Other", "x"))


def test_an_end_recorded_by_the_attempt_itself_may_be_made_final_by_others(store: MetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    store.end_step(run.id, "a", 1, State.FAILED, BROKEN, final=False)
    store.end_step(run.id, "a", 1, State.FAILED, BROKEN, final=False)
    with pytest.raises(Conflict):
        store.end_step(run.id, "a", 1, State.FAILED, Failure("Other", "x"), final=False)
    store.end_step(run.id, "a", 1, State.FAILED, Failure("Timeout", "too long"))
    store.end_step(run.id, "a", 1, State.FAILED, BROKEN, final=False)
    assert store.get_step(run.id, "a").failure == Failure("Timeout", "too long")
    assert [one.failure for one in store.get_attempts(run.id, "a")] == [BROKEN]


def test_an_attempt_that_could_not_even_begin_can_be_ended(store: MetadataStore) -> None:
    run = started(store)
    store.end_step(run.id, "a", 1, State.FAILED, Failure("Killed", "at start"), final=False)
    assert (store.get_step(run.id, "a").state, store.get_step(run.id, "a").attempt) == (State.RUNNING, 1)
    store.end_step(run.id, "a", 2, State.FAILED, Failure("Killed", "again"))
    assert [(one.number, one.started) for one in store.get_attempts(run.id, "a")] == [(1, None), (2, None)]


@pytest.mark.parametrize("state", [State.SKIPPED, State.CANCELLED])
def test_a_step_that_never_began_is_skipped_or_cancelled_without_an_attempt(store: MetadataStore, state: State) -> None:
    run = started(store)
    store.end_step(run.id, "a", 0, state)
    store.end_step(run.id, "a", 0, state)
    assert (store.get_step(run.id, "a").state, store.get_attempts(run.id, "a")) == (state, ())
    with pytest.raises(Conflict):
        store.begin_step(run.id, "a", 1)


def test_a_running_step_is_not_skipped_as_if_it_had_never_begun(store: MetadataStore) -> None:
    run = started(store)
    store.begin_step(run.id, "a", 1)
    with pytest.raises(Conflict):
        store.end_step(run.id, "a", 0, State.SKIPPED)
    assert store.get_step(run.id, "a").state is State.RUNNING


def test_no_step_begins_in_a_run_that_has_ended(store: MetadataStore) -> None:
    run = started(store)
    store.transition_run(run.id, State.FAILED)
    with pytest.raises(Conflict) as caught:
        store.begin_step(run.id, "a", 1)
    assert caught.value.details["state"] is State.FAILED


def test_unknown_runs_and_steps_are_not_found(store: MetadataStore) -> None:
    run = started(store)
    calls = [
        lambda run_id, step: store.begin_step(run_id, step, 1),
        lambda run_id, step: store.end_step(run_id, step, 1, State.FAILED),
        lambda run_id, step: store.commit_step(StepCommit(run_id, step, 1, ())),
        lambda run_id, step: store.get_step(run_id, step),
        lambda run_id, step: store.get_attempts(run_id, step),
        lambda run_id, step: store.put_metadata(run_id, {"a": 1}, step=step),
        lambda run_id, step: store.get_metadata(run_id, step=step),
    ]
    for call in calls:
        for run_id, step in ((run.id, "zz"), (new_id(), "a")):
            with pytest.raises(NotFound):
                call(run_id, step)


def test_a_batch_of_commits_is_all_or_nothing(store: MetadataStore) -> None:
    names = [f"s{number}" for number in range(100)]
    run = started(store, names)
    for name in names:
        store.begin_step(run.id, name, 1)
    good = [commit(run, name) for name in names]
    bad = replace(good[50], inputs=(Link("x", artifact(run, "nowhere")),))
    with pytest.raises(Conflict):
        store.commit_steps([*good[:50], bad, *good[51:]])
    outdated = replace(good[99], attempt=2)
    with pytest.raises(Conflict):
        store.commit_steps([*good[:99], outdated])
    assert {step.state for step in store.get_steps(run.id)} == {State.RUNNING}
    assert store.search_artifacts(run_id=run.id).items == ()
    store.commit_steps(good[:3])
    store.commit_steps(good)
    assert {step.state for step in store.get_steps(run.id)} == {State.SUCCEEDED}
    store.commit_steps([])


def test_a_batch_may_read_what_it_writes(store: MetadataStore) -> None:
    run = started(store, ["a", "b"])
    for name in ("a", "b"):
        store.begin_step(run.id, name, 1)
    first = commit(run, "a")
    store.commit_steps([commit(run, "b", reads={"x": first.outputs[0].artifact}), first])
    assert store.get_step(run.id, "b").inputs[0].artifact.id == first.outputs[0].artifact.id


def test_an_artifact_id_is_not_taken_twice(store: MetadataStore) -> None:
    run = started(store, ["a", "b"])
    made = executed(store, run, "a")
    store.begin_step(run.id, "b", 1)
    with pytest.raises(Conflict):
        store.commit_step(StepCommit(run.id, "b", 1, (Link("output", replace(made, step="b")),)))
    assert store.get_step(run.id, "b").state is State.RUNNING


def test_a_cached_step_links_to_artifacts_that_are_there(store: MetadataStore) -> None:
    first, second = started(store), started(store)
    made = executed(store, first, cache_key="k")
    done = taken(store, second, "a", "k")
    step = store.get_step(second.id, "a")
    assert (step.state, step.source_run, step.attempt, step.outputs[0].artifact.id) == (State.CACHED, first.id, 0, made.id)
    store.commit_step(done)
    assert [one.id for one in store.search_artifacts().items] == [made.id]


def test_a_step_that_began_may_still_be_taken_from_cache(store: MetadataStore) -> None:
    first, second = started(store), started(store)
    executed(store, first, cache_key="k")
    store.begin_step(second.id, "a", 1)
    hit = store.find_cached(["k"])["k"]
    store.commit_step(StepCommit(second.id, "a", 1, hit.outputs, (), "k", None, first.id))
    assert [(one.number, one.state) for one in store.get_attempts(second.id, "a")] == [(1, State.CACHED)]


def test_taking_artifacts_that_were_deleted_meanwhile_is_a_conflict(store: MetadataStore) -> None:
    first, second = started(store), started(store)
    executed(store, first, cache_key="k")
    hit = store.find_cached(["k"])["k"]
    store.transition_run(first.id, State.SUCCEEDED)
    store.delete_run(first.id)
    with pytest.raises(Conflict):
        store.commit_step(StepCommit(second.id, "a", 0, hit.outputs, (), "k", None, first.id))
    assert store.get_step(second.id, "a").state is State.PENDING
