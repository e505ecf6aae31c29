"""A fake Slack on loopback: the Web API, incoming webhooks, uploads, and Socket Mode.

What it enforces is what Slack publishes (see `methods`, `blocks`): tokens, scopes, membership, archived channels, required fields, limits.
What it lacks: everything that alerters do not call; Slack's own limits of rate (a limit is made by `disturb`); asynchronous processing of
files; formatting of mrkdwn beyond mentions and links.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from dovetail_alerter_slack.testing.methods import Methods, Refusal, _check_content
from dovetail_alerter_slack.testing.sockets import Sockets
from dovetail_alerter_slack.testing.workspace import Channel, FakeWorkspace


@dataclass(frozen=True)
class Answer:
    """What a request is answered."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    """The request is done, and the connection is cut instead of an answer."""


@dataclass
class Disturbance:
    """What becomes of messages to some channels, in place of what was asked."""

    answer: Answer
    channels: frozenset[str]
    after: int
    times: int | None
    done: int = 0
    fired: int = 0

    def takes(self, channel: str) -> bool:
        """Tell whether the next message to a channel is disturbed, and count it."""
        if channel not in self.channels:
            return False
        self.done += 1
        if self.done <= self.after or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


class FakeSlack:
    """A workspace and its servers on free ports of 127.0.0.1, as a context manager."""

    def __init__(self) -> None:
        self.workspace: FakeWorkspace = FakeWorkspace()
        self.sockets: Sockets = Sockets(self.workspace)
        self._methods = Methods(self.workspace, self.sockets.url)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fake-slack", daemon=True)
        self._disturbances: list[Disturbance] = []
        self.attempts: list[tuple[float, str]] = []
        """When a message was sent, by `time.monotonic`, and to which channel."""
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self.sockets.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.sockets.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @contextmanager
    def disturb(self, answer: Answer, channels: frozenset[str], *, after: int = 0, times: int | None = None) -> Iterator[Disturbance]:
        """Give an answer of one's own to messages to channels, by their ids, while the block lasts."""
        disturbance = Disturbance(answer, channels, after, times)
        self._disturbances.append(disturbance)
        try:
            yield disturbance
        finally:
            self._disturbances.remove(disturbance)

    def api(self, method: str, token: str, arguments: dict[str, Any], host: str) -> Answer:
        """Answer a call of a method."""

        def done() -> Answer:
            return Answer(200, json.dumps(self._methods.call(method, token, arguments, host)))

        return self._message(str(arguments.get("channel", "")), done) if method == "chat.postMessage" else done()

    def webhook(self, path: str, body: str) -> Answer:
        """Answer a message to a webhook."""
        name = self.workspace.webhooks.get(path)
        channel = self.workspace.channels.get(name or "")
        if channel is None:
            return Answer(404, "no_service")
        return self._message(channel.id, lambda: self._posted(channel, body))

    def _posted(self, channel: Channel, body: str) -> Answer:
        try:
            content = json.loads(body)
            _check_content(content)
        except ValueError:
            return Answer(400, "invalid_payload")
        except Refusal as refusal:
            return Answer(400, str(refusal))
        if channel.archived:
            return Answer(410, "channel_is_archived")
        with self.workspace.lock:
            self._methods.publish(channel, content)
        return Answer(200, "ok")

    def _message(self, name: str, done: Callable[[], Answer]) -> Answer:
        channel = self.workspace.named(name)
        identifier = channel.id if channel else name
        with self.workspace.lock:
            self.attempts.append((time.monotonic(), identifier))
            found = next((disturbance for disturbance in list(self._disturbances) if disturbance.takes(identifier)), None)
        if found is None:
            return done()
        if found.answer.lost:
            done()
        return found.answer

    def upload(self, path: str, data: bytes) -> Answer:
        """Take the bytes of a file."""
        place, _, query = path.partition("?")
        file = place.rpartition("/")[2]
        length = urllib.parse.parse_qs(query).get("length", ["-1"])[0]
        with self.workspace.lock:
            if file not in self.workspace.uploads:
                return Answer(404, "not found")
            if int(length) != len(data):
                return Answer(400, "the length is another")
            self.workspace.uploads[file] = data
        return Answer(200, f"OK - {len(data)}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that break off are what tests are about."""


def _handler(slack: FakeSlack) -> type[BaseHTTPRequestHandler]:
    numbers = itertools.count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = self._answer(data)
            if answer.lost:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = answer.body.encode()
            self.send_response(answer.status)
            kind = "application/json; charset=utf-8" if body.startswith(b"{") else "text/html"
            for name, value in {"Content-Type": kind, "x-slack-req-id": str(next(numbers)), **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self, data: bytes) -> Answer:
            path, _, query = self.path.partition("?")
            if path.startswith("/services/"):
                return slack.webhook(path, data.decode("utf-8", "replace"))
            if path.startswith("/upload/"):
                return slack.upload(self.path, data)
            if not path.startswith("/api/"):
                return Answer(404, "not found")
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            return slack.api(path.removeprefix("/api/"), token, self._arguments(query, data), self.headers.get("Host", ""))

        def _arguments(self, query: str, data: bytes) -> dict[str, Any]:
            given: dict[str, Any] = dict(urllib.parse.parse_qsl(query))
            text = data.decode("utf-8", "replace")
            if "json" in self.headers.get("Content-Type", ""):
                return {**given, **json.loads(text or "{}")}
            return given | dict(urllib.parse.parse_qsl(text))

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
