"""Runs: created once, advanced in one direction, deleted with all that belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dovetail_conformance import attempt, check, raises, rule, until
from dovetail_core import Failure, new_id
from dovetail_core.errors import AlreadyExists, Conflict, InvalidArgument, NotFound
from dovetail_metadata_store.contract.samples import STEPS, a_commit, a_run, executed, started
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.records import Link, Owner, State, StepCommit


class RunRules:
    """Rules about runs."""

    @rule("MS-08", severity=1)
    def test_a_repeated_write_changes_nothing(self, store: MetadataStore) -> None:
        """A write that is sent again with the same values succeeds and changes nothing; with other values it is a `Conflict`."""
        run, commit = a_run(parameters={"a": 1}), None
        store.create_run(run, STEPS, {"p": 1})
        with attempt(did="created a run twice with the same values"):
            store.create_run(run, STEPS, {"p": 1})
        others = {
            "pipeline": (replace(run, pipeline="other"), STEPS, {"p": 1}),
            "plan": (run, STEPS, {"p": 2}),
            "steps": (run, ("x",), {"p": 1}),
        }
        for name, (changed, steps, plan) in others.items():
            with raises(Conflict, did=f"created a run again with another {name}", mend="compare what is stored with what is sent"):
                store.create_run(changed, steps, plan)
        commit = a_commit(run.id, "load", cache_key="k")
        with attempt(did="repeated each write of a step"):
            for _ in range(2):
                store.transition_run(run.id, State.RUNNING)
                store.begin_step(run.id, "load", 1)
            for _ in range(2):
                store.commit_step(commit)
                store.put_metadata(run.id, {"a": 1})
        check(len(store.get_attempts(run.id, "load")) == 1, did="began an attempt twice", came=store.get_attempts(run.id, "load"))
        with raises(Conflict, did="committed a step again with other artifacts"):
            store.commit_step(a_commit(run.id, "load", cache_key="k"))
        outputs = store.get_step(run.id, "load").outputs
        check([link.artifact.id for link in outputs] == [commit.outputs[0].artifact.id], did="read the step", came=outputs)

    @rule("MS-32", severity=2)
    def test_errors_are_told_apart(self, store: MetadataStore) -> None:
        """What is not there is `NotFound`, an id that is none `InvalidArgument`, a name that is taken `AlreadyExists`."""
        run = started(store)
        absent = new_id()
        for call in (
            lambda: store.get_run(absent), lambda: store.get_plan(absent), lambda: store.get_steps(absent), lambda: store.find_run("no such run"),
            lambda: store.get_step(run.id, "absent"), lambda: store.begin_step(absent, "load", 1), lambda: store.begin_step(run.id, "absent", 1),
            lambda: store.commit_step(a_commit(run.id, "absent")), lambda: store.get_artifact(absent), lambda: store.lineage(absent),
            lambda: store.put_metadata(absent, {"a": 1}), lambda: store.get_metadata(run.id, "absent"), lambda: store.transition_run(absent, State.RUNNING),
            lambda: store.heartbeat(absent), lambda: store.request_cancel(absent), lambda: store.delete_run(absent), lambda: store.get_attempts(run.id, "absent"),
        ):  # fmt: skip
            with raises(NotFound, did="asked for what is not there"):
                call()
        for wrong in ("", "short", "g" * 32, "A" * 32, 7):
            with raises(InvalidArgument, did=f"asked for the id {wrong!r}"):
                store.get_run(wrong)  # type: ignore[arg-type]
        with raises(AlreadyExists, did="created a run with a name that is taken"):
            store.create_run(a_run(name=run.name), STEPS)

    @rule("MS-31", severity=1)
    def test_states_only_advance(self, store: MetadataStore) -> None:
        """A state only advances: what has ended stays so, and a late report of an earlier state is a `Conflict`."""
        for end in (State.SUCCEEDED, State.FAILED, State.CANCELLED):
            run = started(store)
            store.transition_run(run.id, end)
            for late in {State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED} - {end}:
                with raises(Conflict, did=f"made a run {late} that is {end}", mend="compare and set in one step"):
                    store.transition_run(run.id, late)
            with raises(Conflict, did="began a step of a run that has ended"):
                store.begin_step(run.id, "load", 1)
            check(store.get_run(run.id).state is end, did=f"made a run {end} and sent late reports", came=store.get_run(run.id).state)
        run = started(store)
        with raises(Conflict, did="expected a run to be pending that is running"):
            store.transition_run(run.id, State.FAILED, expected=[State.PENDING])
        store.begin_step(run.id, "load", 1)
        store.end_step(run.id, "load", 1, State.FAILED, Failure("E", "no"))
        words: list[Callable[[], object]] = [
            lambda: store.begin_step(run.id, "load", 1),
            lambda: store.begin_step(run.id, "load", 2),
            lambda: store.commit_step(a_commit(run.id, "load")),
        ]
        for call in words:
            with raises(Conflict, did="went on with a step that has failed"):
                call()
        check(store.get_step(run.id, "load").state is State.FAILED, did="read the step", came=store.get_step(run.id, "load").state)

    @rule("MS-22", severity=2)
    def test_times_are_the_store_s(self, store: MetadataStore) -> None:
        """Times are set by the store, in order, and `updated` changes with an update only."""
        run = store.create_run(a_run(created=None), STEPS)
        read = store.get_run(run.id)
        check(read.updated == read.created == run.created and read.created is not None, did="created a run and read it", came=read)
        running = store.transition_run(run.id, State.RUNNING, owner=Owner("host", 1, 2.0))
        check(running.started is not None and running.heartbeat is not None and running.ended is None, did="started a run", came=running)
        ended = store.transition_run(run.id, State.SUCCEEDED)
        times = [ended.created, ended.started, ended.updated, ended.ended]
        check(all(times) and times == sorted(times, key=str), did="ended a run", came=times, mend="let no time be before an earlier one")
        store.put_metadata(run.id, {"a": 1})
        check(store.get_run(run.id).updated == ended.updated, did="read a run again", came=store.get_run(run.id).updated)

    @rule("MS-33", severity=2)
    def test_an_update_leaves_the_rest_alone(self, store: MetadataStore) -> None:
        """An update leaves alone what it does not name; a null is a value like others."""
        owner, failure = Owner("host", 7, 1.5), Failure("E", "message", "trace", retryable=False)
        run = started(store, parameters={"a": [1, None], "b": {"c": 2}})
        store.transition_run(run.id, State.FAILED, owner=owner, failure=failure)
        read = store.get_run(run.id)
        kept = (read.parameters, read.owner, read.failure, read.name, read.pipeline)
        check(kept == (run.parameters, owner, failure, run.name, run.pipeline), did="failed a run with an owner and a failure", came=kept)
        store.put_metadata(run.id, {"a": 1, "b": {"x": 1}})
        store.put_metadata(run.id, {"b": None, "c": []})
        facts = store.get_metadata(run.id)
        check(
            facts == {"a": 1, "b": None, "c": []},
            did="put some facts, then others",
            came=facts,
            mend="replace by name, and keep the others",
        )
        check(store.get_metadata(run.id, "load") == {}, did="read a step's facts", came=store.get_metadata(run.id, "load"))

    @rule("MS-29", severity=2)
    def test_a_deleted_run_is_gone_with_all_that_is_its_own(self, store: MetadataStore) -> None:
        """A deleted run leaves nothing and frees its name; artifacts that another run uses stay until that is deleted, too."""
        first = started(store)
        used = executed(store, first.id, "load", cache_key="k")
        own = executed(store, first.id, "train")
        with raises(Conflict, did="deleted a run that is running"):
            store.delete_run(first.id)
        store.transition_run(first.id, State.SUCCEEDED)
        second = started(store)
        store.commit_step(StepCommit(second.id, "load", 0, (Link("output", used),), source_run=first.id, cache_key="k"))
        gone = {artifact.id for artifact in store.delete_run(first.id)}
        check(gone == {own.id}, did="deleted a run, of which another uses an artifact", came=gone)
        for call in (lambda: store.get_run(first.id), lambda: store.get_steps(first.id), lambda: store.get_artifact(own.id)):
            with raises(NotFound, did="asked for what was deleted"):
                call()
        with attempt(did="created a run with the name of a deleted one"):
            store.create_run(a_run(name=first.name), STEPS)
        check(store.get_artifact(used.id).id == used.id, did="asked for an artifact that another run uses", came="it is gone")
        store.transition_run(second.id, State.SUCCEEDED)
        gone = {artifact.id for artifact in store.delete_run(second.id)}
        check(gone == {used.id}, did="deleted the other run", came=gone)

    @rule("MS-39", severity=2)
    def test_silent_runs_are_found(self, store: MetadataStore) -> None:
        """A running run whose heartbeat is older than asked for is dead; any other is not. A request to cancel reaches its process."""
        run, ended, pending = started(store), started(store), store.create_run(a_run(), STEPS)
        store.transition_run(ended.id, State.FAILED)
        check(store.dead_runs(3600) == (), did="asked for runs that are silent for an hour", came=store.dead_runs(3600))
        until(
            lambda: [one.id for one in store.dead_runs(0.02)] == [run.id],
            20,
            did="asked for silent runs",
            mend="compare with the heartbeat",
        )
        check(pending.state is State.PENDING and not store.heartbeat(run.id), did="recorded a heartbeat", came="cancelled")
        check(store.dead_runs(3600) == (), did="recorded a heartbeat", came="it is silent")
        store.request_cancel(run.id)
        check(store.heartbeat(run.id) is True, did="asked to cancel and recorded a heartbeat", came="nothing was said")
        store.request_cancel(ended.id)
        check(not store.get_run(ended.id).cancel_requested, did="asked to cancel what has ended", came="it is noted")

    @rule("MS-40", severity=2)
    def test_runs_are_found_by_name_id_and_its_beginning(self, store: MetadataStore) -> None:
        """A run is found by its id, its name, or enough of its id's beginning; what several begin with is refused."""
        run, other = started(store), started(store)
        for text in (run.id, run.name):
            check(store.find_run(text).id == run.id, did=f"looked for {text}", came=store.find_run(text).id)
        length = next(index for index in range(32) if run.id[index] != other.id[index]) + 1
        if length > 6:
            check(
                store.find_run(run.id[:length]).id == run.id,
                did="looked for the beginning of an id",
                came=store.find_run(run.id[:length]).id,
            )
            with raises(InvalidArgument, did="looked for what two ids begin with"):
                store.find_run(run.id[: length - 1])
        named = store.create_run(a_run(name=run.id[:8]), STEPS)
        check(store.find_run(run.id[:8]).id == named.id, did="looked for a name that is the beginning of an id", came="another run")
