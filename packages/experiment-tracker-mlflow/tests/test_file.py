"""The MLflow flavor on a database file that others use too: processes that are forked, and such as lock it."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from dovetail_core import Unavailable
from dovetail_experiment_tracker import Run
from dovetail_experiment_tracker_mlflow import MlflowExperimentTracker

forks = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system forks no processes")


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[MlflowExperimentTracker]:
    with MlflowExperimentTracker(tracking_uri=str(tmp_path / "mlflow.db"), outage_seconds=1.0) as made:
        yield made


def forked(work: Callable[..., None], *arguments: object) -> int | None:
    """Return the exit code of a forked process that does some work; None if it does not end."""
    worker = multiprocessing.get_context("fork").Process(target=work, args=arguments, daemon=True)
    worker.start()
    worker.join(30)
    ended = worker.exitcode
    worker.kill()
    return ended


def log_at_once(run: Run) -> None:
    run.log_metric("child", 1.0, step=0)
    run.flush()


@contextmanager
def another_thread(stay: Callable[[Callable[[], None]], object]) -> Iterator[None]:
    """Have another thread stay somewhere until the block ends, or one second is over; the block begins when it is there."""
    inside, over = threading.Event(), threading.Event()

    def linger() -> None:
        inside.set()
        over.wait(1.0)

    thread = threading.Thread(target=stay, args=(linger,))
    thread.start()
    assert inside.wait(30)
    yield
    over.set()
    thread.join()


@forks
@pytest.mark.parametrize("statement", ["UPDATE runs SET name = 'x'", "SELECT * FROM runs, runs AS others"])
def test_a_process_that_is_forked_while_another_thread_is_in_a_transaction_can_log(
    tracker: MlflowExperimentTracker, statement: str
) -> None:
    run, other = tracker.start_run(), tracker.start_run()

    def execute(linger: Callable[[], None], store: Any) -> None:
        with store.engine.begin() as connection:
            rows = connection.execute(text(statement))
            linger()
            rows.close()

    with another_thread(lambda linger: tracker._client.call("a transaction", partial(execute, linger))):
        assert forked(log_at_once, run) == 0
    run.log_metric("parent", 1.0, step=0)
    run.flush()
    assert dict(tracker.get_run(run.id).metrics) == {"child": 1.0, "parent": 1.0}
    other.end()


@forks
def test_a_lock_that_another_thread_holds_is_free_in_a_forked_process(tracker: MlflowExperimentTracker) -> None:
    run = tracker.start_run()

    def hold(linger: Callable[[], None]) -> None:
        with tracker._apart._turn.lock:
            linger()

    with another_thread(hold):
        assert forked(log_at_once, run) == 0


@forks
def test_a_process_that_is_forked_has_connections_of_its_own_and_closes_none_of_its_parent_s(tracker: MlflowExperimentTracker) -> None:
    run = tracker.start_run()
    engine = tracker._client.store.engine
    touched = multiprocessing.Value("i", 0)

    def work() -> None:
        for what in ("checkout", "close"):
            event.listen(engine, what, lambda *_: setattr(touched, "value", 1))
        log_at_once(run)
        tracker.close()

    assert (forked(work), touched.value) == (0, 0)
    assert dict(tracker.get_run(run.id).metrics) == {"child": 1.0}


@pytest.mark.parametrize("opened", [True, False])
def test_a_file_that_is_locked_is_said_to_be_within_the_patience_of_the_settings(tracker: MlflowExperimentTracker, opened: bool) -> None:
    run = tracker.start_run(buffered=False)
    if not opened:
        tracker._client.close()
    with closing(sqlite3.connect(tracker.config.file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            run.log_metric("m", 1.0, step=0)
        assert time.monotonic() - begun < 4.0
    run.log_metric("m", 2.0, step=1)
    assert dict(tracker.get_run(run.id).metrics) == {"m": 2.0}


def test_mlflow_s_own_client_keeps_its_own_patience(tracker: MlflowExperimentTracker) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    def patience(store: Any) -> int:
        with store.ManagedSessionMaker() as session:
            return int(session.execute(text("PRAGMA busy_timeout")).scalar())

    assert tracker._client.call("a look", patience) == 200
    assert patience(SqlAlchemyStore(tracker.config.tracking_uri, "file:///nowhere")) == 20_000
