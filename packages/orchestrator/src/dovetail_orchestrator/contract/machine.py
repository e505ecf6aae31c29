"""Whatever happens in whatever order, a run is what a plain function over its graph says."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition
from hypothesis.stateful import rule as step

from dovetail_conformance import Effort, Harness, RuleFailure, rule, run_machine
from dovetail_orchestrator.capabilities import OrchestratorCapability as Capability
from dovetail_orchestrator.contract.launcher import Act
from dovetail_orchestrator.contract.stage import Going, Stage, plan_of, states
from dovetail_orchestrator.plan import StepState

_SIZE = 7
_RUNS = 2
"""Runs of one example."""
_PATIENCE = 10.0
_PAUSE = 0.003
_ENDS: Mapping[str, Sequence[Act]] = {"good": [], "bad": [["fail", "ValueError", "on purpose"]]}


class MachineRules:
    """The rule about everything at once."""

    @rule("OR-41", severity=1, kind="machine")
    def test_a_run_is_what_its_graph_says(self, harness: Harness, effort: Effort, seed: int) -> None:
        """Whatever graph is run, in whatever order its attempts succeed and fail, and whenever it is cancelled, the states are what a plain function says.

        Every step waits until it is told how to end, so that nothing depends on time; the function sees the graph, the policies and
        what was told, and nothing of the orchestrator.
        """
        run_machine(lambda: RunMachine(harness), effort, seed, harness=harness, shrink=False)


@dataclass
class Story:
    """What a run was given, and what has happened to it."""

    graph: Mapping[str, tuple[str, ...]]
    retries: Mapping[str, int]
    fail_fast: bool
    ends: list[tuple[str, str]] = field(default_factory=list)
    """Steps and how an attempt of each ended, in order."""
    cancelled: bool = False


def expected(story: Story) -> dict[str, str]:
    """Return the state that each step must have: `open` for what executes, or may as soon as there is room."""
    found: dict[str, str] = {}
    failures = dict.fromkeys(story.graph, 0)
    for name, end in story.ends:
        failures[name] += end != "good"
        if end == "good":
            found[name] = "succeeded"
        elif failures[name] > story.retries[name]:
            found[name] = "failed"
            found |= dict.fromkeys(below(story.graph, name) - found.keys(), "skipped")
    stopped = story.cancelled or (story.fail_fast and "failed" in found.values())
    for name, upstream in story.graph.items():
        ready = all(found.get(up) == "succeeded" for up in upstream)
        found.setdefault(name, "cancelled" if stopped else "open" if ready else "pending")
    return found


def below(graph: Mapping[str, Iterable[str]], name: str) -> set[str]:
    """Return everything that comes after a step."""
    nearest = {other for other, upstream in graph.items() if name in upstream}
    return nearest.union(*(below(graph, other) for other in nearest))


class RunMachine(RuleBasedStateMachine):
    """Tells the steps of runs how to end, and compares."""

    def __init__(self, harness: Any) -> None:
        super().__init__()
        self.stage: Stage = Stage(harness, harness.make())
        self.runs: int = 0
        self.limit = harness.capacity if Capability.PARALLEL in self.stage.orchestrator.capabilities else 1
        self.can_retry: bool = Capability.RETRY in self.stage.orchestrator.capabilities

    def teardown(self) -> None:
        with self.stage.orchestrator, self.stage:
            pass

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.start(data)

    @precondition(lambda self: self.over and self.runs < _RUNS)
    @step(data=st.data())
    def begin_another(self, data: st.DataObject) -> None:
        self.start(data)

    @precondition(lambda self: self.over)
    @step()
    def look_again(self) -> None:
        """Do nothing: what is over stays as it is."""

    def start(self, data: st.DataObject) -> None:
        self.runs += 1
        names = [f"s{number}" for number in range(data.draw(st.integers(1, _SIZE)))]
        graph = {
            name: tuple(data.draw(st.sets(st.sampled_from(names[:place]), max_size=3))) if place else () for place, name in enumerate(names)
        }
        retries = {name: data.draw(st.integers(0, 2)) if self.can_retry else 0 for name in names}
        self.story: Story = Story(graph, retries, data.draw(st.booleans()))
        policies = {name: {"retry": {"retries": count, "delay": 0}} for name, count in retries.items() if count}
        plan = plan_of(graph, failure_mode="fail_fast" if self.story.fail_fast else "continue", **policies)
        self.run: Going = self.stage.begin(plan, {name: [[["ask"]]] for name in names})

    @property
    def over(self) -> bool:
        """Whether the run must have ended."""
        return not set(expected(self.story).values()) & {"open", "pending"}

    def executing(self) -> list[tuple[str, int]]:
        """Return the attempts that wait to be told how to end."""
        told = [name for name, _ in self.story.ends]
        seen = {(one.step, one.attempt) for one in self.run.launcher.events("start")}
        return sorted((name, attempt) for name, attempt in seen if attempt > told.count(name) and expected(self.story)[name] == "open")

    @precondition(lambda self: not self.over)
    @step(number=st.integers(0, _SIZE), end=st.sampled_from(["good", "good", "bad"]))
    def end_an_attempt(self, number: int, end: str) -> None:
        attempts = self.executing()
        name, attempt = attempts[number % len(attempts)]
        self.run.launcher.answer(name, attempt, _ENDS[end])
        self.story.ends.append((name, end))

    @precondition(lambda self: not self.over and len(self.story.ends) > 1)
    @step()
    def cancel(self) -> None:
        self.run.cancel(self.stage.harness.stopping)
        self.story.cancelled = True

    @invariant()
    def everything_is_as_it_should_be(self) -> None:
        """Compare the states with what the function says, once what was told has been done."""
        wanted = expected(self.story)
        open_ = [name for name, state in wanted.items() if state == "open"]
        deadline = time.monotonic() + _PATIENCE
        while not self.settled(wanted, len(open_)):
            if time.monotonic() > deadline:
                came = f"after {_PATIENCE:g} s the states are {states(self.run.status())}, and these execute: {self.executing()}"
                raise RuleFailure(f"ran {self.story}", came, f"they must come to be {wanted}")
            self.run.changed.wait(_PAUSE)
            self.run.changed.clear()
        assert set(self.run.launcher.steps()) <= {name for name, state in wanted.items() if state not in ("pending", "skipped")}
        status = self.run.status()
        assert status.state.terminal == self.over
        if self.over:
            assert status == self.run.ended()
            assert status.state is self.outcome(wanted)

    def settled(self, wanted: Mapping[str, str], ready: int) -> bool:
        """Tell whether the run has come to where it must come, which takes a moment."""
        found = states(self.run.status())
        alike = all(found[name] == state for name, state in wanted.items() if state != "open")
        return alike and len(self.executing()) == min(self.limit, ready) and self.run.status().state.terminal == (not ready)

    def outcome(self, wanted: Mapping[str, str]) -> StepState:
        """Return the state of the run when all has ended."""
        found = set(wanted.values())
        if found == {"succeeded"}:
            return StepState.SUCCEEDED
        return StepState.CANCELLED if self.story.cancelled and "cancelled" in found else StepState.FAILED
