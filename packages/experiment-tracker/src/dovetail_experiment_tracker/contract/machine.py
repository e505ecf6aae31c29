"""Whatever is done, a tracker is lists of points and dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition
from hypothesis.stateful import rule as step

from dovetail_conformance import Effort, rule, run_machine
from dovetail_core.errors import Conflict, NotFound
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.contract.harness import ExperimentTrackerHarness
from dovetail_experiment_tracker.contract.samples import moment, same
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import MetricPoint, RunStatus
from dovetail_experiment_tracker.run import Run

_KEY = st.sampled_from(["a", "A", "a/b", "x y"])
_STEP = st.one_of(st.integers(-2, 4), st.sampled_from([2**63 - 1, -(2**63)]))
_VALUE = st.one_of(st.floats(width=32, allow_subnormal=False), st.integers(-5, 5))
_PARAM = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["1", "svm", "", "null"]), st.lists(st.integers(0, 2), max_size=2)
)


class MachineRules:
    """The rule about everything at once."""

    @rule("ET-32", severity=1, kind="machine")
    def test_a_tracker_holds_what_was_logged(self, harness: ExperimentTrackerHarness, effort: Effort, seed: int) -> None:
        """Whatever sequence of calls is made, a tracker holds the points, parameters, tags and states that plain lists and mappings would hold."""
        run_machine(lambda: TrackerMachine(harness.make()), effort, seed, harness=harness)


class _Held:
    """What a run must have."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.status = RunStatus.RUNNING
        self.points: list[tuple[str, int, float, int]] = []
        self.params: dict[str, Any] = {}
        self.tags: dict[str, str] = {}

    def history(self, key: str) -> list[tuple[int, float]]:
        """Return steps and values of a metric, in order."""
        mine = [point for point in self.points if point[0] == key]
        return [(step, value) for _, step, value, _ in sorted(mine, key=lambda point: (point[1], point[3]))]


class TrackerMachine(RuleBasedStateMachine):
    """Does the same to a tracker and to lists, and compares."""

    def __init__(self, tracker: ExperimentTracker) -> None:
        super().__init__()
        self.tracker = tracker
        self.runs: list[_Held] = []
        self.clock: int = 0

    def teardown(self) -> None:
        for held in self.runs:
            held.run.end()
        self.tracker.close()

    def chosen(self, number: int) -> _Held:
        """Return one of the runs."""
        return self.runs[number % len(self.runs)]

    def logged(self, held: _Held, call: Callable[[], object]) -> bool:
        """Make a call that logs, and tell whether it was accepted: it must be, while the run is running."""
        try:
            call()
        except Conflict:
            assert held.status.ended, "logging to a running run was a conflict"
            return False
        assert not held.status.ended, "logging to a run that has ended was accepted"
        return True

    @initialize()
    def start_two(self) -> None:
        self.start()
        self.start()

    @precondition(lambda self: len(self.runs) < 4)
    @step()
    def start(self) -> None:
        self.runs.append(_Held(self.tracker.start_run(experiment="machine")))

    @precondition(lambda self: self.runs)
    @step(number=st.integers(0, 3), points=st.lists(st.tuples(_KEY, _STEP, _VALUE), min_size=1, max_size=9))
    def log(self, number: int, points: list[tuple[str, int, float]]) -> None:
        held = self.chosen(number)
        made = []
        for key, at, value in points:
            self.clock += 1
            made.append((key, at, float(value), self.clock))
        if self.logged(held, lambda: held.run.log_points([MetricPoint(key, value, at, moment(clock)) for key, at, value, clock in made])):
            held.points += made

    @precondition(lambda self: self.runs)
    @step(number=st.integers(0, 3), params=st.dictionaries(_KEY, _PARAM, max_size=8))
    def log_params(self, number: int, params: dict[str, Any]) -> None:
        held = self.chosen(number)
        other = any(key in held.params and not same(held.params[key], value) for key, value in params.items())
        try:
            held.run.log_params(params)
        except Conflict:
            assert other or held.status.ended, f"{params} was a conflict, beside {held.params}"
            return
        assert not other and not held.status.ended, f"{params} was no conflict, beside {held.params}"
        held.params.update(params)

    @precondition(lambda self: self.runs)
    @step(number=st.integers(0, 3), tags=st.dictionaries(_KEY, st.sampled_from(["", "1", "é"]), max_size=3))
    def set_tags(self, number: int, tags: dict[str, str]) -> None:
        held = self.chosen(number)
        if self.logged(held, lambda: held.run.set_tags(tags)):
            held.tags.update(tags)

    @precondition(lambda self: self.runs)
    @step(number=st.integers(0, 3), status=st.sampled_from([RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED]))
    def end(self, number: int, status: RunStatus) -> None:
        held = self.chosen(number)
        held.run.end(status)
        held.status = held.status if held.status.ended else status

    @precondition(lambda self: self.runs)
    @step(number=st.integers(0, 3))
    def resume(self, number: int) -> None:
        held = self.chosen(number)
        if Capability.RESUME in self.tracker.capabilities:
            held.run = self.tracker.start_run(resume=held.run)
            held.status = RunStatus.RUNNING

    @precondition(lambda self: self.runs)
    @step(number=st.integers(0, 3))
    def delete(self, number: int) -> None:
        held = self.chosen(number)
        held.run.end()
        self.tracker.delete_run(held.run.id)
        self.runs.remove(held)
        try:
            self.tracker.get_run(held.run.id)
        except NotFound:
            return
        raise AssertionError("a run that was deleted is there")

    @invariant()
    def everything_is_there(self) -> None:
        """Compare every run."""
        self.tracker.flush()
        for held in self.runs:
            record = self.tracker.get_run(held.run.id)
            assert record.status is held.status
            assert (record.ended is not None) == held.status.ended
            assert same(dict(record.params), held.params), f"{record.params} and not {held.params}"
            assert {key: record.tags.get(key) for key in held.tags} == held.tags
            self.compare_metrics(held, record.latest)

    def compare_metrics(self, held: _Held, latest: Any) -> None:
        """Compare the histories and the latest points of a run."""
        keys = {point[0] for point in held.points}
        assert latest.keys() == keys, f"{sorted(latest)} and not {sorted(keys)}"
        for key in keys:
            wanted = held.history(key)
            came = [(point.step, point.value) for point in self.tracker.metric_history(held.run.id, key)]
            assert same(came, wanted), f"{key}: {came} and not {wanted}"
            assert same((latest[key].step, latest[key].value), wanted[-1]), f"{key}: {latest[key]} and not {wanted[-1]}"
