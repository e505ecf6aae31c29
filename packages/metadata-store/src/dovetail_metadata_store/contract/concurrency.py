"""Many writers, kills, readers in between."""

from __future__ import annotations

from collections import Counter
from functools import partial

from dovetail_conformance import Effort, Harness, attempt, check, rule
from dovetail_conformance.instruments import kill_after, workers
from dovetail_core.errors import AlreadyExists, Conflict
from dovetail_metadata_store.capabilities import MetadataStoreCapability as Capability
from dovetail_metadata_store.contract.samples import STEPS, a_commit, a_run, executed, started
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.listings import BATCH
from dovetail_metadata_store.records import State


class ConcurrencyRules:
    """Rules about several at once."""

    @rule("MS-04", severity=1, kind="race")
    def test_many_writers_get_through(self, store: MetadataStore, harness: Harness, effort: Effort) -> None:
        """Many writers of different records all get through, from the first opening on, and nothing is lost."""
        threads, rounds = effort.pick((6, 4), (8, 10), (16, 40))
        results = workers(lambda number: _work(store, number, rounds), [(number,) for number in range(threads)])
        failed = [f"{type(result).__name__}: {result}" for result in results if isinstance(result, BaseException)]
        check(not failed, did=f"wrote from {threads} threads", came="; ".join(failed[:2]), mend="wait for a lock, and try again as a whole")
        for run_id in (run_id for result in results for run_id in result):
            states = {step.state for step in store.get_steps(run_id)}
            check(states == {State.SUCCEEDED}, did=f"read what {threads} threads wrote", came=states)

    @rule("MS-06", severity=1, kind="race")
    def test_of_many_that_want_a_name_one_gets_it(self, store: MetadataStore, effort: Effort) -> None:
        """Of many that create a run of one name exactly one succeeds; of many that create the same run all do, and it is one."""
        count = effort.pick(6, 16, 32)
        results = workers(lambda: store.create_run(a_run(name="wanted"), STEPS), [()] * count)
        kinds = Counter(type(result).__name__ for result in results)
        check(kinds == Counter({"Run": 1, "AlreadyExists": count - 1}), did=f"created one name {count} times at once", came=dict(kinds))
        same = a_run()
        results = workers(lambda: store.create_run(same, STEPS), [()] * count)
        failed = [result for result in results if isinstance(result, BaseException)]
        check(
            not failed and len(store.get_steps(same.id)) == len(STEPS), did=f"created the same run {count} times at once", came=failed[:2]
        )

    @rule("MS-05", severity=1, kind="race")
    def test_of_many_that_advance_a_state_one_does(self, store: MetadataStore, effort: Effort) -> None:
        """Of many that end a run or a step in different ways at once exactly one way holds, and the others are told."""
        ends = (State.SUCCEEDED, State.FAILED, State.CANCELLED)
        for _ in range(effort.pick(3, 8, 30)):
            run = started(store)
            results = workers(lambda state, run_id=run.id: store.transition_run(run_id, state), [(end,) for end in ends])
            won = [result for result in results if not isinstance(result, BaseException)]
            told = [result for result in results if isinstance(result, Conflict)]
            check((len(won), len(told)) == (1, 2), did="ended a run in three ways at once", came=[type(one).__name__ for one in results])
            check(store.get_run(run.id).state is won[0].state, did="read the run", came=store.get_run(run.id).state)
            other = started(store)
            store.begin_step(other.id, "load", 1)
            commits = [a_commit(other.id, "load") for _ in range(4)]
            results = workers(store.commit_step, [(commit,) for commit in commits])
            good = [commit for commit, result in zip(commits, results, strict=True) if result is None]
            check(len(good) == 1, did="committed one step four times with different artifacts", came=f"{len(good)} succeeded")
            kept = store.get_step(other.id, "load").outputs[0].artifact.id
            check(kept == good[0].outputs[0].artifact.id, did="read the step", came="another artifact")

    @rule("MS-02", severity=1, needs=Capability.SEARCH, hooks=("kill", "second"), kind="fault")
    def test_a_killed_writer_leaves_whole_records(self, store: MetadataStore, harness: Harness, effort: Effort) -> None:
        """A writer that is killed at any moment leaves whole records: what is committed is complete, and what is not is not there."""
        run = started(store)
        executed(store, run.id, "load", cache_key="before")
        for number in range(effort.pick(2, 5, 20)):
            known = frozenset(_all_runs(store))
            begun = partial(_more_than if number % 2 else _committed_beyond, store, known)
            killed = kill_after(_write_for_ever, store, seconds=0.013 * (number // 2), when=begun)
            check(killed.killed, did="killed a writer", came=killed)
            for run_id in _all_runs(store):
                for step in store.get_steps(run_id):
                    whole = not step.state.good or len(step.outputs) == 2 or run_id == run.id
                    check(whole, did="killed a writer and read its steps", came=step, mend="commit a step with its artifacts")
        check(store.find_cached(["before"])["before"].run_id == run.id, did="read what was there before", came="it is gone")

    @rule("MS-36", severity=2, hooks=("second",), kind="race")
    def test_a_reader_keeps_no_writer_waiting(self, store: MetadataStore, harness: Harness) -> None:
        """A reader in the midst of a listing keeps no writer waiting, and a writer no reader."""
        for _ in range(BATCH + 10):
            store.create_run(a_run(), STEPS[:1])
        reading = iter(store.iter_runs() if Capability.SEARCH in store.capabilities else store.get_steps(started(store).id))
        next(reading)
        with harness.second(store) as other:
            run = a_run()
            other.create_run(run, STEPS)
            with attempt(
                did="wrote by another client while a listing was open, and read it", mend="end a read before its listing is gone through"
            ):
                store.get_run(run.id)
            rest = list(reading)
            check(len(rest) >= 2, did="read on", came=len(rest))
            other.transition_run(run.id, State.RUNNING)
            check(store.get_run(run.id).state is State.RUNNING, did="advanced a run by another client", came=store.get_run(run.id).state)
            with_name = [store, other]
            for one in with_name:
                try:
                    one.create_run(a_run(name=run.name), STEPS)
                except AlreadyExists:
                    continue
                check(False, did="created a run whose name another client has taken", came="it succeeded", mend="let the store decide")


def _work(store: MetadataStore, number: int, rounds: int) -> list[str]:
    made = []
    for turn in range(rounds):
        run = started(store, name=f"w{number}-{turn}")
        for step in STEPS:
            executed(store, run.id, step, cache_key=f"{number}-{turn}-{step}")
        store.put_metadata(run.id, {"turn": turn})
        made.append(run.id)
    return made


def _write_for_ever(store: MetadataStore) -> None:
    number = 0
    while True:
        run = started(store, name=f"killed-{number}-{a_run().id}")
        for step in STEPS:
            executed(store, run.id, step, outputs=["x", "y"], cache_key=f"{run.id}-{step}")
        number += 1


def _more_than(store: MetadataStore, known: frozenset[str]) -> bool:
    return bool(set(_all_runs(store)) - known)


def _committed_beyond(store: MetadataStore, known: frozenset[str]) -> bool:
    """Tell whether anything of a step that ended well can be seen: a commit in pieces is caught between them, however slow the machine."""
    return any(step.state.good for run_id in set(_all_runs(store)) - known for step in store.get_steps(run_id))


def _all_runs(store: MetadataStore) -> list[str]:
    return [run.id for run in store.iter_runs()]
