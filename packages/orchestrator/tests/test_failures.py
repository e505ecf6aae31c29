"""Failures: what they stop, what is told of them, and which are tried again."""

import itertools
import threading
import time

import pytest
from orchestrator_kit import KitLauncher, Told, plan, states, until

from dovetail_core import Failure, NotFound, Unavailable
from dovetail_core.jobs import RetryPolicy
from dovetail_orchestrator import StepPlan, StepResult, StepState


def fail(attempt, log):
    raise ValueError("on purpose")


def diamond(**more):
    before = {"a": "", "b": "a", "c": "a", "d": "bc", "e": "c"}
    return plan("r", *(StepPlan(name=name, upstream=tuple(upstream)) for name, upstream in before.items()), **more)


def test_continue_lets_independent_branches_go_on(orchestrator, launcher):
    launcher.here = {"b": fail}
    status = orchestrator.run(diamond(failure_mode="continue"), launcher)
    assert states(status) == {"a": "succeeded", "b": "failed", "c": "succeeded", "d": "skipped", "e": "succeeded"}
    assert status.state == "failed"
    assert status.steps["b"].failure == Failure("ValueError", "on purpose")
    assert "'b'" in status.steps["d"].reason


def test_fail_fast_stops_what_runs_and_what_has_not_begun(orchestrator, launcher):
    running = threading.Event()

    def endless(attempt, log):
        running.set()
        while True:
            time.sleep(0.01)

    launcher.here = {"b": lambda attempt, log: running.wait(20) and fail(attempt, log), "c": endless}
    status = orchestrator.run(diamond(), launcher)
    assert states(status) == {"a": "succeeded", "b": "failed", "c": "cancelled", "d": "skipped", "e": "cancelled"}
    assert status.state == "failed"
    assert "'b' failed" in status.steps["c"].reason
    assert launcher.final() == {"b": "failed", "c": "cancelled", "d": "skipped", "e": "cancelled"}


def test_fail_fast_stops_processes_as_well(orchestrator, launcher):
    launcher.programs = {"c": "time.sleep(600)"}
    launcher.here = {"b": lambda attempt, log: wait_for_start(launcher, "c") and fail(attempt, log)}
    began = time.monotonic()
    status = orchestrator.run(plan("r", "b", StepPlan(name="c", isolated=True)), launcher)
    assert states(status) == {"b": "failed", "c": "cancelled"}
    assert time.monotonic() - began < 60


def wait_for_start(launcher, step):
    until(lambda: step in launcher.executed())
    return True


def test_what_the_run_reports_is_what_another_instance_reads(orchestrator, make, launcher):
    launcher.here = {"b": fail}
    status = orchestrator.run(diamond(failure_mode="continue"), launcher)
    assert make().status("r") == status


def test_of_an_attempt_that_failed_the_launcher_is_told_once_and_of_success_not_at_all(orchestrator, launcher):
    launcher.here = {"b": fail}
    orchestrator.run(plan("r", "a", StepPlan(name="b", upstream=("a",)), StepPlan(name="c", upstream=("b",))), launcher)
    assert launcher.told == [
        Told("b", 1, StepState.FAILED, True, Failure("ValueError", "on purpose")),
        Told("c", 0, StepState.SKIPPED, True, None),
    ]


def test_attempts_are_repeated_until_one_succeeds(orchestrator, launcher):
    launcher.here = {"a": lambda attempt, log: fail(attempt, log) if attempt < 3 else None}
    status = orchestrator.run(plan("r", StepPlan(name="a", retry=RetryPolicy(retries=5, delay=0))), launcher)
    assert (status.state, status.steps["a"].attempt, status.steps["a"].failure) == ("succeeded", 3, None)
    assert [(told.attempt, told.final) for told in launcher.told] == [(1, False), (2, False)]


def test_attempts_end_with_the_retries(orchestrator, launcher):
    launcher.here = {"a": fail}
    status = orchestrator.run(plan("r", StepPlan(name="a", retry=RetryPolicy(retries=2, delay=0))), launcher)
    assert (status.state, status.steps["a"].attempt) == ("failed", 3)
    assert [(told.attempt, told.final) for told in launcher.told] == [(1, False), (2, False), (3, True)]


def test_the_wait_is_kept_between_all_attempts_and_grows(orchestrator, launcher):
    launcher.here = {"a": fail}
    orchestrator.run(plan("r", StepPlan(name="a", retry=RetryPolicy(retries=3, delay=0.1, backoff=2))), launcher)
    began = [event["at"] for event in launcher.events() if event["event"] == "start"]
    waits = [later - earlier for earlier, later in itertools.pairwise(began)]
    assert all(wait >= expected for wait, expected in zip(waits, (0.1, 0.2, 0.4), strict=True))


@pytest.mark.parametrize("mode", ["sequential", "threads"])
def test_other_steps_run_while_one_waits_for_its_next_attempt(make, launcher, mode):
    others = threading.Event()
    launcher.here = {"a": lambda attempt, log: None if others.is_set() else fail(attempt, log), "d": lambda attempt, log: others.set()}
    steps = StepPlan(name="a", retry=RetryPolicy(retries=1, delay=0.5)), StepPlan(name="b"), StepPlan(name="d", upstream=("b",))
    assert make(mode=mode).run(plan("r", *steps), launcher).state == "succeeded"


def test_while_it_waits_a_step_shows_why(orchestrator, launcher):
    launcher.here = {"a": fail}
    handle = orchestrator.submit(plan("r", StepPlan(name="a", retry=RetryPolicy(retries=1, delay=600))), launcher)
    until(lambda: handle.status().steps["a"].failure)
    step = handle.status().steps["a"]
    assert (step.state, step.attempt, step.failure.kind) == ("running", 1, "ValueError")
    assert "attempt 2" in step.reason
    handle.cancel()
    assert states(handle.status()) == {"a": "cancelled"}
    assert [(told.attempt, told.state, told.final) for told in launcher.told] == [(1, "failed", False), (1, "cancelled", True)]


def test_a_failure_that_says_so_is_not_tried_again(orchestrator, launcher):
    launcher.here = {"a": lambda attempt, log: StepResult(StepState.FAILED, Failure("ConfigError", "wrong"), retry=False)}
    status = orchestrator.run(plan("r", StepPlan(name="a", retry=RetryPolicy(retries=3, delay=0))), launcher)
    assert (status.steps["a"].state, status.steps["a"].attempt) == ("failed", 1)


@pytest.mark.parametrize("parallel", [False, True])
def test_an_exit_fails_the_step_and_is_not_tried_again(orchestrator, launcher, parallel):
    def leave(attempt, log):
        raise SystemExit(3)

    launcher.here = {"a": leave}
    step = StepPlan(name="a", retry=RetryPolicy(retries=3, delay=0))
    status = orchestrator.run(plan("r", step, *(["b"] if parallel else []), failure_mode="continue"), launcher)
    assert (status.state, status.steps["a"].attempt, status.steps["a"].failure.kind) == ("failed", 1, "SystemExit")


@pytest.mark.parametrize("parallel", [False, True])
def test_a_launcher_that_breaks_its_promise_fails_the_step_and_not_the_run(orchestrator, tmp_path, parallel):
    class Broken(KitLauncher):
        def __call__(self, step, attempt, log):
            if step == "raises":
                raise RuntimeError("broken")
            wrong = {"none": None, "running": StepResult(StepState.RUNNING)}
            return wrong[step] if step in wrong else super().__call__(step, attempt, log)

    broken = Broken(tmp_path / "l")
    names = ["raises", "none", "running"] if parallel else ["raises"]
    status = orchestrator.run(plan("r", *names, "good", failure_mode="continue"), broken)
    assert states(status) == {**dict.fromkeys(names, "failed"), "good": "succeeded"}
    assert status.steps["raises"].failure.kind == "RuntimeError"
    assert "broken" in status.steps["raises"].failure.traceback
    assert broken.final().keys() == set(names)


def test_a_record_that_is_away_for_a_while_is_told_when_it_is_back(orchestrator, tmp_path):
    class Away(KitLauncher):
        tries = 0

        def ended(self, *told):
            self.tries += 1
            if self.tries < 3:
                raise Unavailable("away")
            super().ended(*told)

    away = Away(tmp_path / "l", {"a": fail})
    assert orchestrator.run(plan("r", "a"), away).state == "failed"
    assert away.final() == {"a": "failed"}


def test_a_record_that_refuses_does_not_stop_the_run(orchestrator, tmp_path):
    class Refusing(KitLauncher):
        def ended(self, *told):
            raise NotFound("the run is gone")

    status = orchestrator.run(plan("r", "a", "b", failure_mode="continue"), Refusing(tmp_path / "l", {"a": fail}))
    assert states(status) == {"a": "failed", "b": "succeeded"}


def test_progress_is_told_of_every_change(orchestrator, launcher):
    launcher.here = {"b": fail}
    told = []
    orchestrator.run(
        plan("r", "a", StepPlan(name="b", upstream=("a",)), StepPlan(name="c", upstream=("b",))),
        launcher,
        on_progress=lambda status: told.append("".join(step.state.value[0] for step in status.steps.values())),
    )
    assert told == ["rpp", "spp", "srp", "sfp", "sfs"]


def test_a_listener_that_raises_changes_nothing(orchestrator, launcher):
    def listen(status):
        raise RuntimeError("listener")

    assert orchestrator.run(plan("r", "a"), launcher, on_progress=listen).state == "succeeded"
