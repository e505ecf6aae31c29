"""Many writers at once, in threads and processes: nobody sees an error, nothing is lost, nothing is half done."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from metadata_store_kit import commit, described, executed, opened, started

from dovetail_core import AlreadyExists, Conflict, new_id
from dovetail_metadata_store import MetadataStore, Owner, Run, SqlMetadataStore, State, StepCommit

WRITER = Path(__file__).with_name("metadata_store_writer.py")
SOAK = os.environ.get("DOVETAIL_SOAK") == "1"
Open = Callable[[], SqlMetadataStore]


def writer(store: SqlMetadataStore, seconds: float, threads: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(WRITER), described(store), str(seconds), str(threads)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def together(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call in `count` threads at the same instant, and return what each call returned or raised."""
    barrier = threading.Barrier(count)

    def one(number: int) -> Any:
        barrier.wait()
        try:
            return call(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def whole(store: MetadataStore, lines: list[str]) -> int:
    """Check that everything that a writer was told is stored is there, and return how much that is."""
    facts = [json.loads(line) for line in lines if line.endswith("]")]
    for kind, run_id, *values in facts:
        if kind == "run":
            assert store.get_run(run_id).state.value == values[0]
        else:
            step = store.get_step(run_id, values[0])
            assert step.state.good and [link.artifact.id for link in step.outputs] == [values[1]]
    return len(facts)


def test_processes_of_threads_that_open_a_new_store_and_write_lose_nothing(open_store: Open) -> None:
    store = open_store()
    processes = [writer(store, 20 if SOAK else 1.5, 8) for _ in range(4)]
    results = [process.communicate(timeout=240) for process in processes]
    assert [(process.returncode, errors[-6000:]) for process, (_, errors) in zip(processes, results, strict=True)] == [(0, "")] * 4
    lines = [line for output, _ in results for line in output.splitlines()]
    assert all(output for output, _ in results), "every process wrote"
    assert whole(store, lines if SOAK else lines[:: max(1, len(lines) // 300)]) > 0
    runs = sum(json.loads(line)[0] == "run" for line in lines)
    assert sum(run.state is State.SUCCEEDED for run in store.iter_runs(pipeline="soak")) == runs
    store.check()


@pytest.mark.parametrize("round", range(10 if SOAK else 2))
def test_writers_that_are_killed_leave_whole_records(open_store: Open, round: int) -> None:
    store = open_store()
    process = writer(store, 60, 4)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(40 + 37 * round)]  # in the middle of its writing, wherever that is
    process.kill()
    lines += process.communicate()[0].splitlines()
    assert whole(store, [line.strip() for line in lines]) >= 40
    for run in store.iter_runs():
        for step in store.get_steps(run.id):
            assert bool(step.outputs) == step.state.good, "a step and its outputs become visible together"
    executed(store, started(store))
    store.check()


def test_of_many_that_create_the_same_run_all_succeed_and_one_row_is_there(store: SqlMetadataStore) -> None:
    run = Run(new_id(), "same", "p", "s")
    results = together(16, lambda number: store.create_run(run, ["a"]))
    assert [result.id for result in results] == [run.id] * 16
    assert len(list(store.iter_runs())) == 1 and len(store.get_steps(run.id)) == 1


def test_of_many_that_want_a_name_one_gets_it(store: SqlMetadataStore) -> None:
    results = together(16, lambda number: store.create_run(Run(new_id(), "same", "p", "s"), ["a"]))
    assert sum(isinstance(result, Run) for result in results) == 1
    assert sum(isinstance(result, AlreadyExists) for result in results) == 15


def test_of_many_owners_that_claim_a_run_one_gets_it(store: SqlMetadataStore) -> None:
    run = store.create_run(Run(new_id(), "r", "p", "s"), [])
    claim = lambda number: store.transition_run(run.id, State.RUNNING, expected={State.PENDING}, owner=Owner("h", number, 1.0))  # noqa: E731
    results = together(12, claim)
    won = [result for result in results if isinstance(result, Run)]
    assert len(won) == 1 and store.get_run(run.id).owner == won[0].owner
    assert all(isinstance(result, Run | Conflict) for result in results)


def test_of_two_attempts_that_commit_at_once_one_wins(store: SqlMetadataStore) -> None:
    for _ in range(5):
        run = started(store)
        store.begin_step(run.id, "a", 1)
        results = together(6, lambda number, run=run: store.commit_step(commit(run)))  # type: ignore[misc]
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 5
        assert len(store.get_step(run.id, "a").outputs) == 1


def test_of_an_end_and_a_commit_at_once_one_wins(store: SqlMetadataStore) -> None:
    for _ in range(5):
        run = started(store)
        store.begin_step(run.id, "a", 1)
        calls = [lambda run=run: store.commit_step(commit(run)), lambda run=run: store.end_step(run.id, "a", 1, State.FAILED)]
        results = together(2, lambda number, calls=calls: calls[number]())  # type: ignore[misc]
        assert sum(result is None for result in results) == 1
        assert store.get_step(run.id, "a").state is (State.SUCCEEDED if results[0] is None else State.FAILED)


def test_metadata_put_at_once_is_all_there(store: SqlMetadataStore) -> None:
    run = started(store)
    results = together(12, lambda number: store.put_metadata(run.id, {"shared": number, f"own {number}": number}))
    assert results == [None] * 12
    found = store.get_metadata(run.id)
    assert {f"own {number}": number for number in range(12)}.items() <= found.items() and len(found) == 13


def test_a_run_that_is_deleted_while_others_take_its_artifacts_leaves_no_broken_link(store: SqlMetadataStore) -> None:
    for _ in range(4):
        first, second = started(store), started(store)
        made = executed(store, first, cache_key="k")
        store.transition_run(first.id, State.SUCCEEDED)
        hit = store.find_cached(["k"])["k"]
        take = StepCommit(second.id, "a", 0, hit.outputs, (), "k", None, first.id)
        calls: list[Callable[[], Any]] = [lambda first=first: store.delete_run(first.id), lambda take=take: store.commit_step(take)]  # type: ignore[misc]
        deleted, committed = together(2, lambda number, calls=calls: calls[number]())  # type: ignore[misc]
        if committed is None:
            assert deleted == () and store.get_artifact(made.id)
        else:
            assert isinstance(committed, Conflict) and [one.id for one in deleted] == [made.id]
        store.transition_run(second.id, State.SUCCEEDED)
        store.delete_run(second.id)
    assert store.search_artifacts().items == ()


def test_a_reader_in_the_middle_of_a_listing_keeps_no_writer_waiting(open_store: Open) -> None:
    reading, writing = open_store(), open_store()
    for _ in range(20):
        started(writing)
    listing = iter(reading.iter_runs())
    next(listing)
    with reading._database.open_for(False).connect() as connection:
        reading._database.backend.begin(connection, False)
        connection.exec_driver_sql("SELECT count(*) FROM dovetail_runs").scalar()
        run = started(writing)  # while a reading transaction is open
        assert connection.exec_driver_sql("SELECT count(*) FROM dovetail_runs").scalar() == 20
        connection.rollback()
    assert len(list(listing)) == 19
    assert reading.get_run(run.id) == run


def test_connections_are_bounded_and_gone_after_close(open_store: Open) -> None:
    store = open_store()
    run = started(store)
    together(40, lambda number: store.get_run(run.id) if number % 2 else store.get_run(new_id()))
    pool: Any = store._database.open_for(False).pool
    assert pool.checkedout() == 0 and pool.checkedin() <= store._database.backend.pool_size
    store.close()
    store.close()
    assert pool.checkedin() == 0
    assert store.get_run(run.id) == run


def test_a_store_can_be_pickled_and_used_elsewhere(open_store: Open) -> None:
    store = open_store()
    run = started(store)
    copy = pickle.loads(pickle.dumps(store))
    with copy:
        assert copy.get_run(run.id) == run
        assert copy._database is not store._database


def _in_child(description: str, run_id: str) -> None:
    with opened(description) as store:
        store.begin_step(run_id, "spawned", 1)


def test_a_spawned_process_uses_the_same_store(store: SqlMetadataStore) -> None:
    run = started(store, ["spawned"])
    code = f"from test_concurrency import _in_child; _in_child({described(store)!r}, {run.id!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(WRITER.parent), *sys.path])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert store.get_step(run.id, "spawned").state is State.RUNNING


def forked(call: Callable[[], object]) -> int | None:
    """Call in a forked process, and return its exit code."""
    process = multiprocessing.get_context("fork").Process(target=call)
    process.start()
    process.join(30)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


def test_a_forked_process_uses_connections_of_its_own(store: SqlMetadataStore) -> None:
    run = started(store, ["parent", "child", "after"])
    executed(store, run, "parent")
    with store._database.open_for(True).connect():  # one is in use while we fork
        assert forked(lambda: executed(store, run, "child")) == 0
    executed(store, run, "after")
    assert [step.state for step in store.get_steps(run.id)] == [State.SUCCEEDED] * 3
    store.check()


def test_a_fork_while_a_thread_is_writing_does_not_hang(store: SqlMetadataStore) -> None:
    run = started(store, ["x"])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            store.heartbeat(run.id)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(5):
            assert forked(lambda: store.heartbeat(run.id)) == 0
    finally:
        stop.set()
        thread.join()


def test_no_python_code_runs_inside_a_statement_where_an_interrupt_would_be_lost(sqlite_store: SqlMetadataStore) -> None:
    run = started(sqlite_store)
    inside: list[object] = []
    called: list[str] = []

    def watch(frame: FrameType, event: str, argument: object) -> None:
        if event == "c_call" and getattr(argument, "__name__", "") in ("execute", "executemany"):
            inside.append(argument)
        elif event in ("c_return", "c_exception") and argument in inside:
            inside.clear()
        elif event == "call" and inside:
            called.append(frame.f_code.co_qualname)

    sys.setprofile(watch)
    try:
        executed(sqlite_store, run)
        sqlite_store.heartbeat(run.id)
        sqlite_store.transition_run(run.id, State.SUCCEEDED)
    finally:
        sys.setprofile(None)
    assert called == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an interrupt within a destructor is lost in Python
def test_an_interrupted_call_leaves_the_store_usable(store: SqlMetadataStore) -> None:
    run = started(store, [f"s{n}" for n in range(50)])
    interrupted = 0
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for number in range(50):
            signal.setitimer(signal.ITIMER_REAL, 0.0002 * (number % 10 + 1))
            try:
                store.begin_step(run.id, f"s{number}", 1)
                store.commit_step(commit(run, f"s{number}"))
            except KeyboardInterrupt:
                interrupted += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupted += 1
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert interrupted > 0
    for step in store.get_steps(run.id):
        assert bool(step.outputs) == step.state.good
    executed(store, started(store))
    pool: Any = store._database.open_for(False).pool
    assert pool.checkedout() <= 2  # the writer keeps one, and an interrupt within the pool's own code costs one
