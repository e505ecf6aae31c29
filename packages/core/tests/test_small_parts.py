"""Retries, resources, time stamps, hooks, and the facade."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from pydantic import ValidationError

import dovetail_core
from dovetail_core import Hooks, NotFound, RateLimited, Resources, RetryPolicy, Unavailable, hookimpl, new_id, retrying, utcnow
from dovetail_core.retry import delays


def failing(*errors: BaseException) -> Any:
    """Return a call that raises one error after the other and then succeeds, and the list of its calls."""
    left, calls = list(errors), []

    def call() -> str:
        calls.append(time.monotonic())
        if left:
            raise left.pop(0)
        return "done"

    return call, calls


def test_passing_faults_are_retried_and_others_are_not() -> None:
    call, calls = failing(Unavailable("x"), Unavailable("x"))
    assert retrying(call, first=0.001) == "done"
    assert len(calls) == 3
    call, calls = failing(NotFound("x"))
    with pytest.raises(NotFound):
        retrying(call)
    assert len(calls) == 1
    call, calls = failing(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        retrying(call)
    assert len(calls) == 1


def test_retries_end_after_the_attempts_and_before_the_time() -> None:
    call, calls = failing(*[Unavailable("x")] * 9)
    with pytest.raises(Unavailable):
        retrying(call, attempts=3, first=0.001)
    assert len(calls) == 3
    call, calls = failing(*[RateLimited("x", retry_after=60.0)] * 9)
    with pytest.raises(RateLimited):
        retrying(call, within=1.0)
    assert len(calls) == 1


def test_what_the_backend_asks_for_is_waited() -> None:
    call, calls = failing(RateLimited("x", retry_after=0.2))
    retrying(call, first=0.001)
    assert calls[1] - calls[0] >= 0.2


def test_waits_grow_up_to_the_longest() -> None:
    assert list(islice(delays(first=1, factor=3, longest=5, jitter=0), 4)) == [1, 3, 5, 5]
    assert list(RetryPolicy(retries=3, delay=2, backoff=2).waits()) == [2, 4, 8]
    assert list(RetryPolicy().waits()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8GB", 8 * 10**9), ("8GiB", 8 * 2**30), ("1.5 MiB", 1572864), ("512", 512), ("3kB", 3000), ("2 TiB", 2 * 2**40)],
)
def test_units_of_memory_differ(text: str, expected: int) -> None:
    assert Resources(memory=text).memory == expected


@pytest.mark.parametrize("wrong", ["8 gb", "8G", "lots", "-1GB", "8 GBB"])
def test_a_misspelt_amount_is_refused_saying_how_to_write_it(wrong: str) -> None:
    with pytest.raises(ValidationError, match="'8GB' or '8GiB'"):
        Resources(memory=wrong)


def test_none_asked_for_and_nothing_said_differ() -> None:
    assert Resources(gpu=0).requested() == {"gpu": 0}
    assert Resources().requested() == {}
    with pytest.raises(ValidationError):
        Resources(gpu=-1)
    with pytest.raises(ValidationError):
        Resources(gpus=1)


def test_identifiers_are_unique_and_in_order_of_time() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.extend(new_id() for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8000
    first = new_id()
    time.sleep(0.005)
    assert first < new_id() and len(first) == 32
    assert utcnow().utcoffset() is not None


class Good:
    @hookimpl
    def dovetail_commands(self) -> list[str]:
        return ["good"]


class Bad:
    @hookimpl
    def dovetail_commands(self) -> list[str]:
        raise RuntimeError("broken plugin")


class Late:
    @hookimpl
    def dovetail_commands(self) -> Iterator[str]:
        yield "early"
        raise RuntimeError("broken generator")


class Single:
    @hookimpl
    def dovetail_commands(self) -> int:
        return 5


class Greedy:
    @hookimpl
    def dovetail_commands(self, weather: str) -> list[str]:
        return [weather]


class Unknown:
    @hookimpl
    def dovetail_no_such_hook(self) -> None: ...


def test_a_plugin_that_raises_is_logged_and_the_others_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    hooks = Hooks()
    assert not hooks.implement("dovetail_commands")
    hooks.register(Good(), "good")
    hooks.register(Bad(), "bad")
    assert hooks.call("dovetail_commands") == [["good"]]
    assert "hook plugin bad failed in dovetail_commands" in caplog.text


def test_a_plugin_whose_generator_fails_later_is_logged_and_the_others_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    hooks = Hooks()
    for name, plugin in (("late", Late()), ("single", Single()), ("good", Good())):
        hooks.register(plugin, name)
    assert hooks.call("dovetail_commands") == [["good"]]
    assert "hook plugin late failed in dovetail_commands" in caplog.text
    assert "hook plugin single failed in dovetail_commands" in caplog.text


@pytest.mark.parametrize(("wrong", "said"), [("Unknown", "dovetail_no_such_hook"), ("Greedy", "weather")])
def test_a_plugin_that_does_not_fit_the_hooks_is_refused_and_harms_no_later_one(wrong: str, said: str) -> None:
    hooks = Hooks()
    with pytest.raises(Exception, match=said):
        hooks.register(globals()[wrong](), "wrong")
    hooks.register(Good(), "good")
    assert hooks.call("dovetail_commands") == [["good"]]
    with pytest.raises(ValueError, match="good"):
        hooks.register(Bad(), "good")
    assert hooks.call("dovetail_commands") == [["good"]]


def test_a_plugin_that_is_registered_twice_stays() -> None:
    hooks, plugin = Hooks(), Good()
    hooks.register(plugin, "good")
    with pytest.raises(ValueError, match="registered already"):
        hooks.register(plugin, "again")
    assert hooks.call("dovetail_commands") == [["good"]]


def test_the_facade_imports_nothing_until_it_is_asked() -> None:
    code = "import sys, dovetail_core, dovetail_core.discovery; print([m for m in ('pydantic', 'pluggy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    with pytest.raises(AttributeError):
        dovetail_core.no_such_name  # noqa: B018
