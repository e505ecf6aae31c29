"""Steps in processes of their own: how they are started, how they end, and that nothing of them survives."""

import json
import os
import signal
import sys
import time

import psutil
import pytest
from orchestrator_kit import alive, plan, states, until

from dovetail_core import Failure, InvalidArgument
from dovetail_core.jobs import RetryPolicy
from dovetail_orchestrator import Command, StepPlan, StepResult, StepState

STUBBORN = """import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], 'w').write(str(os.getpid()))
time.sleep(600)"""


def isolated(name, **more):
    return StepPlan(name=name, isolated=True, **more)


def grandchild(path, then="time.sleep(600)", before=""):
    """A program that ignores SIGTERM, starts a process that does so in a session of its own, and does something more."""
    return f"""
{before}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", {STUBBORN!r}, {str(path)!r}], start_new_session=True)
while not (os.path.exists({str(path)!r}) and open({str(path)!r}).read()):
    time.sleep(0.01)
{then}
"""


def test_a_process_that_commits_and_ends_well_has_succeeded(orchestrator, launcher):
    launcher.programs = {"a": "commit()"}
    assert orchestrator.run(plan("r", isolated("a")), launcher).state == "succeeded"
    assert {event["pid"] for event in launcher.events()} != {os.getpid()}
    assert launcher.told == []


def test_in_the_mode_processes_every_step_has_its_own(make, launcher):
    launcher.programs = dict.fromkeys("abc", "commit()")
    assert make(mode="processes", max_parallel=2).run(plan("r", *"abc"), launcher).state == "succeeded"
    pids = {event["pid"] for event in launcher.events()}
    assert len(pids) == 3 and os.getpid() not in pids


def test_a_step_that_needs_a_process_and_can_have_none_is_refused_before_anything_starts(orchestrator, launcher):
    steps = "first", isolated("alone"), StepPlan(name="timed", timeout=3)
    with pytest.raises(InvalidArgument, match=r"'alone'.*'timed'"):
        orchestrator.run(plan("r", *steps), launcher)
    assert launcher.executed() == [] and launcher.told == []
    assert not (orchestrator.config.path / "r").exists()


@pytest.mark.parametrize("code", [1, 2, 3, 42, 64, 75, 77, 99, 126, 127, 128, 130, 137, 143, 255])
def test_any_other_exit_code_is_a_failure_that_names_it(make, launcher, code):
    launcher.programs = {"a": f"os._exit({code})"}
    status = make(mode="processes").run(plan("r", "a"), launcher)
    assert status.steps["a"].state == "failed"
    assert f"exited with code {code}" in status.steps["a"].failure.message


@pytest.mark.parametrize("program", ["sys.exit(0)", "os._exit(0)", ""])
def test_exit_code_0_without_a_commit_is_a_failure(orchestrator, launcher, program):
    launcher.programs = {"a": program}
    status = orchestrator.run(plan("r", isolated("a")), launcher)
    assert (status.steps["a"].state, status.steps["a"].failure.kind) == ("failed", "Lost")
    assert "committed nothing" in status.steps["a"].failure.message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT, signal.SIGHUP, signal.SIGPIPE])
def test_a_step_killed_by_a_signal_has_failed_and_the_signal_is_named(orchestrator, launcher, number):
    launcher.programs = {"a": f"number = {int(number)}; number == 9 or signal.signal(number, signal.SIG_DFL); os.kill(os.getpid(), number)"}
    status = orchestrator.run(plan("r", isolated("a")), launcher)
    assert (status.steps["a"].state, status.steps["a"].failure.kind) == ("failed", "Killed")
    assert f"{number.name} (signal {int(number)})" in status.steps["a"].failure.message
    assert launcher.final() == {"a": "failed"}


def test_success_needs_exit_code_0_besides_the_commit_and_what_was_committed_is_not_executed_again(orchestrator, launcher):
    launcher.programs = {"a": "commit(); os._exit(3)"}
    status = orchestrator.run(plan("r", isolated("a", retry=RetryPolicy(retries=2, delay=0))), launcher)
    assert (status.steps["a"].state, status.steps["a"].attempt) == ("failed", 1)
    assert "code 3, after" in status.steps["a"].failure.message


def test_a_process_ended_by_ctrl_c_is_not_tried_again(orchestrator, launcher):
    launcher.programs = {"a": "signal.signal(signal.SIGINT, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGINT)"}
    status = orchestrator.run(plan("r", isolated("a", retry=RetryPolicy(retries=2, delay=0))), launcher)
    assert (status.steps["a"].state, status.steps["a"].attempt) == ("failed", 1)


def test_a_killed_attempt_is_tried_again_with_a_result_of_its_own(orchestrator, launcher):
    launcher.programs = {"a": "commit() if attempt == 2 else os.kill(os.getpid(), 9)"}
    status = orchestrator.run(plan("r", isolated("a", retry=RetryPolicy(retries=1, delay=0))), launcher)
    assert (status.state, status.steps["a"].attempt) == ("succeeded", 2)


def test_a_step_that_ignores_being_asked_is_killed_when_its_time_is_over_with_what_it_started(make, launcher, tmp_path):
    launcher.programs = {"a": grandchild(tmp_path / "pid")}
    status = make(grace=0.3).run(plan("r", StepPlan(name="a", timeout=1.5)), launcher)
    assert (status.steps["a"].state, status.steps["a"].failure.kind) == ("failed", "Timeout")
    assert "1.5 s" in status.steps["a"].failure.message
    step = launcher.events()[0]["pid"]
    assert not alive(step) and not alive(int((tmp_path / "pid").read_text()))


def test_a_step_that_is_asked_to_stop_has_the_time_of_grace_to_tidy_up(make, launcher, tmp_path):
    tidy = f"signal.signal(signal.SIGTERM, lambda *_: (open({str(tmp_path / 'tidy')!r}, 'w').close(), os._exit(0)))"
    launcher.programs = {"a": tidy + "\ntime.sleep(600)"}
    status = make(grace=20).run(plan("r", StepPlan(name="a", timeout=1)), launcher)
    assert status.steps["a"].failure.kind == "Timeout"
    assert (tmp_path / "tidy").exists()


def test_a_step_that_runs_out_of_time_is_tried_again(make, launcher):
    launcher.programs = {"a": "commit() if attempt == 2 else time.sleep(600)"}
    step = StepPlan(name="a", timeout=1, retry=RetryPolicy(retries=1, delay=0))
    status = make(grace=0.2).run(plan("r", step), launcher)
    assert (status.state, status.steps["a"].attempt) == ("succeeded", 2)


def test_what_a_step_leaves_running_ends_with_it(make, launcher, tmp_path):
    launcher.programs = {"a": grandchild(tmp_path / "pid", then="commit(); os._exit(0)")}
    assert make(grace=0.2).run(plan("r", isolated("a")), launcher).state == "succeeded"
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_step_that_kills_its_process_group_takes_all_with_it(make, launcher, tmp_path):
    launcher.programs = {"a": grandchild(tmp_path / "pid", then="os.killpg(os.getpgrp(), signal.SIGKILL)")}
    status = make(grace=0.2).run(plan("r", isolated("a")), launcher)
    assert status.steps["a"].failure.kind == "Killed"
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_daemon_that_left_its_parent_ends_with_the_step(make, launcher, tmp_path):
    daemon = f"""
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.execve(sys.executable, [sys.executable, "-c", {STUBBORN!r}, {str(tmp_path / "pid")!r}], {{}})
while not (os.path.exists({str(tmp_path / "pid")!r}) and open({str(tmp_path / "pid")!r}).read()):
    time.sleep(0.01)
os.close(1); os.close(2)
commit()
"""
    launcher.programs = {"a": daemon}
    assert make(grace=0.2).run(plan("r", isolated("a")), launcher).state == "succeeded"
    assert not alive(int((tmp_path / "pid").read_text()))


def test_arguments_and_environment_arrive_unchanged_with_no_shell_between(orchestrator, launcher, tmp_path, monkeypatch):
    monkeypatch.setenv("FROM_HERE", "kept")
    odd = ["", " ", "$HOME `id` ; rm -rf *", "\"quotes\" 'too'", "line\nbreak", "ünïcode", "-x"]
    report = """import json, os, sys
json.dump([sys.argv[3:], os.environ['ODD'], os.environ['FROM_HERE'], sys.stdin.read()], open(sys.argv[1], 'w'))
open(sys.argv[2], 'w')"""

    class Exact(type(launcher)):
        def command(self, step, attempt):
            arguments = (sys.executable, "-c", report, str(tmp_path / "report"), str(self._commit_file(step, attempt)), *odd)
            return Command(arguments, {"ODD": 'a=b;$c\n"d'})

    assert orchestrator.run(plan("r", isolated("a")), Exact(tmp_path / "l")).state == "succeeded"
    assert json.loads((tmp_path / "report").read_text()) == [odd, 'a=b;$c\n"d', "kept", ""]


def test_a_command_ignores_no_signal_that_was_not_ignored_before(orchestrator, tmp_path, launcher):
    class Plain(type(launcher)):
        def command(self, step, attempt):
            return Command(("grep", "SigIgn", "/proc/self/status"))

    orchestrator.run(plan("r", isolated("a")), Plain(tmp_path / "l"))
    (line,) = orchestrator.logs("r", "a")
    reserved = 0b11 << 31  # signals 32 and 33 are the C library's own: no program can change what becomes of them
    on_purpose = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)  # as nohup does, and a shell for what it starts in the background
    inherited = sum(1 << number - 1 for number in on_purpose)
    assert int(line.removeprefix("SigIgn:"), 16) & ~reserved & ~inherited == 0


def test_a_command_that_there_is_not_fails_the_step_and_is_named(orchestrator, tmp_path, launcher):
    class Missing(type(launcher)):
        def command(self, step, attempt):
            return Command(("/nowhere/python", "-V"))

    status = orchestrator.run(plan("r", isolated("a")), Missing(tmp_path / "l"))
    assert (status.steps["a"].state, status.state) == ("failed", "failed")
    assert "/nowhere/python cannot be executed" in "\n".join(orchestrator.logs("r", "a"))


def test_an_environment_that_is_too_big_fails_the_step_before_it_begins(orchestrator, launcher):
    launcher.programs = {"a": "commit()"}
    launcher.environment = {"BIG": "x" * 8 * 1024**2}
    status = orchestrator.run(plan("r", isolated("a")), launcher)
    assert (status.steps["a"].state, status.steps["a"].failure.kind) == ("failed", "OSError")


def test_a_result_that_cannot_be_read_is_a_failure(orchestrator, launcher, tmp_path):
    class Away(type(launcher)):
        def result(self, step, attempt):
            raise RuntimeError("away")

    status = orchestrator.run(plan("r", isolated("a")), Away(tmp_path / "l", programs={"a": "commit()"}))
    assert states(status) == {"a": "failed"}
    assert "away" in status.steps["a"].failure.message


def test_a_failure_that_the_command_recorded_is_the_reason(orchestrator, launcher, tmp_path):
    class Recording(type(launcher)):
        def result(self, step, attempt):
            return StepResult(StepState.FAILED, Failure("KeyError", "'label'"))

    status = orchestrator.run(plan("r", isolated("a")), Recording(tmp_path / "l", programs={"a": "sys.exit(1)"}))
    assert status.steps["a"].failure == Failure("KeyError", "'label'")


def test_processes_leave_no_thread_descriptor_or_child_behind(make, launcher):
    orchestrator = make(mode="processes", max_parallel=2)
    launcher.programs = dict.fromkeys("abcd", "commit()")
    orchestrator.run(plan("warm", "a"), launcher)
    before = (psutil.Process().num_fds(), psutil.Process().num_threads(), len(psutil.Process().children()))
    launcher.programs["c"] = "os._exit(1)"
    orchestrator.run(plan("r", *"abcd", failure_mode="continue"), launcher)
    until(lambda: (psutil.Process().num_fds(), psutil.Process().num_threads(), len(psutil.Process().children())) <= before)


def test_the_time_limit_is_of_each_attempt_alone(make, launcher):
    launcher.programs = {"a": "time.sleep(0.4); commit() if attempt == 4 else os._exit(1)"}
    step = StepPlan(name="a", timeout=10, retry=RetryPolicy(retries=3, delay=0))
    began = time.monotonic()
    assert make().run(plan("r", step), launcher).state == "succeeded"
    assert time.monotonic() - began >= 1.6


def test_a_step_whose_guard_is_killed_does_not_go_on(orchestrator, launcher):
    launcher.programs = {"a": "time.sleep(600)"}
    handle = orchestrator.submit(plan("r", isolated("a")), launcher)
    until(launcher.executed)
    step = psutil.Process(launcher.events()[0]["pid"])
    step.parent().kill()
    assert handle.wait(30).steps["a"].failure.kind == "Killed"
    until(lambda: not alive(step.pid))
