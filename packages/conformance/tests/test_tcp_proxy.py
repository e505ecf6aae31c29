"""The fault proxy for wires that are not HTTP, before a server that greets, keeps lines, and answers each."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from dovetail_conformance import until
from dovetail_conformance.instruments import (
    Call,
    Corrupt,
    CorruptRequest,
    Delay,
    FaultDidNotFire,
    FaultProxy,
    Hang,
    Hold,
    Redirect,
    Reply,
    ResetAfter,
    ResetBefore,
    Status,
    Strike,
    TcpProxy,
    Truncate,
    TruncateRequest,
    Unsuitable,
    workers,
)
from dovetail_conformance.servers import TcpServer


class Server(TcpServer):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[bytes] = []

    def talk(self, received: BinaryIO, sent: BinaryIO) -> None:
        sent.write(b"hello\n")
        for line in received:
            if line.endswith(b"\n"):
                self.kept.append(line.strip())
                sent.write(b"kept " + line)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        yield made


@pytest.fixture
def proxy(server: Server) -> Iterator[TcpProxy]:
    with TcpProxy("127.0.0.1", server.port) as made:
        yield made


class Client:
    """A client of lines; an answer that does not come whole is a ConnectionError."""

    def __init__(self, proxy: TcpProxy, timeout: float = 10) -> None:
        self.socket = socket.create_connection(proxy.address, timeout)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def line(self) -> bytes:
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError(f"cut: {line!r}")
        return line.strip()

    def say(self, line: bytes) -> bytes:
        self.socket.sendall(line + b"\n")
        return self.line()


def test_what_is_not_disturbed_goes_through_and_is_logged_by_turns(proxy: TcpProxy, server: Server) -> None:
    mark = proxy.mark()
    with Client(proxy) as client:
        assert client.line() == b"hello"
        assert client.say(b"one") == b"kept one" and client.say(b"second") == b"kept second"
    assert server.kept == [b"one", b"second"] and proxy.connections == 1
    seen = [(turn.connection, turn.opening, turn.data, turn.request_bytes, turn.response_bytes) for turn in proxy.since(mark)]
    assert seen == [(1, True, b"", 0, 6), (1, False, b"one\n", 4, 9), (1, False, b"second\n", 7, 12)]
    assert [(turn.number, turn.sent_before, turn.received_before) for turn in proxy.requests] == [(1, 0, 0), (2, 0, 6), (3, 4, 15)]
    until(lambda: all(turn.ended for turn in proxy.requests), 10)


def test_much_goes_through_both_ways(proxy: TcpProxy, server: Server) -> None:
    line = b"x" * 3_000_000
    with Client(proxy) as client:
        client.line()
        assert client.say(line) == b"kept " + line
    assert proxy.requests[1].request_bytes == len(line) + 1


def test_a_client_that_has_said_all_is_answered_still(proxy: TcpProxy) -> None:
    with Client(proxy) as client:
        client.socket.sendall(b"last\n")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.file.read() == b"hello\nkept last\n"


@pytest.mark.parametrize(("action", "applied"), [(ResetBefore(), False), (ResetAfter(), True), (TruncateRequest(3), False)])
def test_the_turn_that_matches_is_reset(proxy: TcpProxy, server: Server, action: object, applied: bool) -> None:
    with Client(proxy) as client, proxy.fault(action, data=rb"^COMMIT") as fault:  # type: ignore[arg-type]
        client.line()
        client.say(b"insert")
        with pytest.raises(ConnectionError):
            client.say(b"COMMIT")
    assert fault.fired == 1 and server.kept == [b"insert", *([b"COMMIT"] if applied else [])]
    with Client(proxy) as client:
        assert client.line() == b"hello"


def test_answers_and_requests_are_cut_and_altered(proxy: TcpProxy, server: Server) -> None:
    with Client(proxy) as client, proxy.fault(Corrupt()):
        client.line()
        came = client.say(b"one")
        assert came != b"kept one" and len(came) == 8
    with Client(proxy) as client, proxy.fault(CorruptRequest()):
        client.line()
        client.say(b"three")
    assert server.kept[1] != b"three" and len(server.kept[1]) == 5
    with Client(proxy) as client, proxy.fault(Truncate(6)), pytest.raises(ConnectionError):
        client.line()
        client.say(b"two")


def test_a_turn_is_held_while_another_connection_passes(proxy: TcpProxy, server: Server) -> None:
    with Client(proxy) as first, Client(proxy) as second, proxy.fault(Hold(), data=b"held") as fault:
        first.line()
        second.line()
        waiting = threading.Thread(target=first.say, args=(b"held",))
        waiting.start()
        fault.arrived()
        assert second.say(b"passes") == b"kept passes" and server.kept == [b"passes"]
        fault.release()
        waiting.join(10)
    assert server.kept == [b"passes", b"held"]


def test_a_hanging_turn_is_never_answered(proxy: TcpProxy, server: Server) -> None:
    with Client(proxy, timeout=0.3) as client, proxy.fault(Hang()):
        client.line()
        with pytest.raises(TimeoutError):
            client.say(b"one")
    assert server.kept == []


def test_delays_and_calls_let_a_turn_pass_and_a_strike_does_not(proxy: TcpProxy, server: Server) -> None:
    called: list[int] = []
    with Client(proxy) as client, proxy.fault(Delay(0.01)), proxy.fault(Call(lambda: called.append(1))):
        client.line()
        client.say(b"one")
        client.say(b"two")
        with proxy.fault(Strike(lambda: called.append(2))), pytest.raises(ConnectionError):
            client.say(b"three")
    assert called == [1, 2] and server.kept == [b"one", b"two"]


def test_connections_and_places_in_them_are_chosen(proxy: TcpProxy) -> None:
    def greeted(_: int) -> bytes:
        with Client(proxy) as client:
            return client.line()

    with proxy.fault(ResetBefore(), opening=True, nth=2) as fault:
        found = [workers(greeted, [(number,)])[0] for number in range(3)]
    assert [isinstance(item, ConnectionError) for item in found] == [False, True, False] and fault.seen == 3
    with Client(proxy) as client, proxy.fault(ResetBefore(), where=lambda turn: turn.sent_before >= 8):
        client.line()
        client.say(b"one")
        client.say(b"two")
        with pytest.raises(ConnectionError):
            client.say(b"three")


def test_a_fault_that_nothing_came_for_says_so(proxy: TcpProxy) -> None:
    with pytest.raises(FaultDidNotFire), proxy.fault(ResetAfter()), Client(proxy) as client:
        client.line()


def test_what_a_wire_has_no_answer_for_is_an_error_of_whoever_asked_for_it(proxy: TcpProxy) -> None:
    for action in (Status(503), Redirect("http://127.0.0.1/"), b"busy"):
        with pytest.raises(Unsuitable, match="take `Reply`"):
            proxy.fault(action)  # type: ignore[arg-type]
    with pytest.raises(Unsuitable, match="take `Status`"):
        FaultProxy("127.0.0.1", 9).fault(Reply(b"busy"))


def test_a_reply_is_heard_whole_and_nothing_is_forwarded(proxy: TcpProxy, server: Server) -> None:
    with Client(proxy) as client, proxy.fault(Reply(b"busy\n"), data=rb"^two") as fault:
        client.line()
        assert client.say(b"one") == b"kept one"
        client.socket.sendall(b"two\n")
        client.socket.sendall(b"x" * 300_000)  # what is not read when a connection closes resets it
        assert client.line() == b"busy" and client.file.read() == b""
    assert fault.fired == 1 and server.kept == [b"one"]
    with proxy.fault(Reply(b"too many\n"), opening=True), Client(proxy) as client:
        assert client.line() == b"too many"


QUIET = """
import gc, socket, threading, time
from dovetail_conformance.instruments import Hang, TcpProxy

def serve(listener, kept):
    try:
        while True:
            kept.append(listener.accept()[0])
            kept[-1].sendall(b"hello")
    except OSError:
        return

kept = []
listener = socket.create_server(("127.0.0.1", 0))
server = threading.Thread(target=serve, args=(listener, kept))
server.start()
with TcpProxy(*listener.getsockname()) as proxy, proxy.fault(Hang(), times=None) as fault:
    for number in range(30):
        client = socket.create_connection(proxy.address)
        kept.append(client)
        client.recv(5)
        client.sendall(b"one")
        if number % 3 == 0:
            client.shutdown(socket.SHUT_WR)
        if number % 3 == 1:
            client.close()
        gc.collect()
    fault.arrived()
    gc.collect()
listener.shutdown(socket.SHUT_RDWR)
server.join()
for each in (listener, *kept):
    each.close()
gc.collect()
"""


def test_what_is_open_when_a_proxy_is_closed_ends_in_silence() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", QUIET], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0 and done.stderr == "", done.stderr


def test_a_backend_that_is_gone_closes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with TcpProxy("127.0.0.1", port) as proxy, Client(proxy) as client, pytest.raises(ConnectionError):
        client.line()
