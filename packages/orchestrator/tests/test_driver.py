"""The process that executes a run: Ctrl-C in it, its death, and what others see of it."""

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from orchestrator_kit import KitLauncher, alive, chain, plan, states, until
from test_processes import grandchild

from dovetail_core import IntegrityError, NotFound
from dovetail_orchestrator import StepPlan
from dovetail_orchestrator.local import LocalOrchestrator

DRIVER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may be run where it is ignored
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from dovetail_orchestrator import StepPlan
from dovetail_orchestrator.local import LocalOrchestrator
from orchestrator_kit import KitLauncher, chain, plan
directory = Path(sys.argv[2])
launcher = KitLauncher(directory / "launcher")
orchestrator = LocalOrchestrator(path=directory / "runs", grace=1.0, max_parallel=2)
def endless(attempt, log):
    log.write(b"still here")
    while True:
        time.sleep(0.01)
def show(status):
    print({name: step.state.value for name, step in status.steps.items()}, status.state.value, flush=True)
try:
    %s
except KeyboardInterrupt:
    show(orchestrator.status("r"))
    for told in launcher.told:
        print("told", told.step, told.attempt, told.state.value, flush=True)
    sys.exit(130)
"""


RUN_ISOLATED = 'orchestrator.run(plan("r", StepPlan(name="a", isolated=True)), launcher)'


def drive(tmp_path, code):
    """Start a process that executes some code with an orchestrator and a launcher."""
    arguments = [sys.executable, "-c", DRIVER % code.strip().replace("\n", "\n    "), str(Path(__file__).parent), str(tmp_path)]
    return subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.fixture
def observer(tmp_path):
    return LocalOrchestrator(path=tmp_path / "runs", grace=1.0)


def until_started(launcher, *steps):
    until(lambda: set(steps) <= set(launcher.executed()))


def test_a_killed_driver_is_noticed_and_no_step_stays_running(tmp_path, observer, launcher):
    driver = drive(tmp_path, """launcher.here = {"b": endless}; orchestrator.run(chain("r", "abc"), launcher)""")
    until_started(launcher, "b")
    until(lambda: list(observer.logs("r", "b")))
    assert states(observer.status("r")) == {"a": "succeeded", "b": "running", "c": "pending"}
    driver.kill()  # not reaped yet: a zombie is dead as well
    until(lambda: not alive(driver.pid))
    status = observer.status("r")
    assert (states(status), status.state) == ({"a": "succeeded", "b": "failed", "c": "skipped"}, "failed")
    assert status.steps["b"].failure.kind == status.failure.kind == "Lost"
    assert list(observer.logs("r", "b")) == ["still here"]
    assert observer.wait("r", 5) == status
    driver.communicate()
    observer.cancel("r")
    assert observer.status("r") == status


def test_a_run_whose_last_line_is_missing_is_what_its_steps_are(tmp_path, observer):
    drive(tmp_path, """orchestrator.run(chain("r", "ab"), launcher)""").communicate()
    journal = tmp_path / "runs" / "r" / "journal"
    *lines, last = journal.read_text().splitlines(keepends=True)
    assert json.loads(last) == {"end": "succeeded"}
    journal.write_text("".join(lines))
    status = observer.status("r")
    assert (states(status), status.state, status.failure) == ({"a": "succeeded", "b": "succeeded"}, "succeeded", None)


def test_nothing_of_a_killed_driver_goes_on(tmp_path, observer, launcher):
    program = grandchild(tmp_path / "pid", then="witness('ready')\nwhile True: witness('work'); time.sleep(0.02)")
    driver = drive(tmp_path, f"""launcher.programs = {{"a": {program!r}}}; {RUN_ISOLATED}""")
    until(lambda: any(event["event"] == "ready" for event in launcher.events()))
    driver.kill()
    driver.communicate()
    step = launcher.events()[0]["pid"]
    until(lambda: not alive(step) and not alive(int((tmp_path / "pid").read_text())))
    assert observer.status("r").state == "failed"


@pytest.mark.parametrize("moment", range(6))
def test_a_run_is_whole_whenever_its_driver_is_killed(tmp_path, observer, launcher, moment):
    driver = drive(tmp_path, """launcher.here = {}; orchestrator.run(plan("r", *[str(n) for n in range(400)]), launcher)""")
    until(lambda: (tmp_path / "runs" / "r").exists())
    time.sleep(0.004 * moment)  # any moment will do
    driver.kill()
    driver.communicate()
    status = observer.status("r")
    assert status.state.terminal and all(step.state.terminal for step in status.steps.values())
    committed = {name for name in status.steps if launcher.result(name, 1)}
    assert {name for name, step in status.steps.items() if step.state == "succeeded"} <= committed


def test_a_step_cannot_read_what_is_typed_into_the_driver(tmp_path, observer):
    driver = drive(tmp_path, f"""launcher.programs = {{"a": "print(repr(sys.stdin.read())); commit()"}}; {RUN_ISOLATED}""")
    driver.wait(60)
    driver.communicate()
    assert list(observer.logs("r", "a")) == ["''"]


def test_a_driver_that_does_not_react_is_killed_when_its_run_is_cancelled(tmp_path, observer, launcher):
    driver = drive(tmp_path, """launcher.here = {"a": endless}; orchestrator.run(plan("r", "a"), launcher)""")
    until_started(launcher, "a")
    driver.send_signal(signal.SIGSTOP)
    observer.cancel("r")
    status = observer.status("r")
    assert (states(status), status.state) == ({"a": "cancelled"}, "cancelled")
    assert driver.wait(20) == -signal.SIGKILL
    driver.communicate()


def test_a_run_is_cancelled_while_the_driver_executes_a_step_itself(tmp_path, observer, launcher):
    code = """launcher.here = {"a": lambda attempt, log: time.sleep(600)}; show(orchestrator.run(plan("r", "a"), launcher))"""
    driver = drive(tmp_path, code)
    until_started(launcher, "a")
    observer.cancel("r")
    output, errors = driver.communicate(timeout=60)
    assert (output.strip(), errors, driver.returncode) == ("{'a': 'cancelled'} cancelled", "", 0)


@pytest.mark.parametrize("steps", ['"a"', '"a", "b"'])
def test_ctrl_c_stops_everything_tells_the_launcher_and_reaches_the_caller(tmp_path, launcher, steps):
    code = f"""launcher.here = dict.fromkeys("ab", endless)
orchestrator.run(plan("r", {steps}, StepPlan(name="c", upstream=("a",))), launcher)"""
    driver = drive(tmp_path, code)
    until_started(launcher, *steps.replace('"', "").split(", "))
    driver.send_signal(signal.SIGINT)
    output, errors = driver.communicate(timeout=60)
    assert (driver.returncode, errors) == (130, "")
    first, *told = output.splitlines()
    assert "running" not in first and first.endswith("} cancelled")
    assert "told c 0 cancelled" in told and "told a 1 cancelled" in told


def test_where_ctrl_c_is_ignored_it_stays_so_and_a_step_that_blocks_can_be_cancelled_all_the_same(tmp_path, observer, launcher):
    code = """signal.signal(signal.SIGINT, signal.SIG_IGN)
launcher.here = {"a": lambda attempt, log: time.sleep(600)}
show(orchestrator.run(plan("r", "a"), launcher))"""
    driver = drive(tmp_path, code)
    until_started(launcher, "a")
    driver.send_signal(signal.SIGINT)
    observer.cancel("r")
    output, errors = driver.communicate(timeout=60)
    assert (output.strip(), errors, driver.returncode) == ("{'a': 'cancelled'} cancelled", "", 0)


def test_ctrl_c_ends_processes_too(tmp_path, launcher):
    program = grandchild(tmp_path / "pid", then="witness('ready')\ntime.sleep(600)")
    driver = drive(tmp_path, f"""launcher.programs = {{"a": {program!r}}}; {RUN_ISOLATED}""")
    until(lambda: any(event["event"] == "ready" for event in launcher.events()))
    driver.send_signal(signal.SIGINT)
    output, _ = driver.communicate(timeout=60)
    assert (driver.returncode, output.splitlines()[0]) == (130, "{'a': 'cancelled'} cancelled")
    assert not alive(launcher.events()[0]["pid"]) and not alive(int((tmp_path / "pid").read_text()))


def test_ctrl_c_is_not_tried_again(tmp_path, launcher):
    code = """from dovetail_core.jobs import RetryPolicy
launcher.here = {"a": endless}
orchestrator.run(plan("r", StepPlan(name="a", retry=RetryPolicy(retries=5, delay=0))), launcher)"""
    driver = drive(tmp_path, code)
    until_started(launcher, "a")
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=60)
    assert launcher.executed() == ["a"]


@pytest.mark.parametrize("steps", ["a", "ab"])
def test_a_keyboard_interrupt_that_a_step_raises_is_one(orchestrator, launcher, steps):
    def interrupt(attempt, log):
        raise KeyboardInterrupt

    launcher.here = {"a": interrupt}
    with pytest.raises(KeyboardInterrupt):
        orchestrator.run(plan("r", *steps, StepPlan(name="c", upstream=("a",))), launcher)
    status = orchestrator.status("r")
    assert (status.steps["a"].state, status.steps["c"].state, status.state) == ("cancelled", "cancelled", "cancelled")


def test_somebody_elses_handler_of_ctrl_c_stays(orchestrator, launcher):
    def handler(number, frame):
        pass

    before = signal.signal(signal.SIGINT, handler)
    try:
        launcher.here = {"a": lambda attempt, log: seen.append(signal.getsignal(signal.SIGINT))}
        seen = []
        orchestrator.run(plan("r", "a"), launcher)
        assert seen == [handler] and signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    orchestrator.run(plan("s", "b"), launcher)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_exception_that_somebody_elses_handler_raises_leaves_no_step_running(orchestrator, launcher):
    class Alarm(BaseException):
        pass

    def ring(number, frame):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        go = threading.Event()
        launcher.here = {"a": lambda attempt, log: go.wait(60) and None, "b": lambda attempt, log: go.wait(60) and None}
        threading.Thread(target=lambda: (until_started(launcher, "a", "b"), os.kill(os.getpid(), signal.SIGALRM), go.set())).start()
        with pytest.raises(Alarm):
            orchestrator.run(plan("r", "a", "b", "c", "d", "e", StepPlan(name="f", upstream=("a",))), launcher)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert all(step.state.terminal for step in orchestrator.status("r").steps.values())


def test_the_process_may_end_only_after_a_run_that_it_submitted(tmp_path, observer, launcher):
    code = """import threading
go = threading.Event()
launcher.here = {"a": lambda attempt, log: go.wait(20) and None}
orchestrator.submit(plan("r", "a", StepPlan(name="b", upstream=("a",))), launcher)
threading.Timer(0.3, go.set).start()"""
    driver = drive(tmp_path, code)
    driver.communicate(timeout=60)
    assert states(observer.status("r")) == {"a": "succeeded", "b": "succeeded"}


def test_what_is_started_once_a_run_was_cancelled_is_not_ended_with_it(tmp_path):
    """A process that cancels for the first time still loads what ends processes when the step has ended already."""
    code = """import subprocess
launcher.here = {"a": endless}
show(orchestrator.run(plan("r", "a"), launcher))
print(subprocess.run(["sleep", "0.7"]).returncode)"""
    places = [tmp_path / str(number) for number in range(5)]
    drivers = [drive(place, code) for place in places]
    for place in places:
        until_started(KitLauncher(place / "launcher"), "a")
        LocalOrchestrator(path=place / "runs").cancel("r")
    assert [driver.communicate(timeout=60) for driver in drivers] == [("{'a': 'cancelled'} cancelled\n0\n", "")] * 5


def test_a_run_of_a_process_whose_id_another_one_has_now_is_over(orchestrator, make, launcher):
    orchestrator.run(plan("r", "a"), launcher)
    journal = orchestrator.config.path / "r" / "journal"
    first = json.loads(journal.read_text().splitlines()[0])
    first["driver"]["started"] = first["driver"]["started"][:-1] + "x"
    journal.write_text(json.dumps(first) + "\n")
    assert make().status("r").state == "failed"


def test_a_run_of_another_machine_is_shown_as_recorded(orchestrator, make, launcher):
    orchestrator.run(plan("r", "a"), launcher)
    journal = orchestrator.config.path / "r" / "journal"
    first = json.loads(journal.read_text().splitlines()[0])
    first["driver"] = {"host": "elsewhere", "pid": 1, "started": "then"}
    journal.write_text(json.dumps(first) + "\n" + '{"s":0,"e":"running","a":1}\n')
    assert make().status("r").state == "running"


def test_an_event_that_is_being_written_is_not_read(orchestrator, make, launcher):
    orchestrator.run(plan("r", "a"), launcher)
    journal = orchestrator.config.path / "r" / "journal"
    journal.write_bytes(journal.read_bytes() + b'{"s":0,"e":"fai')
    assert make().status("r").state == "succeeded"


def test_a_terminal_state_stands_whatever_is_written_after_it(orchestrator, make, launcher):
    orchestrator.run(plan("r", "a"), launcher)
    journal = orchestrator.config.path / "r" / "journal"
    journal.write_bytes(journal.read_bytes() + b'{"s":0,"e":"running","a":2}\n')
    assert make().status("r").steps["a"] == orchestrator.status("r").steps["a"]
    assert states(make().status("r")) == {"a": "succeeded"}


def test_a_damaged_journal_is_said_to_be_so_with_its_path(orchestrator, make, launcher):
    orchestrator.run(plan("r", "a"), launcher)
    journal = orchestrator.config.path / "r" / "journal"
    journal.write_bytes(b"\x00\x01" + journal.read_bytes()[2:])
    with pytest.raises(IntegrityError, match=str(journal)):
        make().status("r")


def test_what_cannot_be_written_for_a_while_is_written_later(tmp_path, observer):
    """A limit on the size of files stands for a full disk."""
    code = """import resource
def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
def fill(attempt, log):
    limit((directory / "runs" / "r" / "journal").stat().st_size + 20)
launcher.here = {"full": fill, "b": lambda attempt, log: log.write(b"x" * 10000), "freed": lambda attempt, log: limit(-1)}
launcher.witness = lambda *event: None
show(orchestrator.run(chain("r", ["a", "full", "b", "c", "freed", "d"]), launcher))"""
    driver = drive(tmp_path, code)
    output, errors = driver.communicate(timeout=60)
    expected = dict.fromkeys(["a", "full", "b", "c", "freed", "d"], "succeeded")
    assert output == f"{expected} succeeded\n" and "cannot be written now" in errors
    assert states(observer.status("r")) == expected
    (kept,) = observer.logs("r", "b")  # there was no room to say how much was dropped, either
    assert set(kept) == {"x"} and 0 < len(kept) < 10_000


def test_a_run_survives_that_its_state_cannot_be_written(orchestrator, launcher, tmp_path):
    """The directory of the run is deleted under it: its own result is right all the same."""
    import shutil

    launcher.here = {"a": lambda attempt, log: shutil.rmtree(orchestrator.config.path)}
    launcher.here["b"] = lambda attempt, log: log.write(b"lost")
    assert states(orchestrator.run(chain("r", "abc"), launcher)) == dict.fromkeys("abc", "succeeded")
    with pytest.raises(NotFound):
        orchestrator.status("r")


@pytest.mark.parametrize("failure_mode", ["fail_fast", "continue"])
def test_runs_leave_no_thread_or_descriptor_behind(orchestrator, launcher, tmp_path, failure_mode):
    threads = set(threading.enumerate())
    launcher.here = {"b": lambda attempt, log: log.write(b"x"), "c": lambda attempt, log: 1 / 0}
    for number in range(20):
        orchestrator.run(plan(f"r{number}", *"abc", failure_mode=failure_mode), launcher)
    until(lambda: set(threading.enumerate()) <= threads)
    gc.collect()
    assert [path for path in open_files() if path.startswith(str(tmp_path))] == []


def open_files():
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own
            yield os.readlink(f"/proc/self/fd/{descriptor}")
