"""Runs within a step of another run."""

import os
import signal
import threading
import time

import pytest
from orchestrator_kit import KitLauncher, plan, states, until
from test_cancel import endless
from test_driver import drive, until_started

from dovetail_orchestrator.local import LocalOrchestrator
from dovetail_orchestrator.memory import InMemoryOrchestrator


@pytest.fixture
def observer(tmp_path):
    return LocalOrchestrator(path=tmp_path / "runs", grace=1.0)


def waits(attempt, log):
    time.sleep(600)


INNER = {
    "local": lambda path: LocalOrchestrator(path=path, grace=1.0, max_parallel=2),
    "memory": lambda path: InMemoryOrchestrator(space=str(path)),
}


@pytest.mark.parametrize("flavor", INNER)
@pytest.mark.parametrize("steps", ["a", "ab"])
def test_to_cancel_a_run_stops_the_runs_within_its_steps(orchestrator, launcher, tmp_path, flavor, steps):
    """However deep, in the main thread too, where a signal ends what blocks; no step after it begins."""
    inner, inmost = INNER[flavor](tmp_path / "inner"), KitLauncher(tmp_path / "inmost")
    inmost.here = dict.fromkeys(steps, waits)
    middle = KitLauncher(tmp_path / "middle")
    middle.here = {"m": lambda attempt, log: inner.run(plan("inmost", *steps), inmost) and None}
    launcher.here = {"o": lambda attempt, log: orchestrator.run(plan("middle", "m"), middle) and None}
    threading.Thread(target=lambda: (until_started(inmost, *steps), orchestrator.cancel("outer"))).start()
    status = orchestrator.run(plan("outer", "o"), launcher)
    assert (states(status), status.state) == ({"o": "cancelled"}, "cancelled")
    assert states(orchestrator.status("middle")) == {"m": "cancelled"}
    until(lambda: inner.status("inmost").state.terminal)
    assert states(inner.status("inmost")) == dict.fromkeys(steps, "cancelled")


@pytest.mark.parametrize("flavor", INNER)
def test_to_cancel_a_run_stops_the_run_within_a_step_that_executes_in_a_thread(orchestrator, launcher, tmp_path, flavor):
    inner, inmost = INNER[flavor](tmp_path / "inner"), KitLauncher(tmp_path / "inmost")
    inmost.here = {"a": endless}
    launcher.here = {"o": lambda attempt, log: inner.run(plan("inmost", "a"), inmost) and None}
    handle = orchestrator.submit(plan("outer", "o"), launcher)
    until_started(inmost, "a")
    handle.cancel()
    assert (states(handle.status()), handle.status().state) == ({"o": "cancelled"}, "cancelled")
    assert states(inner.status("inmost")) == {"a": "cancelled"}
    assert [event["step"] for event in launcher.events() if event["event"] == "end"] == ["o"]  # it was not given up


def test_to_cancel_an_inner_run_leaves_the_outer_one(orchestrator, launcher, tmp_path):
    inner, seen = KitLauncher(tmp_path / "inner"), []
    inner.here = {"a": waits}
    launcher.here = {"o": lambda attempt, log: seen.append(states(orchestrator.run(plan("inner", "a"), inner)))}
    threading.Thread(target=lambda: (until_started(inner, "a"), orchestrator.cancel("inner"))).start()
    assert orchestrator.run(plan("outer", "o"), launcher).state == "succeeded"
    assert seen == [{"a": "cancelled"}]


def test_ctrl_c_in_an_inner_run_reaches_the_caller_of_the_outer_one(orchestrator, launcher, tmp_path):
    inner = KitLauncher(tmp_path / "inner")
    inner.here = {"a": waits}
    launcher.here = {"o": lambda attempt, log: orchestrator.run(plan("inner", "a"), inner) and None}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=lambda: (until_started(inner, "a"), os.kill(os.getpid(), signal.SIGINT))).start()
        with pytest.raises(KeyboardInterrupt):
            orchestrator.run(plan("outer", "o"), launcher)
    finally:
        signal.signal(signal.SIGINT, before)
    assert orchestrator.status("outer").state == orchestrator.status("inner").state == "cancelled"


def test_where_ctrl_c_is_ignored_an_inner_run_ignores_it_too(tmp_path, observer, launcher):
    code = """signal.signal(signal.SIGINT, signal.SIG_IGN)
inner = KitLauncher(directory / "inner")
inner.here = {"a": lambda attempt, log: time.sleep(1)}
launcher.here = {"o": lambda attempt, log: orchestrator.run(plan("inner", "a"), inner) and None}
show(orchestrator.run(plan("r", "o"), launcher))"""
    driver = drive(tmp_path, code)
    until_started(KitLauncher(tmp_path / "inner"), "a")
    driver.send_signal(signal.SIGINT)
    output, errors = driver.communicate(timeout=60)
    assert (output.strip(), errors) == ("{'o': 'succeeded'} succeeded", "")
