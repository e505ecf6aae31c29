"""Resources: what can never be had is refused, and what is asked for at once never exceeds the machine."""

import os
import pickle
import threading
import time
from functools import reduce
from operator import add

import psutil
import pytest
from orchestrator_kit import plan
from test_processes import isolated

from dovetail_core import ConfigError, InvalidArgument
from dovetail_orchestrator import StepPlan

CPUS = os.cpu_count()
MEMORY = psutil.virtual_memory().total


@pytest.mark.parametrize(("kind", "amount"), [("cpu", 100_000), ("memory", "1000TB"), ("gpu", 1000)])
def test_more_than_the_machine_has_is_refused_before_anything_starts(orchestrator, launcher, kind, amount):
    with pytest.raises(InvalidArgument, match=rf"'big'.*{kind}"):
        orchestrator.run(plan("r", "first", StepPlan(name="big", resources={kind: amount})), launcher)
    assert launcher.executed() == []


LIMITS = [("cpu", CPUS, 1), ("cpu", CPUS / 2, 2), ("memory", MEMORY // 2, 2), ("cpu", 0, 4), ("cpu", None, 4)]


@pytest.mark.parametrize(("kind", "amount", "at_once"), LIMITS)
def test_steps_wait_for_the_resources_that_others_have(make, launcher, kind, amount, at_once):
    lock, now, most = threading.Lock(), [0], [0]

    def step(attempt, log):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1

    names = "abcdefgh"
    launcher.here = dict.fromkeys(names, step)
    steps = (StepPlan(name=name, resources={kind: amount}) for name in names)
    assert make(max_parallel=4).run(plan("r", *steps), launcher).state == "succeeded"
    assert most[0] == at_once


def test_a_step_that_fits_goes_before_one_that_must_wait(make, launcher):
    met = threading.Barrier(2, timeout=20)
    launcher.here = dict.fromkeys(("half", "small"), lambda attempt, log: met.wait() and None)
    steps = (StepPlan(name=name, resources={"cpu": cpu}) for name, cpu in (("half", CPUS / 2), ("all", CPUS), ("small", CPUS / 4)))
    assert make(max_parallel=4).run(plan("r", *steps), launcher).state == "succeeded"
    assert launcher.executed()[-1] == "all"


def test_parts_that_add_up_to_the_machine_run_together_although_fractions_are_rounded(make, launcher):
    count = next(n for n in range(3, 100) if reduce(add, [CPUS / n] * n) > CPUS)  # `sum` has rounded only once since Python 3.12
    meeting = threading.Barrier(count, timeout=20)
    names = [str(number) for number in range(count)]
    launcher.here = dict.fromkeys(names, lambda attempt, log: meeting.wait() and None)
    steps = (StepPlan(name=name, resources={"cpu": CPUS / count}) for name in names)
    assert make(max_parallel=count).run(plan("r", *steps), launcher).state == "succeeded"


def test_a_process_that_asks_for_no_gpu_sees_none_and_one_that_does_not_ask_sees_what_there_is(orchestrator, launcher, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    program = "print(os.environ.get('CUDA_VISIBLE_DEVICES')); commit()"
    launcher.programs = {"none": program, "any": program}
    orchestrator.run(plan("r", isolated("none", resources={"gpu": 0}), isolated("any")), launcher)
    assert (list(orchestrator.logs("r", "none")), list(orchestrator.logs("r", "any"))) == ([""], ["0,1"])


@pytest.mark.parametrize("wrong", [{"mode": "fork"}, {"max_parallel": 0}, {"grace": -1}, {"log_limit": -1}, {"pth": "x"}])
def test_a_wrong_setting_is_refused_by_name(make, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        make(**wrong)


def test_a_setting_of_a_step_is_refused_since_there_is_none(orchestrator, launcher):
    with pytest.raises(ConfigError, match=r"'a'.*'queue'"):
        orchestrator.run(plan("r", StepPlan(name="a", settings={"queue": "x"})), launcher)
    assert launcher.executed() == []


def test_a_path_that_cannot_be_used_is_found_by_check_and_by_run(make, launcher, tmp_path):
    (tmp_path / "file").write_text("")
    make().check()
    assert not (tmp_path / "runs").exists()
    wrong = make(path=tmp_path / "file" / "runs")
    with pytest.raises(ConfigError, match="path"):
        wrong.check()
    with pytest.raises(ConfigError, match="path"):
        wrong.run(plan("r", "a"), launcher)
    assert launcher.executed() == []


def test_an_orchestrator_can_be_pickled_and_its_copy_sees_the_same_runs(orchestrator, launcher):
    orchestrator.run(plan("r", "a"), launcher)
    copy = pickle.loads(pickle.dumps(orchestrator))
    assert copy.status("r") == orchestrator.status("r")
    assert copy.run(plan("s", "a"), launcher).state == "succeeded"
