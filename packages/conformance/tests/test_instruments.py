"""The instruments: each does what it says to real sockets, files and processes."""

from __future__ import annotations

import errno
import http.client
import logging
import os
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spawned import Doomed, Nothing, Refusing, Widget, double, put, wait, write

from dovetail_conformance import HarnessError, RuleFailure, Untested, until
from dovetail_conformance.audit import audited, ending, exempt
from dovetail_conformance.instruments import (
    Action,
    Call,
    Census,
    Corrupt,
    CorruptRequest,
    Delay,
    Elsewhere,
    FaultDidNotFire,
    FaultProxy,
    Hang,
    Hold,
    Redirect,
    ResetAfter,
    ResetBefore,
    Status,
    SyscallShim,
    Truncate,
    TruncateRequest,
    capture,
    kill_after,
    kill_at_call,
    kill_at_request,
    workers,
)
from dovetail_conformance.servers import HttpAnswer, HttpRequest, HttpServer
from dovetail_conformance.waiting import within
from dovetail_core import NotFound

BODY = bytes(range(256)) * 4000


class Backend(HttpServer):
    """Answers GET with a large body, and keeps what is put."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[bytes] = []

    def answer(self, request: HttpRequest) -> HttpAnswer:
        if request.method != "PUT":
            return HttpAnswer(200, BODY)
        self.kept.append(request.body)
        return HttpAnswer(200, b"kept")


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as made:
        yield made


@pytest.fixture
def proxy(backend: Backend) -> Iterator[FaultProxy]:
    with FaultProxy("127.0.0.1", backend.port) as made:
        yield made


def ask(proxy: FaultProxy, method: str = "GET", body: bytes | None = None, timeout: float = 10) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)
    try:
        connection.request(method, "/d/x?a=1", body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_what_is_not_disturbed_goes_through_and_is_logged(proxy: FaultProxy, backend: Backend) -> None:
    mark = proxy.mark()
    assert ask(proxy) == (200, BODY)
    assert ask(proxy, "HEAD") == (200, b"")
    assert ask(proxy, "PUT", BODY) == (200, b"kept") and backend.kept == [BODY]
    seen = [(item.method, item.path, item.query, item.status, item.request_bytes, item.response_bytes) for item in proxy.since(mark)]
    assert seen == [
        ("GET", "/d/x", "a=1", 200, 0, len(BODY)),
        ("HEAD", "/d/x", "a=1", 200, 0, 0),
        ("PUT", "/d/x", "a=1", 200, len(BODY), 4),
    ]


def test_one_connection_serves_several_requests(proxy: FaultProxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/")
        assert connection.getresponse().read() == BODY
    connection.close()
    assert proxy.count == 3


def test_expect_and_chunked_bodies_go_through(proxy: FaultProxy, backend: Backend) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), 10) as found:
        found.sendall(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert found.recv(100).startswith(b"HTTP/1.1 100 Continue")  # some clients do not know it without its reason
        found.sendall(b"abc")
        until(lambda: backend.kept == [b"abc"], 10)


@pytest.mark.parametrize(("action", "applied"), [(ResetBefore(), False), (ResetAfter(), True), (TruncateRequest(10), False)])
def test_a_connection_is_reset(proxy: FaultProxy, backend: Backend, action: Action, applied: bool) -> None:
    with proxy.fault(action, method="PUT") as fault, pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(proxy, "PUT", BODY)
    assert fault.fired == 1
    assert backend.kept == ([BODY] if applied else [])
    assert ask(proxy)[0] == 200


def test_answers_are_made_up_cut_and_altered(proxy: FaultProxy, backend: Backend) -> None:
    with proxy.fault(Status(503, {"Retry-After": "1"}, b"later")):
        assert ask(proxy, "PUT", BODY) == (503, b"later") and backend.kept == []
    with proxy.fault(Redirect("http://127.0.0.1:1/")):
        assert ask(proxy)[0] == 307
    with proxy.fault(Truncate(1000)), pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask(proxy)
    with proxy.fault(Corrupt()):
        status, body = ask(proxy)
        assert status == 200 and body != BODY and len(body) == len(BODY)
    with proxy.fault(CorruptRequest()):
        ask(proxy, "PUT", BODY)
        assert backend.kept[0] != BODY and len(backend.kept[0]) == len(BODY)


def test_a_request_is_held_until_it_is_released(proxy: FaultProxy, backend: Backend) -> None:
    with proxy.fault(Hold(), method="PUT") as fault:
        held = threading.Thread(target=ask, args=(proxy, "PUT", b"held"))
        held.start()
        fault.arrived()
        ask(proxy, "PUT", b"passes")
        assert backend.kept == [b"passes"]
        fault.release()
        held.join(10)
    assert backend.kept == [b"passes", b"held"]


def test_a_hanging_peer_answers_nothing_and_lets_go_at_the_end(proxy: FaultProxy) -> None:
    with proxy.fault(Hang(), times=None), pytest.raises(TimeoutError):
        ask(proxy, timeout=0.3)
    assert ask(proxy)[0] == 200


def test_delays_and_calls_let_the_request_pass(proxy: FaultProxy) -> None:
    called: list[int] = []
    with proxy.fault(Delay(0.01)), proxy.fault(Call(lambda: called.append(1))):
        assert ask(proxy)[0] == 200 and ask(proxy)[0] == 200
    assert called == [1]


def test_the_nth_request_is_chosen(proxy: FaultProxy) -> None:
    with proxy.fault(Status(500), method="GET", path="/d/", nth=2, times=2) as fault:
        assert [ask(proxy)[0] for _ in range(4)] == [200, 500, 500, 200]
    assert (fault.fired, fault.seen) == (2, 4)


def test_a_fault_that_did_not_fire_says_so_unless_something_else_failed(proxy: FaultProxy) -> None:
    with pytest.raises(FaultDidNotFire), proxy.fault(Status(500), path="/other"):
        ask(proxy)
    with pytest.raises(ZeroDivisionError), proxy.fault(Status(500), path="/other"):
        1 / 0  # noqa: B018


def test_many_at_once_go_through(proxy: FaultProxy) -> None:
    results = workers(lambda _: ask(proxy), [(number,) for number in range(16)])
    assert results == [(200, BODY)] * 16


def test_a_process_is_killed_at_a_request_before_it_is_applied(proxy: FaultProxy, backend: Backend) -> None:
    assert kill_at_request(put, proxy.url, proxy=proxy, nth=3).killed
    assert backend.kept == [b"0", b"1"]
    assert not kill_at_request(put, proxy.url, proxy=proxy, nth=9).killed


def test_a_process_is_killed_at_a_file_operation(tmp_path: Path) -> None:
    assert kill_at_call(write, tmp_path, directory=tmp_path, nth=4).killed  # open, write, open, write
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"data", "b": b""}
    assert not kill_at_call(write, tmp_path, directory=tmp_path, nth=99).killed


def test_a_process_is_killed_after_a_time() -> None:
    assert kill_after(wait, seconds=0.05).killed


def test_file_operations_fail_below_the_directory_only(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    with SyscallShim(inside) as shim:
        with shim.fault("write", errno.ENOSPC) as fault:
            write(outside)
            with pytest.raises(OSError, match="No space") as caught:
                write(inside)
        assert caught.value.errno == errno.ENOSPC and fault.fired == 1
        with shim.short_write(2):
            descriptor = os.open(inside / "short", os.O_WRONLY | os.O_CREAT)
            assert os.write(descriptor, b"12345") == 2
            os.close(descriptor)
        assert [operation.name for operation in shim.since(0)] == ["open", "write", "open", "write"]
        with pytest.raises(FaultDidNotFire), shim.fault("rename", errno.EIO):
            write(outside)
    assert os.write.__module__ in ("posix", "nt")  # everything is as before


def test_a_fault_that_was_not_done_says_what_was_armed_and_what_came(tmp_path: Path) -> None:
    with SyscallShim(tmp_path) as shim:
        armed = r"armed: rename number 1; seen below .*: open \(3\), write \(3\), close \(3\)"
        with pytest.raises(FaultDidNotFire, match=armed), shim.fault("rename", errno.EIO):
            write(tmp_path)
        with pytest.raises(FaultDidNotFire, match="no operation of `os`"), shim.fault(None, errno.EIO):
            pass


def test_a_shim_that_was_not_entered_is_an_error(tmp_path: Path) -> None:
    shim = SyscallShim(tmp_path)
    for use in (lambda: shim.fault(None, errno.EIO), lambda: shim.short_write(1), lambda: shim.hold("write"), shim.mark):
        with pytest.raises(HarnessError, match="was not entered"):
            use()


def test_counting_up_ends_where_nothing_comes_but_not_at_the_first(tmp_path: Path) -> None:
    with SyscallShim(tmp_path) as shim:
        with shim.fault("write", errno.EIO, nth=9) as fault:
            write(tmp_path)
            assert not fault.reached()
        with pytest.raises(FaultDidNotFire), shim.fault("rename", errno.EIO) as fault:
            assert not fault.reached()


def test_a_file_operation_is_held(tmp_path: Path) -> None:
    with SyscallShim(tmp_path) as shim, shim.hold("write") as fault:
        thread = threading.Thread(target=write, args=(tmp_path,))
        thread.start()
        fault.arrived()
        assert (tmp_path / "a").read_bytes() == b""
        fault.release()
        thread.join(10)
    assert (tmp_path / "c").read_bytes() == b"data"


SECRET = 's3cr3t/+ value"1'


def _leaks() -> dict[str, Any]:
    import base64
    import json
    from urllib.parse import quote

    def start() -> None:
        subprocess.run([sys.executable, "-c", ""], env={**os.environ, "TOKEN": SECRET}, check=True)

    return {
        "log of deep": lambda: logging.getLogger("deep").debug("token %s", SECRET),
        "standard output": lambda: print(base64.b64encode(b"user:" + SECRET.encode()).decode()),
        "standard error": lambda: print(quote(SECRET, safe=""), file=sys.stderr),
        "a warning": lambda: warnings.warn(json.dumps(SECRET), stacklevel=1),
        "arguments or environment of a child": start,
    }


@pytest.mark.parametrize("place", _leaks())
def test_a_secret_is_found_wherever_it_can_be_seen(place: str) -> None:
    with capture() as seen:
        _leaks()[place]()
    assert seen.finds(SECRET) == [place]


def test_a_secret_is_found_in_errors_and_their_causes_and_not_where_it_is_not() -> None:
    with capture() as seen:
        try:
            try:
                raise ValueError(f"bad token {SECRET}")
            except ValueError as error:
                raise RuntimeError("failed") from error
        except RuntimeError as error:
            seen.add_error(error)
    assert any("cause" in place for place in seen.finds(SECRET))
    with capture() as clean:
        logging.getLogger("deep").debug("nothing")
        clean.look_at(Widget())
    assert clean.finds(SECRET) == []


def test_a_secret_that_is_found_anywhere_is_not_looked_for() -> None:
    with capture() as seen:
        logging.getLogger("deep").debug("a test of 0 and abc, %s", SECRET)
    for secret in ("test", "abc"):
        with pytest.raises(Untested, match="too short to look for"):
            seen.finds(secret)
        with pytest.raises(Untested, match="too short to look for"):
            seen.places([secret])
    assert seen.places(["test", SECRET]) == ["log of deep"] and seen.places(["test", "another-secret"]) == []


def test_every_thread_is_heard_but_for_those_that_are_exempt_and_those_that_they_start(tmp_path: Path) -> None:
    def make(name: str) -> None:
        (tmp_path / name).mkdir()

    def start(name: str) -> None:
        thread = threading.Thread(target=make, args=(name,))
        thread.start()
        thread.join()

    suites, flavors = (threading.Thread(target=start, args=(name,)) for name in ("of-the-suite", "of-the-flavor"))
    exempt([suites])
    with audited("os.mkdir", every_thread=True) as every, audited("os.mkdir") as own, ending(10):
        suites.start()
        flavors.start()
        make("here")
    assert sorted(tmp_path.iterdir()) == [tmp_path / name for name in ("here", "of-the-flavor", "of-the-suite")]
    assert sorted(Path(text.split("'")[1]).name for _, text in every) == ["here", "of-the-flavor"]
    assert ["here" in text for _, text in own] == [True]


def test_a_census_tells_what_is_left() -> None:
    before = Census.take()
    assert Census.settled(before, 1) == {}
    descriptor = os.open(os.devnull, os.O_RDONLY)
    stop = threading.Event()
    threading.Thread(target=stop.wait).start()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    left = " ".join(Census.take().beyond(before))
    assert "/dev/null" in left and "threads" in left and "child" in left
    os.close(descriptor)
    stop.set()
    child.kill()
    child.wait()
    assert Census.settled(before, 10) == {}


def test_a_component_elsewhere_is_in_another_process() -> None:
    with Elsewhere(Widget, Nothing()) as other:
        assert other.pid() == other.process_id != os.getpid()
        assert other.add(1, other=2) == 3 and other.each() == [1, 2]
        with pytest.raises(NotFound, match="there is none"):
            other.fail()
        assert other.add(1) == 2


def test_a_component_that_dies_elsewhere_is_said_to() -> None:
    with Elsewhere(Widget, Nothing()) as other:
        os.kill(other.process_id, 9)
        with pytest.raises(HarnessError, match="the second process died in add"):
            other.add(1)


def test_a_component_that_dies_elsewhere_while_it_is_made_is_no_fault_of_the_flavor() -> None:
    before = Census.take()
    with pytest.raises(HarnessError, match="the second process died while it started"):
        Elsewhere(Doomed, Nothing())
    with pytest.raises(ValueError, match="not like this"):
        Elsewhere(Refusing, Nothing())
    assert Census.settled(before, 10) == {}


@pytest.mark.parametrize("kind", ["thread", "spawn", "fork"])
def test_workers_return_results_and_errors_in_order(kind: str) -> None:
    results = workers(double, [(number,) for number in range(4)], kind=kind)
    assert results[:3] == [0, 2, 4] and isinstance(results[3], ValueError)


def test_waiting_ends() -> None:
    until(lambda: True)
    with pytest.raises(RuleFailure):
        until(lambda: False, 0.05)
    assert within(5, lambda: 7, did="") == 7
    with pytest.raises(RuleFailure):
        within(0.05, wait, did="waited")
    with pytest.raises(ValueError, match="three"):
        within(5, lambda: double(3), did="")
