"""Steps, their attempts and commits, and lineage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dovetail_conformance import check, raises, rule
from dovetail_core import Failure, new_id
from dovetail_core.errors import Conflict, InvalidArgument
from dovetail_metadata_store.contract.samples import a_commit, an_artifact, executed, started
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.records import Link, State, StepCommit


class StepRules:
    """Rules about steps."""

    @rule("MS-01", severity=1)
    def test_a_batch_is_all_or_nothing(self, store: MetadataStore) -> None:
        """A write is one transaction: of a batch with one wrong member nothing is visible."""
        run = started(store, [f"s{number}" for number in range(40)])
        for step in range(40):
            store.begin_step(run.id, f"s{step}", 1)
        good = [a_commit(run.id, f"s{number}", cache_key=f"k{number}") for number in range(39)]
        stranger = an_artifact(run.id, "other")
        wrong = {
            "an attempt that did not begin": a_commit(run.id, "s39", attempt=2),
            "an artifact that is not stored": replace(a_commit(run.id, "s39"), inputs=(Link("input", stranger),)),
            "an artifact with the id of another": replace(
                a_commit(run.id, "s39"), outputs=(Link("output", replace(good[3].outputs[0].artifact, step="s39")),)
            ),
        }
        for what, bad in wrong.items():
            with raises(Conflict, did=f"committed 40 steps, one with {what}"):
                store.commit_steps([*good[:20], bad, *good[20:]])
            seen = [step.name for step in store.get_steps(run.id) if step.state is not State.RUNNING]
            check(not seen, did=f"committed 40 steps, one with {what}", came=f"committed: {seen}", mend="write all in one transaction")
            check(store.find_cached(["k0", "k38"]) == {}, did="looked for their cache keys", came="they are found")
        store.commit_steps(good)
        done = [step.name for step in store.get_steps(run.id) if step.state is State.SUCCEEDED]
        check(len(done) == 39, did="committed 39 good steps", came=len(done))

    @rule("MS-41", severity=1)
    def test_a_commit_is_read_as_it_was_written(self, store: MetadataStore) -> None:
        """A committed step is read with its state, keys, inputs and outputs as they were written, in the order of the plan."""
        run = started(store, ["b", "a", "c"])
        one, two = executed(store, run.id, "b"), executed(store, run.id, "a")
        commit = a_commit(run.id, "c", reads=[two, one], outputs=["y", "x"], cache_key="k", provenance_key="p")
        store.begin_step(run.id, "c", 1)
        store.commit_step(commit)
        names = [step.name for step in store.get_steps(run.id)]
        check(names == ["b", "a", "c"], did="read the steps of a run", came=names, mend="keep the order of the plan")
        step = store.get_step(run.id, "c")
        facts = (step.state, step.attempt, step.cache_key, step.provenance_key, step.source_run)
        check(facts == (State.SUCCEEDED, 1, "k", "p", None), did="committed a step and read it", came=facts)
        read = [(link.name, link.index, link.artifact.id) for link in step.inputs]
        check(read == [("input", 0, two.id), ("input", 1, one.id)], did="read its inputs", came=read, mend="keep the order of a fan-in")
        for link in commit.outputs:
            stored = store.get_artifact(link.artifact.id)
            check(replace(stored, created=None) == link.artifact, did="read an artifact that a step gave", came=stored)
        wrote = sorted((link.name, link.artifact.id) for link in step.outputs)
        check(wrote == sorted((link.name, link.artifact.id) for link in commit.outputs), did="read its outputs", came=wrote)

    @rule("MS-42", severity=1)
    def test_attempts_are_told_apart(self, store: MetadataStore) -> None:
        """Each attempt keeps its own end and failure; a late word of an earlier one is a `Conflict`; one that fell silent counts as lost."""
        run = started(store)
        for number in (1, 2):
            store.begin_step(run.id, "load", number)
            store.end_step(run.id, "load", number, State.FAILED, Failure("E", f"attempt {number}"), final=False)
        store.begin_step(run.id, "load", 3)
        store.begin_step(run.id, "load", 4)
        late: list[Callable[[], object]] = [
            lambda: store.commit_step(a_commit(run.id, "load", attempt=3)),
            lambda: store.end_step(run.id, "load", 3, State.FAILED, Failure("E", "late")),
            lambda: store.begin_step(run.id, "load", 2),
        ]
        for call in late:
            with raises(Conflict, did="reported on an attempt that another has replaced"):
                call()
        store.commit_step(a_commit(run.id, "load", attempt=4))
        attempts = store.get_attempts(run.id, "load")
        found = [(one.number, one.state, one.failure.message if one.failure else None) for one in attempts]
        expected = [(1, State.FAILED, "attempt 1"), (2, State.FAILED, "attempt 2"), (3, State.FAILED), (4, State.SUCCEEDED, None)]
        same = [pair[: len(wanted)] == wanted for pair, wanted in zip(found, expected, strict=False)]
        check(len(found) == 4 and all(same), did="began four attempts, of which one fell silent", came=found)

    @rule("MS-43", severity=1)
    def test_the_cache_gives_the_latest_step_of_each_key(self, store: MetadataStore) -> None:
        """One look-up finds, for each key, the latest step that was committed with it, by either kind of key, and nothing else."""
        older, newer = started(store), started(store)
        executed(store, older.id, "load", cache_key="k1", provenance_key="p1")
        executed(store, older.id, "train", cache_key="K1")
        store.begin_step(older.id, "test", 1)
        executed(store, newer.id, "load", cache_key="k1")
        found = store.find_cached(["k1", "p1", "K1", "absent", "k1"])
        places = {key: (step.run_id, step.name) for key, step in found.items()}
        wanted = {"k1": (newer.id, "load"), "p1": (older.id, "load"), "K1": (older.id, "train")}
        check(
            places == wanted,
            did="looked for k1, p1, K1 and one that is not there",
            came=places,
            mend="match keys exactly, and prefer the latest",
        )
        outputs = found["k1"].outputs
        check(len(outputs) == 1 and outputs[0].artifact.run_id == newer.id, did="read the outputs of a hit", came=outputs)
        check(store.find_cached([]) == {}, did="looked for no key", came=store.find_cached([]))
        store.transition_run(newer.id, State.SUCCEEDED)
        store.delete_run(newer.id)
        back = store.find_cached(["k1"])["k1"].run_id
        check(back == older.id, did="deleted the latest and looked again", came=back)

    @rule("MS-44", severity=1)
    def test_lineage_is_complete_both_ways(self, store: MetadataStore) -> None:
        """Lineage tells what led to an artifact and what came of it, to any depth, across cached steps, each once."""
        run = started(store, ["a", "b", "c", "d"])
        a = executed(store, run.id, "a", cache_key="ka")
        b = executed(store, run.id, "b", reads=[a])
        c = executed(store, run.id, "c", reads=[a])
        d = executed(store, run.id, "d", reads=[b, c])
        cached = started(store, ["a", "x"])
        store.commit_step(StepCommit(cached.id, "a", 0, (Link("output", a),), source_run=run.id, cache_key="ka"))
        x = executed(store, cached.id, "x", reads=[a])
        up, down = store.lineage(d.id), store.lineage(a.id, "down")
        check(set(up.artifacts) == {a.id, b.id, c.id, d.id}, did="asked what led to the end of a diamond", came=sorted(up.artifacts))
        check(set(down.artifacts) == {a.id, b.id, c.id, d.id, x.id}, did="asked what came of its beginning", came=sorted(down.artifacts))
        edges = [(edge.source, edge.target) for edge in up.edges]
        wanted = {(a.id, b.id), (a.id, c.id), (b.id, d.id), (c.id, d.id), (None, a.id)}
        check(set(edges) == wanted and len(edges) == len(wanted), did="asked for the edges", came=edges, mend="tell each edge once")
        near = store.lineage(d.id, depth=1)
        check(set(near.artifacts) == {b.id, c.id, d.id}, did="asked for one level", came=sorted(near.artifacts))
        with raises(InvalidArgument, did="asked for a direction that there is not"):
            store.lineage(d.id, "sideways")  # type: ignore[arg-type]

    @rule("MS-30", severity=2)
    def test_nothing_refers_to_what_is_not_there(self, store: MetadataStore) -> None:
        """A commit that refers to an artifact that is not stored is refused, and nothing of it is kept."""
        run = started(store)
        store.begin_step(run.id, "load", 1)
        ghost = an_artifact(new_id(), "ghost")
        for bad in (
            a_commit(run.id, "load", reads=[ghost]),
            StepCommit(run.id, "load", 1, (Link("output", ghost),), source_run=ghost.run_id),
        ):
            with raises(Conflict, did="committed a step with an artifact that is not stored", mend="enforce references"):
                store.commit_step(bad)
        check(store.get_step(run.id, "load").state is State.RUNNING, did="read the step", came=store.get_step(run.id, "load").state)
