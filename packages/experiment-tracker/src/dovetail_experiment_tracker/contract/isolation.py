"""Whose run it is: tasks, processes, environments."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dovetail_conformance import Effort, check, rule
from dovetail_conformance.instruments import workers
from dovetail_experiment_tracker.contract.harness import ExperimentTrackerHarness
from dovetail_experiment_tracker.contract.samples import reread, stored
from dovetail_experiment_tracker.interface import ExperimentTracker
from dovetail_experiment_tracker.records import RunStatus

_OUTER = ("MLFLOW", "WANDB", "COMET", "NEPTUNE", "CLEARML", "AIM", "TRACKING", "EXPERIMENT")
_WHAT = {
    "RUN_ID": "0123456789abcdef0123456789abcdef",
    "TRACKING_URI": "http://127.0.0.1:9/outer",
    "TRACKING_TOKEN": "outer-token",
    "EXPERIMENT_ID": "77",
    "EXPERIMENT_NAME": "outer",
    "PROJECT": "outer",
    "DIR": "/nonexistent/outer",
}


class IsolationRules:
    """Rules about who logs where."""

    @rule("ET-02", severity=1)
    def test_the_active_run_is_the_tasks_own(self, tracker: ExperimentTracker, effort: Effort) -> None:
        """Threads and asyncio tasks each have their own active run, and what one logs to it lands in no other's."""
        count = effort.pick(8, 20, 64)
        with tracker.start_run("outer") as outer:
            results = workers(lambda number: _work(tracker, number), [(number,) for number in range(count)])
            results += asyncio.run(_gathered(tracker, range(count, 2 * count)))
            check(tracker.active_run is outer, did="asked for the active run after others worked", came=tracker.active_run)
        failed = [result for result in results if isinstance(result, BaseException)]
        check(not failed, did=f"worked on {len(results)} runs at once", came=failed[:2])
        for number, (run_id, alien) in enumerate(results):
            found = [point.value for point in tracker.metric_history(run_id, "mine")]
            check(found == [float(number)] * 3, did="read what one of many tasks logged to its active run", came=found)
            check(not alien, did="asked a task for its active run", came="that of another task", mend="keep it in a context variable")

    @rule("ET-05", severity=1)
    def test_the_environment_redirects_nothing(self, tracker: ExperimentTracker, harness: ExperimentTrackerHarness) -> None:
        """Variables that an outer system left in the environment redirect no run, and rename no experiment."""
        outer = {f"{name}_{what}": value for name in _OUTER for what, value in _WHAT.items()} | dict(harness.foreign_environment())
        with _environment(outer), type(tracker)(tracker.config) as inner:
            with inner.start_run("mine", experiment="inside") as run:
                run.log_metric("m", 1, step=0)
            default = inner.start_run("other")
            default.end()
        record = tracker.get_run(run.id)
        facts = (record.name, record.experiment, record.status, record.id in outer.values())
        check(facts == ("mine", "inside", RunStatus.FINISHED, False), did="logged where an outer system left its variables", came=facts)
        check(stored(tracker.attach(run.id), "m") == [(0, 1.0)], did="read the run by a client without them", came="other points")
        wanted = tracker.config.experiment
        came = tracker.get_run(default.id).experiment
        check(came == wanted, did="started a run that names no experiment", came=came, mend="take it from the config")

    @rule("ET-22", severity=2)
    def test_nothing_is_left_in_the_working_directory(self, harness: ExperimentTrackerHarness, tmp_path: Path) -> None:
        """Logging writes nothing into the working directory, if the config does not name it."""
        with harness.make() as tracker, _directory(tmp_path):
            with tracker.start_run() as run:
                run.log_metric("m", 1)
                run.log_param("p", 1)
            reread(run)
        left = sorted(path.name for path in tmp_path.rglob("*"))
        check(not left, did="logged to a tracker, and looked into the working directory", came=left, mend="write where the config says")

    @rule("ET-23", severity=2)
    def test_a_run_is_attached_to_by_its_id(self, tracker: ExperimentTracker, harness: ExperimentTrackerHarness) -> None:
        """Another client, also in another process, logs to the run whose id it was given, whatever ran last, and does not end it."""
        run, later = tracker.start_run("first"), tracker.start_run("later")
        run.log_metric("m", 0.5, step=0)
        run.flush()
        results: list[object] = [None]
        _elsewhere(type(tracker)(tracker.config), run.id, 1)
        if harness.processes:
            results += workers(_elsewhere, [(tracker, run.id, step) for step in (2, 3)], kind="spawn")
        failed = [result for result in results if isinstance(result, BaseException)]
        check(not failed, did="attached to a run from elsewhere", came=failed[:1])
        found = stored(run, "m")
        wanted = [(step, step + 0.5) for step in range(len(results) + 1)]
        check(found == wanted, did="read what other clients logged to the run", came=found)
        check(stored(later, "m") == [], did="read the run that was started last", came=stored(later, "m"))
        check(reread(run).status is RunStatus.RUNNING, did="left the block of a run that was attached to", came="it has ended")
        for one in (run, later):
            one.end()


def _work(tracker: ExperimentTracker, number: int) -> tuple[str, bool]:
    alien = tracker.active_run is not None
    with tracker.start_run(f"run-{number}") as run:
        for _ in range(3):
            active = tracker.active_run
            (active or run).log_metric("mine", number)
            alien = alien or active is not run
    return run.id, alien or tracker.active_run is not None


async def _gathered(tracker: ExperimentTracker, numbers: range) -> list[tuple[str, bool] | BaseException]:
    return await asyncio.gather(*(_task(tracker, number) for number in numbers), return_exceptions=True)


async def _task(tracker: ExperimentTracker, number: int) -> tuple[str, bool]:
    alien = False
    with tracker.start_run(f"task-{number}") as run:
        for _ in range(3):
            await asyncio.sleep(0)
            active = tracker.active_run
            (active or run).log_metric("mine", number)
            alien = alien or active is not run
    return run.id, alien


def _elsewhere(tracker: ExperimentTracker, run_id: str, step: int) -> None:
    with tracker, tracker.attach(run_id) as run:
        run.log_metric("m", step + 0.5, step=step)
        run.flush()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _directory(path: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
