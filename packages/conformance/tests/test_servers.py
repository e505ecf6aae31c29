"""Servers in this process, and harnesses that start them, by real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from dovetail_conformance import Harness, until
from dovetail_conformance.servers import HttpAnswer, HttpRequest, HttpServer, TcpServer


class Notes(HttpServer):
    """Keeps what is posted, tells it, and does badly at two addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []
        self.within: list[bool] = []

    def answer(self, request: HttpRequest) -> HttpAnswer | None:
        self.within.append(self.lock.locked())
        if request.path == "/fails":
            raise ValueError("notes cannot be had")
        if request.method == "POST":
            self.kept.append(request.body.decode())
        if request.path == "/lost":
            return None
        return HttpAnswer.json({"kept": self.kept, "query": dict(request.query), "told": request.headers.get("x-told", "")})


class Echo(TcpServer):
    def talk(self, received: BinaryIO, sent: BinaryIO) -> None:
        for line in received:
            sent.write(line.upper())


@pytest.fixture
def notes() -> Iterator[Notes]:
    with Notes() as server:
        yield server


@pytest.fixture
def client(notes: Notes) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", notes.port, timeout=10)
    yield connection
    connection.close()


def test_requests_on_one_connection_are_answered_each(client: http.client.HTTPConnection, notes: Notes) -> None:
    client.request("POST", "/a%20b?x=1&y=&x=2", "one", {"X-Told": "yes"})
    response = client.getresponse()
    assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(response.read()) == {"kept": ["one"], "query": {"x": "2", "y": ""}, "told": "yes"}
    client.request("HEAD", "/")
    head = client.getresponse()
    assert head.read() == b"" and int(head.headers["Content-Length"]) > 0
    client.request("GET", "/")
    assert client.getresponse().status == 200 and notes.within == [True, True, True]


def test_an_answer_that_is_none_is_lost_and_what_was_asked_is_done(client: http.client.HTTPConnection, notes: Notes) -> None:
    client.request("POST", "/lost", "one")
    with pytest.raises(http.client.RemoteDisconnected):
        client.getresponse()
    assert notes.kept == ["one"]


def test_a_request_that_is_cut_short_is_none(notes: Notes) -> None:
    with socket.create_connection(("127.0.0.1", notes.port), 10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000) == b""
    assert notes.kept == [] and notes.within == []


def test_a_body_in_chunks_is_refused_and_not_taken_for_a_request(client: http.client.HTTPConnection, notes: Notes) -> None:
    client.request("POST", "/", iter([b"GET / HTTP/1.1\r\n\r\n"]), encode_chunked=True)
    response = client.getresponse()
    assert response.status == 411
    response.read()
    assert notes.within == []


def test_an_error_of_a_server_is_printed_and_that_of_a_client_is_not(
    client: http.client.HTTPConnection, notes: Notes, capfd: pytest.CaptureFixture[str]
) -> None:
    client.request("GET", "/fails")
    with pytest.raises(http.client.RemoteDisconnected):
        client.getresponse()
    until(lambda: "notes cannot be had" in capfd.readouterr().err, 10, did="looked at what was printed")
    before = set(threading.enumerate())
    with socket.create_connection(("127.0.0.1", notes.port), 10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing it resets the connection
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
    until(lambda: set(threading.enumerate()) <= before, 10, did="waited for the server to let go of the client")
    assert capfd.readouterr().err == ""


def test_a_server_of_anything_talks_with_several_at_once_and_ends_with_its_block() -> None:
    with Echo() as echo, socket.create_connection(("127.0.0.1", echo.port), 10) as idle:
        with socket.create_connection(("127.0.0.1", echo.port), 10) as other:
            other.sendall(b"hello\n")
            assert other.recv(100) == b"HELLO\n"
        idle.sendall(b"there\n")
        assert idle.recv(100) == b"THERE\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", echo.port), 10)


def test_what_a_harness_enters_ends_with_it_and_the_last_first() -> None:
    ended: list[str] = []

    @contextmanager
    def named(name: str) -> Iterator[str]:
        yield name
        ended.append(name)

    with Harness() as harness:
        assert [harness.enter_context(named(name)) for name in ("server", "proxy")] == ["server", "proxy"]
        assert ended == []
    assert ended == ["proxy", "server"]
