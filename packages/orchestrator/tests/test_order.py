"""A step starts only after every step before it has succeeded, and never more run at once than may."""

import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orchestrator_kit import KitLauncher, chain, plan, states

from dovetail_core import Conflict
from dovetail_orchestrator import StepPlan, StepResult, StepState

MODES = ["sequential", "threads"]


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 30))
    before = [draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set() for number in range(size)]
    return [StepPlan(name=f"s{number}", upstream=tuple(f"s{other}" for other in others)) for number, others in enumerate(before)]


class Recorder(KitLauncher):
    """Notes the order of beginnings and ends in memory."""

    def __init__(self, directory, failing=()):
        super().__init__(directory, {name: self._fail for name in failing})
        self.noted = []

    def witness(self, step, attempt, event):
        self.noted.append((event, step))

    @staticmethod
    def _fail(attempt, log):
        raise ValueError("on purpose")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=graphs(), data=st.data(), mode=st.sampled_from(MODES), failure_mode=st.sampled_from(["continue", "fail_fast"]))
def test_random_graphs_run_in_order_and_failures_spread_to_what_is_below_only(make, tmp_path_factory, steps, data, mode, failure_mode):
    failing = data.draw(st.sets(st.sampled_from([step.name for step in steps]), max_size=3))
    shuffled = data.draw(st.permutations(steps))
    directory = tmp_path_factory.mktemp("graph")
    launcher = Recorder(directory, failing)
    status = make(mode=mode, max_parallel=3, path=directory / "runs").run(plan("r", *shuffled, failure_mode=failure_mode), launcher)

    upstream = {step.name: step.upstream for step in steps}
    began = [step for event, step in launcher.noted if event == "start"]
    assert len(began) == len(set(began))
    for name in began:
        at = launcher.noted.index(("start", name))
        assert all(status.steps[other].state.good and ("end", other) in launcher.noted[:at] for other in upstream[name])
    assert all(step.state.terminal for step in status.steps.values())
    below = set()
    for step in steps:
        if any(other in failing or other in below for other in step.upstream):
            below.add(step.name)
    if failure_mode == "continue":
        expected = {s.name: "skipped" if s.name in below else "failed" if s.name in failing else "succeeded" for s in steps}
        assert states(status) == expected
    else:
        assert all(status.steps[name].state != "succeeded" for name in below | failing)
    assert status.state == ("failed" if failing - below else "succeeded")
    assert launcher.final() == {name: step.state for name, step in status.steps.items() if not step.state.good}


@pytest.mark.parametrize("mode", MODES)
def test_a_chain_of_a_thousand_steps(make, launcher, mode):
    names = [str(number) for number in range(1000)]
    assert make(mode=mode).run(chain("r", names), launcher).state == "succeeded"
    assert launcher.executed() == names


def test_a_fan_out_of_five_hundred_steps_and_back_in(orchestrator, launcher):
    middle = [StepPlan(name=str(number), upstream=("first",)) for number in range(500)]
    last = StepPlan(name="last", upstream=tuple(step.name for step in middle))
    assert orchestrator.run(plan("r", "first", *middle, last), launcher).state == "succeeded"
    executed = launcher.executed()
    assert (executed[0], executed[-1], len(set(executed))) == ("first", "last", 502)


def test_an_empty_plan_has_succeeded(orchestrator, launcher):
    assert orchestrator.run(plan("r"), launcher).state == "succeeded"
    assert orchestrator.status("r").state == "succeeded"


@pytest.mark.parametrize(("settings_", "limit"), [({"mode": "sequential"}, 1), ({"max_parallel": 3}, 3), ({"max_parallel": 1}, 1)])
def test_never_more_steps_at_once_than_allowed_and_as_many_where_there_are(make, launcher, settings_, limit):
    lock, now, most = threading.Lock(), [0], [0]

    def step(attempt, log):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1

    names = [str(number) for number in range(12)]
    launcher.here = dict.fromkeys(names, step)
    assert make(**settings_).run(plan("r", *names), launcher).state == "succeeded"
    assert most[0] == limit


def test_independent_steps_really_run_at_the_same_time(orchestrator, launcher):
    meeting = threading.Barrier(4, timeout=20)
    launcher.here = dict.fromkeys("abcd", lambda attempt, log: meeting.wait() and None)
    assert orchestrator.run(plan("r", *"abcd"), launcher).state == "succeeded"


def test_a_step_that_is_alone_runs_in_the_thread_that_called_run(orchestrator, launcher):
    where = {}
    launcher.here = {name: lambda attempt, log, name=name: where.update({name: threading.get_ident()}) for name in "abc"}
    orchestrator.run(chain("r", "abc"), launcher)
    assert set(where.values()) == {threading.get_ident()}


def test_sequential_steps_run_in_the_thread_that_called_run(make, launcher):
    where = set()
    launcher.here = dict.fromkeys("abc", lambda attempt, log: where.add(threading.get_ident()))
    make(mode="sequential").run(plan("r", *"abc"), launcher)
    assert where == {threading.get_ident()}


def test_parallelism_is_declared_only_where_there_is_some(make):
    assert "parallel" in make().capabilities
    assert "parallel" not in make(mode="sequential").capabilities
    assert "parallel" not in make(max_parallel=1).capabilities


def test_a_cached_step_lets_the_next_one_start(orchestrator, launcher):
    launcher.here = {"a": lambda attempt, log: StepResult(StepState.CACHED)}
    status = orchestrator.run(chain("r", "ab"), launcher)
    assert (states(status), status.state) == ({"a": "cached", "b": "succeeded"}, "succeeded")


def test_a_submitted_run_goes_on_while_the_caller_does_something_else(orchestrator, launcher):
    go = threading.Event()
    launcher.here = {"a": lambda attempt, log: go.wait(20) and None}
    handle = orchestrator.submit(plan("r", "a"), launcher)
    assert not handle.status().state.terminal
    go.set()
    assert handle.wait(20).state == "succeeded"


def test_a_plan_that_is_submitted_again_is_not_executed_again(orchestrator, make, launcher):
    made = plan("r", "a")
    assert orchestrator.run(made, launcher).state == "succeeded"
    assert orchestrator.run(made, launcher).state == "succeeded"
    assert make().submit(made, launcher).wait(20).state == "succeeded"
    assert launcher.executed() == ["a"]


def test_another_plan_under_the_same_run_id_is_a_conflict(orchestrator, launcher):
    orchestrator.run(plan("r", "a"), launcher)
    with pytest.raises(Conflict, match="r"):
        orchestrator.run(plan("r", "b"), launcher)
    assert launcher.executed() == ["a"]


def test_of_many_that_submit_one_plan_at_once_one_executes_it(make, launcher):
    made = plan("r", "a", "b")
    together = threading.Barrier(8)
    ended = []

    def submit():
        together.wait()
        ended.append(make().run(made, launcher).state)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert ended == ["succeeded"] * 8
    assert sorted(launcher.executed()) == ["a", "b"]


def test_runs_of_one_orchestrator_do_not_mix(orchestrator, tmp_path):
    launchers = {f"r{number}": KitLauncher(tmp_path / f"l{number}") for number in range(10)}
    for number, launcher in enumerate(launchers.values()):
        launcher.here = {"b": lambda attempt, log, number=number: log.write(b"%d\n" % number)}
    handles = [orchestrator.submit(chain(run_id, "abc"), launcher) for run_id, launcher in launchers.items()]
    assert [handle.wait(30).state for handle in handles] == ["succeeded"] * 10
    assert all(launcher.executed() == ["a", "b", "c"] for launcher in launchers.values())
    assert [list(handle.logs("b")) for handle in handles] == [[str(number)] for number in range(10)]
