"""Runs that another process executes: of this machine, of another one, and one that was forked from it."""

import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest
from orchestrator_kit import alive, plan, states, until
from test_driver import drive, until_started

from dovetail_core import Timeout
from dovetail_orchestrator.journal import Header
from dovetail_orchestrator.local import LocalOrchestrator
from dovetail_orchestrator.process_identity import ProcessIdentity


@pytest.fixture
def observer(tmp_path):
    return LocalOrchestrator(path=tmp_path / "runs", grace=0)


@pytest.fixture
def bystander():
    """A process that has nothing to do with any run."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_to_cancel_a_run_of_another_machine_kills_nothing_here(orchestrator, observer, launcher, bystander):
    orchestrator.run(plan("r", "a"), launcher)
    driver = ProcessIdentity("elsewhere", bystander.pid, ProcessIdentity.own().started)
    journal = observer.config.path / "r" / "journal"
    journal.write_bytes(Header("r", "", ("a",), driver).line() + b'{"s":0,"e":"running","a":1}\n')
    with pytest.raises(Timeout, match="elsewhere") as error:
        observer.cancel("r")
    assert bystander.poll() is None
    assert "on that machine" in str(error.value.remedy)
    assert (observer.config.path / "r" / "cancel").exists()  # a machine that shares the directory has been asked


def test_a_run_whose_driver_cannot_be_killed_is_said_to_go_on(tmp_path, observer, launcher, monkeypatch):
    def denied(process):
        raise psutil.AccessDenied(process.pid)

    driver = drive(tmp_path, """launcher.here = {"a": endless}; orchestrator.run(plan("r", "a"), launcher)""")
    until_started(launcher, "a")
    driver.send_signal(signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(psutil.Process, "kill", denied)
        with pytest.raises(Timeout, match="could not be ended"):
            observer.cancel("r")
    driver.kill()
    driver.communicate()
    assert states(observer.status("r")) == {"a": "cancelled"}


def test_a_forked_process_cancels_the_run_of_its_parent_as_any_other_does(orchestrator, launcher):
    go = threading.Event()
    launcher.here = {name: lambda attempt, log: go.wait(60) and None for name in "ab"}
    handle = orchestrator.submit(plan("r", "a", "b"), launcher)
    until_started(launcher, "a", "b")
    child = os.fork()
    if not child:
        try:
            orchestrator.cancel("r")
        except BaseException:
            os._exit(1)
        os._exit(0)
    until(lambda: handle.status().state.terminal or not alive(child), 40)
    go.set()
    assert os.waitpid(child, 0)[1] == 0
    assert states(handle.status()) == {"a": "cancelled", "b": "cancelled"}


ORPHANED = """
import os, signal, sys
from dovetail_orchestrator.memory_log import MemoryLog
from dovetail_orchestrator.plan import Command
from dovetail_orchestrator.processes import StepProcess
StepProcess(Command(("/bin/sh", "-c", "sleep 2; echo ran >> " + sys.argv[1])), MemoryLog(0), 1.0)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="guards are of Linux")
def test_a_command_whose_driver_dies_while_its_guard_starts_does_not_go_on(tmp_path):
    ran = tmp_path / "ran"
    for _ in range(5):
        subprocess.run([sys.executable, "-c", ORPHANED, str(ran)], check=False, timeout=60)
    until(lambda: not mentioned(str(ran)))
    assert not ran.exists(), ran.read_text()


def mentioned(text):
    """Return the other processes in whose command lines a text is."""
    found = []
    for process in psutil.process_iter():
        try:
            found += [process] if any(text in word for word in process.cmdline()) else []
        except psutil.Error:
            continue
    return found
