"""The local flavor: many writers, crashes, and what may be wrong with its directory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from tracker_writers import log_from_threads

from dovetail_core import ConfigError, IntegrityError, InvalidArgument, NotFound, NotReady, PermissionDenied, new_id, utcnow
from dovetail_experiment_tracker import LocalExperimentTracker, MetricPoint, RunStatus
from dovetail_experiment_tracker.contract.stores import FolderStore
from dovetail_experiment_tracker.embedded.chunks import overlapping

spawn = multiprocessing.get_context("spawn")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "experiments"


@pytest.fixture
def tracker(path: Path) -> LocalExperimentTracker:
    return LocalExperimentTracker(path=path)


def steps(tracker: LocalExperimentTracker, run_id: str, key: str) -> list[int]:
    return [point.step for point in tracker.metric_history(run_id, key)]


def test_two_processes_of_eight_threads_lose_and_double_nothing(tracker: LocalExperimentTracker, path: Path) -> None:
    count = 50_000
    with tracker.start_run() as run:
        processes = [spawn.Process(target=log_from_threads, args=(str(path), run.id, number, 8, count)) for number in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(240)
        assert [process.exitcode for process in processes] == [0, 0]
        for key in [f"{process}-{thread}" for process in range(2) for thread in range(8)]:
            points = list(tracker.metric_history(run.id, key))
            assert [(point.step, point.value) for point in points] == [(step, step + 0.5) for step in range(count)]
        assert len(run.refresh().latest) == 16
    tracker.close()


def test_a_process_that_is_killed_leaves_a_beginning_of_each_metric(tracker: LocalExperimentTracker, path: Path) -> None:
    with tracker.start_run() as run:
        processes = [spawn.Process(target=log_from_threads, args=(str(path), run.id, number, 8, 50_000)) for number in range(2)]
        for process in processes:
            process.start()
        deadline = time.monotonic() + 60
        while not tracker.get_run(run.id).latest and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(processes[0].pid or 0, signal.SIGKILL)
        for process in processes:
            process.join(240)
        assert processes[1].exitcode == 0
        for thread in range(8):
            kept = steps(tracker, run.id, f"0-{thread}")
            assert kept == list(range(len(kept)))
            assert steps(tracker, run.id, f"1-{thread}") == list(range(50_000))
    tracker.check()
    tracker.close()


def test_a_batch_is_stored_once(tracker: LocalExperimentTracker) -> None:
    with tracker.start_run() as run:
        points, batch = [MetricPoint("m", 1.0, 3, utcnow()), MetricPoint("n", 2.0, 3, utcnow())], new_id()
        for _ in range(2):
            tracker._log_metrics(run.id, points, batch)
        assert (steps(tracker, run.id, "m"), steps(tracker, run.id, "n")) == ([3], [3])
    tracker.close()


def test_reading_makes_nothing(tracker: LocalExperimentTracker, path: Path) -> None:
    assert list(tracker.iter_runs()) == tracker.experiments() == []
    with pytest.raises(NotFound):
        tracker.get_run("absent")
    tracker.check()
    assert not path.exists()


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tracker: LocalExperimentTracker, path: Path) -> None:
    tracker.start_run().end()
    tracker.close()
    with closing(sqlite3.connect(path / "experiments.db")) as database:
        database.execute("PRAGMA user_version = 99")
    before = (path / "experiments.db").read_bytes()
    with pytest.raises(ConfigError, match="version 99") as refused:
        tracker.start_run()
    assert "upgrade" in refused.value.remedy
    assert (path / "experiments.db").read_bytes() == before


def test_a_damaged_database_is_told_and_left_as_it_is(tracker: LocalExperimentTracker, path: Path) -> None:
    path.mkdir()
    (path / "experiments.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(IntegrityError, match=r"experiments\.db"):
        tracker.start_run()
    assert (path / "experiments.db").read_bytes() == b"no database at all" * 100


def test_a_database_that_was_deleted_in_use_is_made_anew(tracker: LocalExperimentTracker, path: Path) -> None:
    tracker.start_run().end()
    for file in path.glob("experiments.db*"):
        file.unlink()
    with tracker.start_run("second") as run:
        run.log_metric("m", 1)
    assert [found.name for found in tracker.iter_runs()] == ["second"]
    tracker.close()


def test_check_names_the_field(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="no directory") as wrong:
        LocalExperimentTracker(path=tmp_path / "file").check()
    assert "`path`" in wrong.value.remedy


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may write everywhere")
def test_a_directory_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionDenied, match="cannot be written"):
        LocalExperimentTracker(path=tmp_path / "e").check()


def test_a_history_of_overlapping_batches_is_in_order(tracker: LocalExperimentTracker) -> None:
    with tracker.start_run() as run:
        for start in (500, 0, 250, 100, 490):
            run.log_points([MetricPoint("m", float(start), step, utcnow()) for step in range(start, start + 300)])
            run.flush()
        found = steps(tracker, run.id, "m")
        assert found == sorted(step for start in (500, 0, 250, 100, 490) for step in range(start, start + 300))
    tracker.close()


def test_chunks_are_read_together_where_their_steps_overlap() -> None:
    chunks = [(1, 0, 5), (4, 2, 3), (2, 5, 9), (7, 10, 12), (5, 12, 12), (6, 20, 30)]
    assert list(overlapping(chunks)) == [[1, 2, 4], [5, 7], [6]]


def test_files_of_a_store_that_is_not_there_are_told(tracker: LocalExperimentTracker, path: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("f")
    with tracker.start_run() as run:
        run.log_artifact(tmp_path / "f")
        tracker._database.write(lambda connection: connection.execute("UPDATE runs SET files = 'experiments/x'"))
        with pytest.raises(NotReady, match="artifact store"):
            tracker.list_artifacts(run.id)
    tracker.close()


def test_a_prefix_that_is_refused_leaves_files_where_they_went(tracker: LocalExperimentTracker, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("f")
    with pytest.raises(InvalidArgument, match="prefix"):
        tracker.use_artifact_store(FolderStore(tmp_path / "store"), "../elsewhere")
    with tracker.start_run() as run:
        run.log_artifact(tmp_path / "f")
    assert [info.path for info in tracker.list_artifacts(run.id)] == ["f"] and not (tmp_path / "store").exists()


def test_a_source_that_cannot_be_read_is_told_as_that(tracker: LocalExperimentTracker, path: Path, tmp_path: Path) -> None:
    with tracker.start_run() as run:
        with pytest.raises(NotFound, match=r"gone\.txt any more"):
            tracker._upload(run.id, tmp_path / "gone.txt", "f")
        with closing(socket.socket(socket.AF_UNIX)) as listening:
            listening.bind(str(tmp_path / "s"))
            with pytest.raises(PermissionDenied, match="/s cannot be read") as denied:
                tracker._upload(run.id, tmp_path / "s", "f")
        assert str(path) not in str(denied.value.remedy)
        assert tracker.list_artifacts(run.id) == []
    tracker.close()


def test_deleting_a_run_deletes_its_files(tracker: LocalExperimentTracker, path: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("f")
    with tracker.start_run() as run:
        run.log_artifact(tmp_path / "f")
    assert list((path / "files").rglob("f"))
    tracker.delete_run(run.id)
    assert not list((path / "files").rglob("f"))
    with closing(sqlite3.connect(path / "experiments.db")) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    tracker.close()


def test_a_status_is_kept_as_it_was_said(tracker: LocalExperimentTracker) -> None:
    for status in (RunStatus.FAILED, RunStatus.KILLED, RunStatus.FINISHED):
        run = tracker.start_run()
        run.end(status)
        assert tracker.get_run(run.id).status is status
    tracker.close()
