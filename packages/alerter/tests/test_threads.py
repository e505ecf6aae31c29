"""Threads are remembered, and forgotten when there are too many."""

from __future__ import annotations

import pytest

from dovetail_alerter import Alert, InMemoryAlerter
from dovetail_alerter.memory import forget
from dovetail_alerter.threads import Threads


def test_the_ones_not_used_for_longest_are_forgotten() -> None:
    threads = Threads()
    for number in range(1200):
        with threads.entered("a", str(number)) as thread:
            thread.reference = str(number)
    with threads.entered("a", "1199") as kept, threads.entered("a", "3") as forgotten:
        assert (kept.reference, forgotten.reference) == ("1199", "")


def test_a_thread_in_use_is_kept() -> None:
    threads = Threads()
    with threads.entered("a", "first") as thread:
        thread.reference = "1"
        for number in range(1200):
            with threads.entered("a", str(number)):
                pass
        with pytest.raises(AssertionError), threads.entered("b", "first") as other:
            assert other.reference == "1"
    assert threads._known[("a", "first")] is thread


def test_another_process_finds_the_thread_of_a_run() -> None:
    one, other = InMemoryAlerter(space="threads"), InMemoryAlerter(space="threads")
    first = one.post(Alert("begun", thread="run 1"))
    assert other.post(Alert("ended", thread="run 1")).deliveries[0].messages[0].thread == first.id
    assert one.post(Alert("reply", thread=one.post(Alert("alone")).thread)).deliveries[0].messages[0].thread == one.outbox[2].id
    forget("threads")
