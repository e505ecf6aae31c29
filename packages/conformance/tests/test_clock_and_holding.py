"""Clocks that are wrong, calls and sources that wait, and workers of every kind."""

from __future__ import annotations

import asyncio
import io
import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from dovetail_conformance.instruments import FaultDidNotFire, clock_at, held_source, hold, skewed, time_zone, workers


def test_a_time_zone_is_that_of_the_process_and_ends_with_the_block() -> None:
    before = time.tzname, os.environ.get("TZ")
    with pytest.raises(ZeroDivisionError), time_zone("Asia/Kathmandu"):
        assert datetime(2026, 1, 2, tzinfo=UTC).astimezone().utcoffset() == timedelta(hours=5, minutes=45)
        1 / 0  # noqa: B018
    assert (time.tzname, os.environ.get("TZ")) == before


def test_a_skewed_clock_is_wrong_everywhere_but_where_durations_are_measured() -> None:
    true, steady = time.time(), time.monotonic()
    with skewed(timedelta(days=-3)):
        assert abs(time.time() - true + 3 * 86400) < 30
        assert abs(datetime.now(UTC).timestamp() - time.time()) < 30
        assert 0 <= time.monotonic() - steady < 30
        first = time.time_ns()
        while time.time_ns() == first:  # it goes on
            pass
    assert 0 <= time.time() - true < 60


def test_a_clock_is_set_to_a_moment_that_has_a_zone() -> None:
    edge = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    with clock_at(edge):
        assert edge <= datetime.now(UTC) < edge + timedelta(seconds=30)
    with pytest.raises(ValueError, match="has no zone"), clock_at(datetime(2026, 1, 2)):
        pass


class Counter:
    def __init__(self) -> None:
        self.value = 0

    def read(self) -> int:
        return self.value

    def add(self) -> None:
        self.value = self.read() + 1

    @classmethod
    def named(cls) -> str:
        return cls.__name__


@pytest.mark.parametrize("whole_class", [True, False])
def test_a_lost_update_is_certain_where_one_call_is_held(whole_class: bool) -> None:
    counter = Counter()
    with hold(Counter if whole_class else counter, "read", after=True) as fault:
        thread = threading.Thread(target=counter.add)
        thread.start()
        fault.arrived()
        counter.add()
        assert counter.value == 1
        fault.release()
        thread.join(10)
    assert counter.value == 1  # and not 2
    assert Counter.read is vars(Counter)["read"] and "read" not in vars(counter)


def test_the_nth_call_is_held_before_its_work() -> None:
    counter = Counter()
    with hold(counter, "add", nth=2) as fault:
        counter.add()
        thread = threading.Thread(target=counter.add)
        thread.start()
        fault.arrived()
        assert counter.value == 1
    thread.join(10)
    assert counter.value == 2


def test_class_methods_can_be_held_and_what_is_not_called_or_not_there_is_said() -> None:
    with hold(Counter, "named") as fault:
        fault.release()
        assert Counter.named() == Counter().named() == "Counter"
    assert isinstance(vars(Counter)["named"], classmethod)
    with pytest.raises(FaultDidNotFire), hold(Counter, "read"):
        Counter.named()
    with pytest.raises(AttributeError), hold(Counter, "reed"):
        pass


def test_a_source_waits_where_it_is_told_to() -> None:
    got: list[bytes] = []
    with held_source(b"0123456789", at=4) as (source, fault):
        first = source.read(3)
        reader = threading.Thread(target=lambda: got.append(io.BufferedReader(source).read()))
        reader.start()
        fault.arrived()
        assert got == [] and first == b"012"
        fault.release()
        reader.join(10)
    assert got == [b"3456789"]


async def doubled(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def test_tasks_of_one_loop_await_coroutines_and_call_functions() -> None:
    assert workers(doubled, [(1,), (2,)], kind="task") == [2, 4]
    loops = workers(lambda _: id(asyncio.get_running_loop()), [(1,), (2,)], kind="task")
    assert loops[0] == loops[1]
    failed = workers(lambda number: 1 / number, [(1,), (0,)], kind="task")
    assert failed[0] == 1 and isinstance(failed[1], ZeroDivisionError)


def test_tasks_have_all_begun_before_any_calls() -> None:
    def seen(_: int) -> int:
        return len(asyncio.all_tasks())

    assert max(workers(seen, [(1,), (2,), (3,)], kind="task")) == 4  # whoever calls first has the others beside it, and who waits for all


def test_workers_that_do_not_end_and_kinds_that_are_not_are_said() -> None:
    async def waits(_: int) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        workers(waits, [(1,)], kind="task", seconds=0.05)
    with pytest.raises(ValueError, match="thread, spawn, fork, task"):
        workers(doubled, [(1,)], kind="fibre")
