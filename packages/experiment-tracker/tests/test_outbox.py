"""What is put into an outbox is delivered, waits, or is lost and said to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from dovetail_core import NotFound, Timeout, Unavailable, utcnow
from dovetail_experiment_tracker import MetricPoint
from dovetail_experiment_tracker.outbox import Outbox, Terms


class Backend:
    """Takes batches, when it is there."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.sizes: list[int] = []
        self.away = False
        self.error: Exception | None = None
        self.batches: list[str] = []

    def send(self, run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        self.batches.append(batch)
        if self.error is not None:
            raise self.error
        if self.away:
            raise Unavailable("away")
        self.taken += [point.step for point in points]
        self.sizes.append(len(points))


@pytest.fixture
def backend() -> Backend:
    return Backend()


def box(backend: Backend, *, patient: bool = False, capacity: int = 1000, interval: float = 60.0, patience: float = 0.3) -> Outbox:
    return Outbox(backend.send, Terms("tracker 'x'", 10, capacity, interval, patient, patience))


def some(count: int, first: int = 0) -> list[MetricPoint]:
    return [MetricPoint("m", 1.0, first + number, utcnow()) for number in range(count)]


def eventually(condition: object) -> None:
    deadline = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def no_threads_are_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    eventually(lambda: threading.active_count() <= before)


def test_points_arrive_in_order_in_calls_of_the_backends_size(backend: Backend) -> None:
    outbox = box(backend)
    for number in range(95):
        outbox.put("r", some(1, number))
    outbox.flush()
    assert backend.taken == list(range(95))
    assert max(backend.sizes) <= 10
    outbox.close()


def test_a_point_does_not_wait_longer_than_the_interval(backend: Backend) -> None:
    outbox = box(backend, interval=0.05)
    outbox.put("r", some(1))
    eventually(lambda: backend.taken == [0])
    outbox.close()


def test_a_batch_that_is_sent_again_has_its_id(backend: Backend) -> None:
    outbox = box(backend, patience=30)
    backend.away = True
    outbox.put("r", some(3))
    with pytest.raises(Timeout) as late:
        outbox.flush(timeout=0.4)
    assert late.value.details["waiting"] == 3
    backend.away = False
    outbox.flush()
    assert backend.taken == [0, 1, 2]
    assert len(set(backend.batches)) == 1 < len(backend.batches)
    outbox.close()


def test_what_is_lost_is_said_once_with_its_count_and_its_reason(backend: Backend) -> None:
    outbox = box(backend)
    backend.error = NotFound("no such run")
    outbox.put("r", some(25))
    with pytest.raises(NotFound, match="25 metric points") as said:
        outbox.flush("r")
    assert said.value.details["lost"] == 25
    assert said.value.__cause__ is backend.error
    backend.error = None
    outbox.put("r", some(2))
    outbox.close()
    assert backend.taken == [0, 1]


def test_a_loss_is_told_to_the_run_that_had_it(backend: Backend) -> None:
    outbox = box(backend)
    backend.error = NotFound("no such run")
    outbox.put("r", some(2))
    eventually(lambda: (outbox.flush("other"), bool(outbox._losses))[1])
    outbox.put("other", [])
    with pytest.raises(NotFound):
        outbox.put("r", some(1))
    backend.error = None
    outbox.close()


def test_a_full_queue_keeps_the_caller_waiting_while_the_backend_works(backend: Backend) -> None:
    outbox = box(backend, capacity=20)
    outbox.put("r", some(500))
    outbox.close()
    assert backend.taken == list(range(500))


def test_a_patient_outbox_loses_what_does_not_fit_and_keeps_the_rest(backend: Backend) -> None:
    outbox = box(backend, patient=True, capacity=20)
    backend.away = True
    outbox.put("r", some(10))
    eventually(lambda: outbox.away)
    outbox.put("r", some(100, 10))
    backend.away = False
    with pytest.raises(Unavailable) as said:
        outbox.flush(timeout=30)
    assert backend.taken == list(range(20))
    assert said.value.details["lost"] == 90
    outbox.close()


def test_closing_waits_and_then_says_what_was_lost(backend: Backend) -> None:
    outbox = box(backend, patient=True)
    backend.away = True
    outbox.put("r", some(7))
    outbox.put_call("r", "a tag", lambda: backend.send("r", [], ""))
    with pytest.raises(Unavailable, match="7 metric points, a tag"):
        outbox.close()
    outbox.put("r", [])


def test_threads_that_wait_for_room_do_not_wake_each_other_without_end() -> None:
    go_on, calls = threading.Event(), 0

    class Counting(Outbox):
        def _want(self) -> None:
            nonlocal calls
            calls += 1
            super()._want()

    def send(run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        go_on.wait(10)

    outbox = Counting(send, Terms("tracker 'x'", 10, 20, 60.0, False, 30.0))
    threads = [threading.Thread(target=outbox.put, args=("r", some(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    waited = calls
    go_on.set()
    for thread in threads:
        thread.join()
    outbox.close()
    assert waited < 100


def test_an_interruption_while_the_thread_is_started_keeps_nothing_from_being_delivered(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = box(backend)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            outbox.put("r", some(1))
    outbox.flush(timeout=10)
    assert backend.taken == [0]
    outbox.close()


def _interrupted(thread: threading.Thread) -> None:
    raise KeyboardInterrupt
