"""Servers in threads of this process: what the harness of a flavor behind a wire starts where the service itself is not at hand."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, BinaryIO, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

__all__ = ["HttpAnswer", "HttpRequest", "HttpServer", "TcpServer"]

_PAUSE = 0.02
"""Seconds between looks at whether to end; leaving a server takes as long."""


class _Server(ABC):
    """Serves a handler of `socketserver` while it is entered."""

    _handler: ClassVar[type[socketserver.BaseRequestHandler]]

    def __init__(self) -> None:
        self.port: int = 0
        """Port of 127.0.0.1, from when the server is entered."""

    def __enter__(self) -> Self:
        self._listening = _Listening(self, self._handler)
        self.port = self._listening.server_address[1]
        threading.Thread(target=self._listening.serve_forever, args=(_PAUSE,), name=type(self).__name__, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listening.shutdown()
        self._listening.server_close()


class _Listening(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, owner: Any, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, unless a client broke off: rules about wires make clients do that."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Talk(socketserver.StreamRequestHandler):
    server: _Listening

    def handle(self) -> None:
        self.server.owner.talk(self.rfile, self.wfile)


class TcpServer(_Server):
    """A server on a free port of 127.0.0.1, `port`, as a context manager. An author writes `talk`.

    An error of `talk` ends the connection, and is printed, unless it is that of a client that broke off.
    """

    _handler = _Talk

    @abstractmethod
    def talk(self, received: BinaryIO, sent: BinaryIO) -> None:
        """Hear and answer one client, in a thread of its own; the connection ends with the call."""


@dataclass(frozen=True)
class HttpRequest:
    """What a client asks for."""

    method: str
    """In capitals, such as `GET`."""
    path: str
    """Without the query, quoted as it came."""
    query: Mapping[str, str]
    """The parameters; the last of those with one name."""
    headers: Message
    """By names in any case."""
    body: bytes
    """Whole: what is cut short is no request."""


@dataclass(frozen=True)
class HttpAnswer:
    """What a client is answered."""

    status: int
    """Code, such as 200."""
    body: bytes = b""
    """To `HEAD`, only its length is sent."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Others than that of the length."""

    @classmethod
    def json(cls, document: Any, status: int = 200) -> Self:
        """Return an answer whose body is a document."""
        return cls(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


class _Http(BaseHTTPRequestHandler):
    server: _Listening
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(411)
            return
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        answer = self._decided(body) if len(body) == length else None
        if answer is None:
            self.close_connection = True
        else:
            self._send(answer)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = _serve

    def _decided(self, body: bytes) -> HttpAnswer | None:
        place = urlsplit(self.path)
        query = dict(parse_qsl(place.query, keep_blank_values=True))
        with self.server.owner.lock:
            answer: HttpAnswer | None = self.server.owner.answer(HttpRequest(self.command, place.path, query, self.headers, body))
        return answer

    def _send(self, answer: HttpAnswer) -> None:
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Print nothing: only failures of rules are to be told."""


class HttpServer(_Server):
    """A server of HTTP/1.1 on a free port of 127.0.0.1, `port`, as a context manager. An author writes `answer`.

    An error of `answer` ends the connection, and is printed. A request whose body comes in chunks is answered 411.
    """

    _handler = _Http

    def __init__(self) -> None:
        super().__init__()
        self.lock: threading.Lock = threading.Lock()
        """Held while a request is answered, and by harnesses that look at what requests change."""

    @abstractmethod
    def answer(self, request: HttpRequest) -> HttpAnswer | None:
        """Do what a request asks for, one at a time, and return what is answered; None drops the connection instead."""
