"""What was logged is delivered when its process ends, whatever kind of process it is."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tracker_writers import log_and_leave, start_and_leave

from dovetail_experiment_tracker import LocalExperimentTracker, RunStatus

KINDS = multiprocessing.get_all_start_methods()


@pytest.fixture
def tracker(tmp_path: Path) -> LocalExperimentTracker:
    return LocalExperimentTracker(path=tmp_path / "experiments")


def steps(tracker: LocalExperimentTracker, run_id: str) -> list[int]:
    return [point.step for point in tracker.metric_history(run_id, "m")]


def execute(body: str) -> None:
    start = "from dovetail_experiment_tracker import LocalExperimentTracker\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", start + body], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_of_multiprocessing_that_just_ends_delivers_what_it_logged(tracker: LocalExperimentTracker, kind: str) -> None:
    run = tracker.start_run()
    worker = multiprocessing.get_context(kind).Process(target=log_and_leave, args=(str(tracker.config.path), run.id, 10))
    worker.start()
    worker.join(60)
    assert (worker.exitcode, steps(tracker, run.id)) == (0, list(range(10)))
    run.end()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_a_worker_of_multiprocessing_leaves_open_is_ended(tracker: LocalExperimentTracker, tmp_path: Path, kind: str) -> None:
    said = tmp_path / "said"
    worker = multiprocessing.get_context(kind).Process(target=start_and_leave, args=(str(tracker.config.path), str(said)))
    worker.start()
    worker.join(60)
    record = tracker.get_run(said.read_text())
    assert record.status is not RunStatus.RUNNING
    assert dict(record.metrics) == {"m": 1.0}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
def test_a_forked_process_that_ends_by_itself_delivers_what_it_logged(tracker: LocalExperimentTracker) -> None:
    run = tracker.start_run()
    execute(
        f"import os, sys\nrun = LocalExperimentTracker(path={str(tracker.config.path)!r}).attach({run.id!r})\nrun.log_metric('m', 0, step=0)\n"
        "child = os.fork()\nif child == 0:\n    run.log_metric('m', 1, step=1)\n    sys.exit(0)\nos.waitpid(child, 0)\n"
    )
    assert steps(tracker, run.id) == [0, 1]
    run.end()


def test_a_program_that_only_attaches_to_a_run_delivers_what_it_logged(tracker: LocalExperimentTracker) -> None:
    run = tracker.start_run()
    execute(f"LocalExperimentTracker(path={str(tracker.config.path)!r}).attach({run.id!r}).log_metric('m', 1, step=7)")
    assert steps(tracker, run.id) == [7]
    run.end()


def test_what_is_logged_when_no_thread_can_be_started_any_more_is_delivered(tracker: LocalExperimentTracker) -> None:
    run = tracker.start_run()
    execute(
        "import atexit\n"
        f"run = LocalExperimentTracker(path={str(tracker.config.path)!r}).attach({run.id!r})\n"
        "atexit.register(run.flush)\natexit.register(run.log_metric, 'm', 2, step=3)\n"
    )
    assert steps(tracker, run.id) == [3]
    run.end()
