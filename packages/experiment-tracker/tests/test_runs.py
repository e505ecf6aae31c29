"""What the rules of the contract leave open, and this package does all the same."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dovetail_core import Conflict, InvalidArgument, Unsupported
from dovetail_experiment_tracker import InMemoryExperimentTracker, LocalExperimentTracker, MetricPoint, Run, RunStatus, active_run


@pytest.fixture
def tracker(request: pytest.FixtureRequest) -> InMemoryExperimentTracker:
    return InMemoryExperimentTracker(space=request.node.name)


def test_a_thread_works_on_a_run_that_it_activates(tracker: InMemoryExperimentTracker) -> None:
    seen: list[Run | None] = []

    def work(run: Run) -> None:
        seen.append(active_run())
        with run.activate():
            seen.append(active_run())

    with tracker.start_run() as run:
        thread = threading.Thread(target=work, args=(run,))
        thread.start()
        thread.join()
        assert active_run() is run
    assert seen == [None, run]
    assert active_run() is None


def test_the_active_run_of_one_tracker_is_not_anothers(tracker: InMemoryExperimentTracker) -> None:
    with tracker.start_run() as outer, InMemoryExperimentTracker(space="other").start_run() as inner:
        assert (active_run(), tracker.active_run, inner.tracker.active_run) == (inner, outer, inner)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_forked_child_that_leaves_the_block_ends_nothing(tmp_path: Path) -> None:
    tracker = LocalExperimentTracker(path=tmp_path / "e")
    with tracker.start_run() as run:
        child = os.fork()
        if child == 0:
            run.__exit__(None, None, None)
            os._exit(0)
        os.waitpid(child, 0)
        assert tracker.get_run(run.id).status is RunStatus.RUNNING
    tracker.close()


def test_a_flavor_gets_each_call_in_pieces_of_its_size(tracker: InMemoryExperimentTracker) -> None:
    sizes: list[int] = []
    original = tracker._log_metrics
    tracker._log_metrics = lambda run_id, points, batch: (sizes.append(len(points)), original(run_id, points, batch))[1]  # type: ignore[method-assign]
    with tracker.start_run(buffered=False) as run:
        run.log_points([MetricPoint("m", 1.0, step, run.record.started) for step in range(16)])
    assert sizes == [7, 7, 2]


def test_what_needs_a_capability_says_which(tracker: InMemoryExperimentTracker) -> None:
    with pytest.raises(Unsupported, match="autolog"):
        tracker.start_run(autolog=True)


def test_the_address_of_a_run_loses_its_credentials(tracker: InMemoryExperimentTracker) -> None:
    tracker._run_url = lambda run: f"https://user:secret@host:8080/runs/{run.id}?a=b"  # type: ignore[method-assign]
    with tracker.start_run() as run:
        assert run.url == f"https://host:8080/runs/{run.id}?a=b"


def test_a_run_that_is_resumed_cannot_be_moved(tracker: InMemoryExperimentTracker) -> None:
    run = tracker.start_run()
    run.end()
    with pytest.raises(InvalidArgument):
        tracker.start_run("other name", resume=run)
    with pytest.raises(Conflict, match="has ended"):
        run.log_metric("m", 1)


def test_the_exception_of_a_block_carries_what_tracking_met(tracker: InMemoryExperimentTracker) -> None:
    with pytest.raises(ValueError) as caught, tracker.start_run() as run:
        tracker.delete_run(run.id)
        run.log_metric("m", 1)
        raise ValueError("mine")
    assert "experiment tracking, too" in caught.value.__notes__[0]
