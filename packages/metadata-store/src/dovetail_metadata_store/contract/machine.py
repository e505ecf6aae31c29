"""Whatever is done, a store is plain relations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from hypothesis.stateful import rule as step

from dovetail_conformance import Effort, Harness, rule, run_machine
from dovetail_core.errors import Conflict, NotFound
from dovetail_metadata_store.contract.samples import a_commit, a_run
from dovetail_metadata_store.interface import MetadataStore
from dovetail_metadata_store.records import State

_NAMES = ("a", "b")
_KEYS = ("k1", "k2", "k3")
_ENDS = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class MachineRules:
    """The rule about everything at once."""

    @rule("MS-45", severity=1, kind="machine")
    def test_a_store_is_plain_relations(self, harness: Harness, effort: Effort, seed: int) -> None:
        """Whatever sequence of calls is made, a store holds what plain relations would hold, and refuses what they would refuse."""
        run_machine(lambda: StoreMachine(harness.make()), effort, seed, harness=harness)


@dataclass
class _Step:
    state: str = "pending"
    attempt: int = 0
    under_way: bool = False
    key: str | None = None
    output: str | None = None


@dataclass
class _Run:
    state: str = "pending"
    steps: dict[str, _Step] = field(default_factory=lambda: {name: _Step() for name in _NAMES})
    facts: dict[str, Any] = field(default_factory=dict)


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to relations, and compares."""

    def __init__(self, store: MetadataStore) -> None:
        super().__init__()
        self.store = store
        self.runs: dict[str, _Run] = {}
        self.order: list[tuple[str, str]] = []
        """Committed steps, oldest first."""

    def teardown(self) -> None:
        self.store.close()

    def expect(self, good: bool, call: Any) -> bool:
        """Make a call, and compare whether it is refused."""
        try:
            call()
        except (Conflict, NotFound) as error:
            assert not good, f"refused: {error}"
            return False
        assert good, "it was not refused"
        return True

    def pick(self, number: int) -> str:
        return sorted(self.runs)[number % len(self.runs)]

    @initialize()
    def begin(self) -> None:
        self.create()

    @step()
    def create(self) -> None:
        run = a_run()
        self.store.create_run(run, _NAMES)
        self.runs[run.id] = _Run()

    @step(number=st.integers(0, 9), state=st.sampled_from([State.RUNNING, *_ENDS]))
    def advance(self, number: int, state: State) -> None:
        run_id = self.pick(number)
        run = self.runs[run_id]
        allowed = {"pending": {"running", "failed", "cancelled"}, "running": {"succeeded", "failed", "cancelled"}}.get(run.state, set())
        if self.expect(state.value in allowed or state.value == run.state, lambda: self.store.transition_run(run_id, state)):
            run.state = state.value

    @step(number=st.integers(0, 9), name=st.sampled_from(_NAMES), attempt=st.integers(1, 3))
    def begin_step(self, number: int, name: str, attempt: int) -> None:
        run_id = self.pick(number)
        run, known = self.runs[run_id], self.runs[run_id].steps[name]
        open_ = run.state in ("pending", "running") and known.state in ("pending", "running")
        again = attempt == known.attempt and known.under_way
        if self.expect(open_ and (attempt > known.attempt or again), lambda: self.store.begin_step(run_id, name, attempt)):
            known.state, known.attempt, known.under_way = "running", attempt, True

    @step(number=st.integers(0, 9), name=st.sampled_from(_NAMES), key=st.sampled_from(_KEYS))
    def commit(self, number: int, name: str, key: str) -> None:
        run_id = self.pick(number)
        known = self.runs[run_id].steps[name]
        commit = a_commit(run_id, name, attempt=max(known.attempt, 1), cache_key=key)
        if self.expect(known.under_way and known.state == "running", lambda: self.store.commit_step(commit)):
            known.state, known.under_way, known.key, known.output = "succeeded", False, key, commit.outputs[0].artifact.id
            self.order.append((run_id, name))

    @step(number=st.integers(0, 9), name=st.sampled_from(_NAMES))
    def fail(self, number: int, name: str) -> None:
        run_id = self.pick(number)
        known = self.runs[run_id].steps[name]
        if known.attempt and known.state == "running" and known.under_way:
            self.store.end_step(run_id, name, known.attempt, State.FAILED)
            known.state, known.under_way = "failed", False

    @step(number=st.integers(0, 9), name=st.sampled_from(_KEYS), value=st.integers(-5, 5))
    def note(self, number: int, name: str, value: Any) -> None:
        run_id = self.pick(number)
        self.store.put_metadata(run_id, {name: value})
        self.runs[run_id].facts[name] = value

    @step(number=st.integers(0, 9))
    def delete(self, number: int) -> None:
        run_id = self.pick(number)
        if len(self.runs) > 1 and self.expect(self.runs[run_id].state != "running", lambda: self.store.delete_run(run_id)):
            del self.runs[run_id]
            self.order = [place for place in self.order if place[0] != run_id]

    @invariant()
    def everything_is_as_it_should_be(self) -> None:
        """Compare states, attempts, facts, outputs and the cache."""
        for run_id, run in self.runs.items():
            assert self.store.get_run(run_id).state.value == run.state
            assert self.store.get_metadata(run_id) == run.facts
            for found in self.store.get_steps(run_id):
                known = run.steps[found.name]
                assert (found.state.value, found.attempt) == (known.state, known.attempt)
                assert [link.artifact.id for link in found.outputs] == ([known.output] if known.output else [])
        latest = {self.runs[run_id].steps[name].key: (run_id, name) for run_id, name in self.order}
        found_keys = {key: (hit.run_id, hit.name) for key, hit in self.store.find_cached(_KEYS).items()}
        assert found_keys == latest
