"""What is put into an outbox is delivered, waits, or is lost and said to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from dovetail_core import NotFound, RateLimited, Timeout, Unavailable, utcnow
from dovetail_experiment_tracker import MetricPoint
from dovetail_experiment_tracker.outbox import Outbox, Terms, at_exit


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


def test_an_interruption_of_the_wait_for_the_thread_does_not_pass_for_a_refusal_of_one(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = box(backend)
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Event", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            outbox.put("r", some(1))
    outbox.close()
    assert backend.taken == [0]


class Interrupted(threading.Event):
    """Whose wait an interruption leaves as it does while the lock is given away."""

    def wait(self, timeout: float | None = None) -> bool:
        super().wait(timeout)
        try:
            raise KeyboardInterrupt
        finally:
            threading.Lock().release()


def _interrupted(thread: threading.Thread) -> None:
    raise KeyboardInterrupt


# Outages


def test_an_outage_is_waited_for_once_and_not_for_each_call(backend: Backend) -> None:
    outbox = box(backend, patience=0.5)
    backend.away = True
    outbox.put("r", some(100))
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="100 metric points"):
        outbox.flush()
    assert 0.5 <= time.monotonic() - begun < 2
    assert len(set(backend.batches)) == 10, "each is tried"
    outbox.close()


def test_a_backend_that_answers_nobody_does_not_take_its_time_for_each_call() -> None:
    def send(run_id: str, points: Sequence[MetricPoint], batch: str) -> None:
        time.sleep(0.3)
        raise Timeout("no answer in time")

    outbox = Outbox(send, Terms("tracker 'x'", 10, 1000, 60.0, False, 0.5))
    outbox.put("r", some(200))
    begun = time.monotonic()
    with pytest.raises(Timeout) as said:
        outbox.flush()
    assert time.monotonic() - begun < 3
    assert said.value.details["lost"] == 200
    outbox.close()


def test_an_outage_after_a_long_time_is_another_one(backend: Backend) -> None:
    outbox = box(backend, patience=0.4)
    for first in (0, 1):
        backend.away = True
        outbox.put("r", some(1, first))
        with pytest.raises(Unavailable):
            outbox.flush()
        time.sleep(0.6)
    backend.batches.clear()
    outbox.put("r", some(1, 2))
    with pytest.raises(Timeout):
        outbox.flush(timeout=0.05)
    backend.away = False
    outbox.flush()
    assert backend.taken == [2]
    outbox.close()


def test_a_backend_that_asks_for_time_is_given_it(backend: Backend) -> None:
    outbox = box(backend, patience=30)
    tried: list[float] = []

    def send() -> None:
        tried.append(time.monotonic())
        if len(tried) == 1:
            raise RateLimited("slower", retry_after=0.7)

    outbox.put_call("r", "a tag", send)
    outbox.flush()
    assert tried[1] - tried[0] >= 0.7
    outbox.close()


def test_a_backend_that_asks_for_more_time_than_there_is_gets_none(backend: Backend) -> None:
    outbox = box(backend, patience=0.3)
    backend.error = RateLimited("slower", retry_after=60)
    outbox.put("r", some(1))
    with pytest.raises(RateLimited, match="1 metric points"):
        outbox.flush(timeout=10)
    outbox.close()


def test_it_is_clear_when_no_call_waits_or_is_on_its_way(backend: Backend) -> None:
    outbox, begun, go_on = box(backend, patient=True), threading.Event(), threading.Event()
    assert outbox.clear
    outbox.put_call("r", "a tag", lambda: (begun.set(), go_on.wait(10)))
    assert begun.wait(10)
    assert not outbox.away and not outbox.clear, "it is on its way"
    outbox.put_call("r", "another tag", lambda: None)
    assert not outbox.away and not outbox.clear
    go_on.set()
    outbox.flush()
    assert outbox.clear
    outbox.close()


# The end of a process


def test_where_no_thread_can_be_started_whoever_waits_sends(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    outbox = box(backend, capacity=20)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    outbox.put("r", some(500))
    outbox.flush()
    outbox.put("r", some(5, 500))
    outbox.close()
    assert backend.taken == list(range(505))


def test_an_outbox_that_cannot_be_closed_does_not_keep_others_from_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Outbox):
        def close(self, timeout: float | None = None) -> None:
            raise RuntimeError("broken")

    boxes = [Broken(backend.send, Terms("x", 10, 1000, 60.0, False, 0.3)), box(backend)]
    monkeypatch.setattr("dovetail_experiment_tracker.outbox._outboxes", boxes)
    boxes[1].put("r", some(3))
    at_exit()
    assert backend.taken == [0, 1, 2]
    assert "broken" in caplog.text
