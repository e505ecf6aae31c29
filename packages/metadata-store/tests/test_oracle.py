"""Random sequences of calls against a store and against plain dictionaries, which say what must come of each."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from metadata_store_kit import artifact

from dovetail_core import Conflict, new_id
from dovetail_metadata_store import Artifact, Link, Run, SqliteMetadataStore, State, StepCommit

EXAMPLES = 200 if os.environ.get("DOVETAIL_SOAK") == "1" else 9
STEPS = ("a", "b")
KEYS = ("k1", "k2", "k3")
ENDS = {State.SUCCEEDED, State.FAILED, State.CANCELLED}


@dataclass
class OracleStep:
    state: State = State.PENDING
    attempt: int = 0
    under_way: bool = False
    key: str | None = None
    provenance: str | None = None
    source: str | None = None
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attempts: dict[int, State] = field(default_factory=dict)
    committed: int = 0


@dataclass
class OracleRun:
    state: State = State.PENDING
    cancel: bool = False
    steps: dict[str, OracleStep] = field(default_factory=lambda: {name: OracleStep() for name in STEPS})
    metadata: dict[str, Any] = field(default_factory=dict)


class Machine(RuleBasedStateMachine):
    """Each rule makes a call, and says from the dictionaries alone whether it succeeds."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = SqliteMetadataStore(path=self.folder / "m.db")
        self.runs: dict[str, OracleRun] = {}
        self.artifacts: dict[str, Artifact] = {}
        self.commits = 0

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def expect(self, allowed: bool, call: Any) -> Any:
        if allowed:
            return call()
        with pytest.raises(Conflict):
            call()
        return None

    def pick(self, number: int) -> str:
        return list(self.runs)[number % len(self.runs)]

    @rule()
    def create(self) -> None:
        identifier = new_id()
        self.store.create_run(Run(identifier, identifier, "p", "s"), STEPS)
        self.runs[identifier] = OracleRun()

    @rule(number=st.integers(0, 9), to=st.sampled_from([State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED]))
    def transition(self, number: int, to: State) -> None:
        if not self.runs:
            return
        run_id = self.pick(number)
        run = self.runs[run_id]
        follows = {State.PENDING: {State.RUNNING, State.FAILED, State.CANCELLED}, State.RUNNING: ENDS}
        self.expect(to is run.state or to in follows.get(run.state, set()), lambda: self.store.transition_run(run_id, to))
        if to in follows.get(run.state, set()):
            run.state = to

    @rule(number=st.integers(0, 9), name=st.sampled_from(STEPS), attempt=st.integers(1, 3))
    def begin(self, number: int, name: str, attempt: int) -> None:
        if not self.runs:
            return
        run_id = self.pick(number)
        step = self.runs[run_id].steps[name]
        open_run = not self.runs[run_id].state.terminal and not step.state.terminal
        again = attempt == step.attempt and step.under_way
        self.expect(open_run and (attempt > step.attempt or again), lambda: self.store.begin_step(run_id, name, attempt))
        if open_run and attempt > step.attempt:
            if step.under_way:
                step.attempts[step.attempt] = State.FAILED
            step.state, step.attempt, step.under_way = State.RUNNING, attempt, True

    @rule(number=st.integers(0, 9), name=st.sampled_from(STEPS), attempt=st.integers(0, 3), final=st.booleans())
    def end(self, number: int, name: str, attempt: int, final: bool) -> None:
        if not self.runs or (attempt == 0 and not final):
            return
        run_id = self.pick(number)
        step = self.runs[run_id].steps[name]
        state = State.SKIPPED if attempt == 0 else State.FAILED
        recorded = attempt in step.attempts
        done = (not final and recorded) or (final and (step.state, step.attempt) == (state, attempt))
        allowed = not step.state.terminal and attempt >= step.attempt and (final or not recorded)
        self.expect(done or allowed, lambda: self.store.end_step(run_id, name, attempt, state, final=final))
        if allowed and not done:
            if step.under_way and attempt > step.attempt:
                step.attempts[step.attempt] = State.FAILED
            if attempt:
                step.attempts.setdefault(attempt, state)
            step.state, step.attempt, step.under_way = state if final else State.RUNNING, attempt, False

    @rule(
        number=st.integers(0, 9),
        name=st.sampled_from(STEPS),
        attempt=st.integers(1, 3),
        key=st.sampled_from(KEYS),
        reads=st.integers(0, 3),
        twice=st.booleans(),
    )
    def commit(self, number: int, name: str, attempt: int, key: str, reads: int, twice: bool) -> None:
        if not self.runs:
            return
        run_id = self.pick(number)
        step = self.runs[run_id].steps[name]
        inputs = list(self.artifacts.values())[-reads:] if reads else []
        output = artifact(self.store.get_run(run_id), name)
        lineage = tuple(Link("x", one, index) for index, one in enumerate(inputs))
        given = StepCommit(run_id, name, attempt, (Link("out", output),), lineage, key, f"p-{key}")
        allowed = step.state is State.RUNNING and step.under_way and step.attempt == attempt
        for _ in range(1 + twice):
            self.expect(allowed, lambda: self.store.commit_step(given))
        if allowed:
            self.done(step, State.SUCCEEDED, key, None, [one.id for one in inputs], [output.id])
            self.artifacts[output.id] = output

    def done(self, step: OracleStep, state: State, key: str, source: str | None, inputs: list[str], outputs: list[str]) -> None:
        self.commits += 1
        step.state, step.key, step.provenance, step.source = state, key, f"p-{key}", source
        step.inputs, step.outputs, step.committed = inputs, outputs, self.commits

    @rule(number=st.integers(0, 9), name=st.sampled_from(STEPS), key=st.sampled_from(KEYS))
    def take(self, number: int, name: str, key: str) -> None:
        found = self.cached(key)
        if not self.runs or found is None:
            return
        run_id = self.pick(number)
        step = self.runs[run_id].steps[name]
        hit = self.store.find_cached([key])[key]
        source = hit.source_run or hit.run_id
        given = StepCommit(run_id, name, 0, hit.outputs, (), key, f"p-{key}", source)
        allowed = step.state is State.PENDING
        again = (
            step.state is State.CACHED and (step.key, step.source, step.inputs) == (key, source, []) and step.outputs == found[1].outputs
        )
        self.expect(allowed or again, lambda: self.store.commit_step(given))
        if allowed:
            self.done(step, State.CACHED, key, source, [], list(found[1].outputs))

    @rule(number=st.integers(0, 9), value=st.none() | st.booleans() | st.integers() | st.text(max_size=3), name=st.sampled_from(["m", "n"]))
    def put(self, number: int, value: Any, name: str) -> None:
        if self.runs:
            run_id = self.pick(number)
            self.store.put_metadata(run_id, {name: value})
            self.runs[run_id].metadata[name] = value

    @rule(number=st.integers(0, 9))
    def cancel(self, number: int) -> None:
        if self.runs:
            run_id = self.pick(number)
            self.store.request_cancel(run_id)
            self.runs[run_id].cancel |= not self.runs[run_id].state.terminal

    @rule(number=st.integers(0, 9))
    def delete(self, number: int) -> None:
        if not self.runs:
            return
        run_id = self.pick(number)
        allowed = self.runs[run_id].state is not State.RUNNING
        gone = self.expect(allowed, lambda: self.store.delete_run(run_id))
        if allowed:
            del self.runs[run_id]
            unused = self.artifacts.keys() - self.used()
            assert {one.id for one in gone} == unused
            for one in unused:
                del self.artifacts[one]

    def used(self) -> set[str]:
        steps = [step for run in self.runs.values() for step in run.steps.values()]
        return {one for step in steps for one in (*step.inputs, *step.outputs)}

    def cached(self, key: str) -> tuple[str, OracleStep] | None:
        hits = [(run_id, step) for run_id, run in self.runs.items() for step in run.steps.values() if key in (step.key, step.provenance)]
        return max(hits, key=lambda hit: hit[1].committed, default=None)

    @invariant()
    def everything_is_as_expected(self) -> None:
        assert [run.id for run in self.store.iter_runs(order="created")] == list(self.runs)
        for run_id, run in self.runs.items():
            stored = self.store.get_run(run_id)
            assert (stored.state, stored.cancel_requested, self.store.get_metadata(run_id)) == (run.state, run.cancel, run.metadata)
            for step in self.store.get_steps(run_id):
                known = run.steps[step.name]
                assert (step.state, step.attempt, step.cache_key, step.source_run) == (known.state, known.attempt, known.key, known.source)
                assert [link.artifact.id for link in step.inputs] == known.inputs
                assert [link.artifact.id for link in step.outputs] == known.outputs
        assert {one.id for one in self.store.iter_artifacts()} == self.artifacts.keys()

    @invariant()
    def the_cache_gives_the_latest_commit(self) -> None:
        keys = [*KEYS, *(f"p-{key}" for key in KEYS)]
        expected = {key: found for key in keys if (found := self.cached(key)) is not None}
        found = self.store.find_cached(keys)
        assert {key: hit.run_id for key, hit in found.items()} == {key: run_id for key, (run_id, _) in expected.items()}
        for key, hit in found.items():
            assert [link.artifact.id for link in hit.outputs] == expected[key][1].outputs

    @rule()
    def lineage_is_the_closure_of_what_was_committed(self) -> None:
        steps = [step for run in self.runs.values() for step in run.steps.values()]
        for root in list(self.artifacts)[-2:]:
            for direction, forward in (("up", False), ("down", True)):
                reached, frontier = {root}, {root}
                while frontier:
                    near = [step for step in steps if frontier & set(step.inputs if forward else step.outputs)]
                    frontier = {one for step in near for one in (step.outputs if forward else step.inputs)} - reached
                    reached |= frontier
                assert self.store.lineage(root, direction).artifacts.keys() == reached  # type: ignore[arg-type]


def test_the_store_agrees_with_plain_dictionaries() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=25, deadline=None, suppress_health_check=checks)
    )
