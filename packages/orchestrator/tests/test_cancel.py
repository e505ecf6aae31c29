"""Cancellation: in every state, from this process and from another, and it really stops user code."""

import contextvars
import subprocess
import sys
import threading
import time

import pytest
from orchestrator_kit import alive, plan, states, until
from test_processes import grandchild, isolated

from dovetail_core import NotFound, Timeout
from dovetail_orchestrator import StepInterrupted, StepPlan, StepState
from dovetail_orchestrator.attempts import ThreadAttempt
from dovetail_orchestrator.interruption import Interruptible
from dovetail_orchestrator.launching import CANCELLED, Task
from dovetail_orchestrator.memory import InMemoryOrchestrator
from dovetail_orchestrator.memory_log import MemoryLog
from dovetail_orchestrator.process_identity import TICK
from dovetail_orchestrator.processes import children_of_thread


def endless(attempt, log):
    while True:
        time.sleep(0.01)


def started(launcher, *steps):
    until(lambda: set(steps) <= set(launcher.executed()))


@pytest.fixture
def both(launcher, tmp_path):
    """A run of a process with a stubborn grandchild, of a thread, and of a step that waits for both."""
    launcher.programs = {"process": grandchild(tmp_path / "pid", then="witness('ready')\nwhile True: witness('work'); time.sleep(0.02)")}
    launcher.here = {"thread": endless}
    steps = isolated("process"), StepPlan(name="thread"), StepPlan(name="below", upstream=("process", "thread"))
    return plan("r", *steps)


def stopped(launcher, status):
    assert states(status) == {"process": "cancelled", "thread": "cancelled", "below": "cancelled"}
    assert status.state == "cancelled"
    pids = {event["pid"] for event in launcher.events() if event["step"] == "process"}
    assert not any(map(alive, pids))
    assert not alive(int((launcher.directory.parent / "pid").read_text()))


def test_cancel_stops_processes_grandchildren_and_threads_and_returns_when_it_has(orchestrator, launcher, both):
    handle = orchestrator.submit(both, launcher)
    until(lambda: any(event["event"] == "ready" for event in launcher.events()))
    started(launcher, "thread")
    handle.cancel()
    stopped(launcher, handle.status())
    assert launcher.final() == {"process": "cancelled", "thread": "cancelled", "below": "cancelled"}
    assert "cancelled" in handle.status().steps["below"].reason


def test_another_instance_cancels_as_well(orchestrator, make, launcher, both):
    handle = orchestrator.submit(both, launcher)
    until(lambda: any(event["event"] == "ready" for event in launcher.events()))
    started(launcher, "thread")
    make().cancel("r")
    stopped(launcher, handle.status())


CANCEL = "import sys; from dovetail_orchestrator.local import LocalOrchestrator; LocalOrchestrator(path=sys.argv[1], grace=1.0).cancel('r')"


def test_another_process_cancels_as_well(orchestrator, launcher, both):
    handle = orchestrator.submit(both, launcher)
    until(lambda: any(event["event"] == "ready" for event in launcher.events()))
    started(launcher, "thread")
    subprocess.run([sys.executable, "-c", CANCEL, str(orchestrator.config.path)], check=True, timeout=60)
    stopped(launcher, handle.status())


def test_a_step_that_blocks_in_the_main_thread_is_interrupted_there(orchestrator, launcher):
    launcher.here = {"a": lambda attempt, log: time.sleep(600)}
    threading.Thread(target=lambda: (started(launcher, "a"), orchestrator.cancel("r"))).start()
    status = orchestrator.run(plan("r", "a", StepPlan(name="b", upstream=("a",))), launcher)
    assert (states(status), status.state) == ({"a": "cancelled", "b": "cancelled"}, "cancelled")


def test_a_step_that_waits_for_a_process_it_started_is_interrupted(orchestrator, launcher, tmp_path):
    pid = tmp_path / "child"
    program = f"import os,time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    launcher.here = {"a": lambda attempt, log: subprocess.run([sys.executable, "-c", program], check=True), "b": endless}
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    until(lambda: pid.exists() and pid.read_text())
    handle.cancel()
    assert states(handle.status()) == {"a": "cancelled", "b": "cancelled"}
    assert not alive(int(pid.read_text()))
    assert [event["event"] for event in launcher.events() if event["step"] == "a"] == ["start", "end"]


class InterruptedWhileItBegins(InMemoryOrchestrator):
    """A signal comes while a run is submitted: before it is, or when it has begun."""

    begins = True

    def _submit(self, plan, launcher):
        if self.begins:
            super()._submit(plan, launcher)
        raise KeyboardInterrupt


def test_a_run_that_is_interrupted_while_it_begins_does_not_go_on(launcher, tmp_path, caplog):
    orchestrator = InterruptedWhileItBegins(space=str(tmp_path))
    launcher.here = {"a": endless}
    with pytest.raises(KeyboardInterrupt):
        orchestrator.run(plan("r", "a"), launcher)
    assert orchestrator.status("r").state == "cancelled"
    orchestrator.begins = False
    with pytest.raises(KeyboardInterrupt):
        orchestrator.run(plan("r2", "a"), launcher)
    assert not caplog.records


@pytest.mark.parametrize("does", ["exit 0", ":"], ids=["obeys", "ignores"])
def test_a_process_that_a_step_started_is_asked_once_and_has_ended_with_the_run(orchestrator, launcher, tmp_path, does):
    place, pid = tmp_path / "asked", tmp_path / "pid"
    program = f"trap 'echo asked >> {place}; sleep 0.2; {does}' TERM; echo $$ > {pid}; while :; do sleep 0.02; done"

    def step(attempt, log):
        process = subprocess.Popen(["bash", "-c", program])
        while process.poll() is None:
            time.sleep(0.1)

    launcher.here = {"a": step, "b": endless}
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    until(lambda: pid.exists() and pid.read_text())
    handle.cancel()
    assert (place.read_text(), alive(int(pid.read_text()))) == ("asked\n", False)


def test_what_is_started_just_before_or_after_a_step_is_not_its_own(orchestrator, launcher):
    launcher.here = {"a": lambda attempt, log: time.sleep(600)}
    with subprocess.Popen(["sleep", "0.7"]) as before:
        time.sleep(2 * TICK)
        threading.Thread(target=lambda: (started(launcher, "a"), orchestrator.cancel("r"))).start()
        assert orchestrator.run(plan("r", "a"), launcher).state == "cancelled"
        after = subprocess.run(["sleep", "0.7"])
    assert (before.returncode, after.returncode) == (0, 0)


def test_a_look_at_what_executes_finds_nothing_once_it_has_ended():
    place, began, go = Interruptible(), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: place.execute(lambda: (began.set(), go.wait(20))))
    thread.start()
    began.wait(20)

    def look():
        go.set()
        thread.join(0.3)
        return thread.is_alive()

    assert place.while_executing(look)  # it does not end meanwhile
    thread.join(20)
    assert place.while_executing(look) is None


class Slow(Interruptible):
    """Interrupts late, as it may happen where threads wait for a processor."""

    def interrupt(self):
        time.sleep(0.5)
        super().interrupt()


def test_a_step_is_interrupted_before_the_process_it_waits_for_ends(launcher):
    launcher.here = {"a": lambda attempt, log: subprocess.run(["sleep", "600"], check=True)}
    attempt = ThreadAttempt(Task(launcher, "a", 1, MemoryLog(1000), contextvars.copy_context()), grace=5.0)
    attempt.place = Slow()
    results = []
    thread = threading.Thread(target=lambda: results.append(attempt.execute()))
    thread.start()
    until(lambda: attempt.place.native_thread and children_of_thread(attempt.place.native_thread, 0.0))
    attempt.stop()
    thread.join(30)
    assert results == [CANCELLED]


def test_interruption_is_for_a_step_not_to_catch_but_to_tidy_up_after(orchestrator, launcher):
    seen = []

    def tidy(attempt, log):
        try:
            endless(attempt, log)
        except Exception:
            seen.append("caught")
        finally:
            seen.append("tidied")

    launcher.here = {"a": tidy, "b": endless}
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    started(launcher, "a", "b")
    handle.cancel()
    assert seen == ["tidied"]
    assert not issubclass(StepInterrupted, Exception)


def test_a_step_that_fails_for_being_interrupted_was_cancelled(orchestrator, launcher):
    def fail(attempt, log):
        try:
            endless(attempt, log)
        except BaseException:
            raise ValueError("while tidying up") from None

    launcher.here = {"a": fail, "b": fail}
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    started(launcher, "a", "b")
    handle.cancel()
    assert states(handle.status()) == {"a": "cancelled", "b": "cancelled"}


def test_a_thread_that_does_not_stop_is_given_up_and_its_step_does_not_stay_running(make, launcher):
    go = threading.Event()

    def deaf(attempt, log):
        while not go.is_set():
            try:
                time.sleep(0.01)
            except BaseException:
                continue

    launcher.here = {"a": deaf, "b": deaf}
    orchestrator = make(grace=0, max_parallel=2)
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    started(launcher, "a", "b")
    handle.cancel()
    status = handle.status()
    go.set()
    assert (states(status), status.state) == ({"a": "cancelled", "b": "cancelled"}, "cancelled")
    until(lambda: len([event for event in launcher.events() if event["event"] == "end"]) == 2)
    assert handle.status() == status
    assert launcher.final() == {"a": "cancelled", "b": "cancelled"}


def test_a_step_that_cannot_be_stopped_in_the_driving_thread_is_said_to_be_so(make, launcher):
    def deaf(attempt, log):
        until(go.is_set, 60)

    go = threading.Event()
    launcher.here = {"a": lambda attempt, log: swallow(deaf, attempt, log)}

    def swallow(call, attempt, log):
        while not go.is_set():
            try:
                call(attempt, log)
            except BaseException:
                continue

    orchestrator = make(grace=0)
    threading.Thread(target=orchestrator.run, args=(plan("r", "a"), launcher)).start()
    started(launcher, "a")
    with pytest.raises(Timeout, match="isolated"):
        orchestrator.cancel("r")
    go.set()
    assert orchestrator.wait("r", 20).state.terminal


@pytest.mark.parametrize("mode", ["sequential", "threads"])
def test_the_only_step_of_a_submitted_run_is_given_up_as_any_other_when_it_blocks(make, launcher, mode):
    go = threading.Event()
    launcher.here = {"a": lambda attempt, log: go.wait(60) and None}
    handle = make(grace=0, mode=mode).submit(plan("r", "a", StepPlan(name="b", upstream=("a",))), launcher)
    started(launcher, "a")
    handle.cancel()
    assert states(handle.status()) == {"a": "cancelled", "b": "cancelled"}
    go.set()
    until(lambda: len(launcher.events()) == 2)
    assert states(handle.status()) == {"a": "cancelled", "b": "cancelled"}


def test_a_step_that_succeeded_while_it_was_cancelled_has_succeeded(orchestrator, launcher):
    finished = threading.Event()

    def late(attempt, log):
        launcher._commit_file("a", attempt).touch()
        finished.set()
        endless(attempt, log)

    launcher.here = {"a": late, "b": endless}
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    finished.wait(20)
    started(launcher, "b")
    handle.cancel()
    assert (states(handle.status()), handle.status().state) == ({"a": "succeeded", "b": "cancelled"}, "cancelled")


def test_a_run_that_has_ended_stays_as_it_is(orchestrator, make, launcher):
    launcher.here = {"a": lambda attempt, log: 1 / 0}
    for run_id, steps in (("good", "b"), ("bad", "a")):
        before = orchestrator.run(plan(run_id, steps), launcher)
        orchestrator.cancel(run_id)
        make().cancel(run_id)
        assert orchestrator.status(run_id) == before


def test_cancel_may_be_called_often_and_by_many(orchestrator, make, launcher):
    launcher.here = {"a": endless, "b": endless}
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    errors = []

    def cancel(component):
        try:
            for _ in range(2):
                component.cancel("r")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=cancel, args=(component,)) for component in [orchestrator, make()] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert states(handle.status()) == {"a": "cancelled", "b": "cancelled"}
    assert sorted(told.step for told in launcher.told) == ["a", "b"]


@pytest.mark.parametrize("alone", [True, False])
def test_a_step_may_cancel_its_own_run(orchestrator, launcher, alone):
    launcher.here = {"a": lambda attempt, log: orchestrator.cancel("r"), "b": endless}
    status = orchestrator.run(plan("r", *("a" if alone else "ab"), StepPlan(name="c", upstream=("a",))), launcher)
    assert set(states(status).values()) == {"cancelled"} and status.state == "cancelled"


def test_states_only_advance_while_a_run_is_cancelled(orchestrator, make, launcher):
    launcher.here = dict.fromkeys("abcd", endless)
    reader, seen = make(), []
    handle = orchestrator.submit(plan("r", *"abcdef"), launcher)
    over = threading.Event()

    def look():
        while not over.is_set():
            seen.append(reader.status("r"))

    thread = threading.Thread(target=look)
    thread.start()
    started(launcher, "a")
    handle.cancel()
    over.set()
    thread.join()
    order = [StepState.PENDING, StepState.RUNNING, StepState.CANCELLED]
    for name in "abcdef":
        ranks = [order.index(status.steps[name].state) for status in seen]
        assert ranks == sorted(ranks)
    ranks = [order.index(status.state) for status in seen]
    assert ranks == sorted(ranks)
    assert all(not status.state.terminal or all(step.state.terminal for step in status.steps.values()) for status in seen)


def test_nothing_that_is_cancelled_holds_back_the_next_run(make, launcher):
    orchestrator = make(max_parallel=1)
    launcher.here = {"a": endless}
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    started(launcher, "a")
    handle.cancel()
    assert orchestrator.run(plan("next", "b"), launcher).state == "succeeded"


@pytest.mark.parametrize("unknown", ["nothing", "x" * 100])
def test_an_unknown_run_cannot_be_cancelled(orchestrator, unknown):
    with pytest.raises(NotFound):
        orchestrator.cancel(unknown)


def test_what_was_submitted_is_found_by_its_id(orchestrator, make, launcher):
    go = threading.Event()
    launcher.here = {"a": lambda attempt, log: go.wait(20) and None}
    orchestrator.submit(plan("r", "a"), launcher)
    attached = make().attach("r")
    go.set()
    assert attached.wait(20).state == "succeeded"
