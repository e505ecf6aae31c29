"""Socket Mode of the fake: connections of apps, each of which gets some of what people click."""

from __future__ import annotations

import itertools
import json
import queue
import threading
import time
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from dovetail_alerter_slack.testing.workspace import Channel, FakeWorkspace


class Sockets:
    """A WebSocket server. An interaction goes to one of the open connections, and waits for its acknowledgement."""

    def __init__(self, workspace: FakeWorkspace) -> None:
        self._space = workspace
        self._open: list[ServerConnection] = []
        self._turn = itertools.count()
        self._tickets: set[str] = set()
        self._acknowledged: dict[str, queue.SimpleQueue[None]] = {}
        self._lock = threading.Lock()
        self._server: Server | None = None

    def start(self) -> None:
        """Serve."""
        self._server = serve(self._serve, "127.0.0.1", 0)
        threading.Thread(target=self._server.serve_forever, name="fake-slack-sockets", daemon=True).start()

    def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            for connection in list(self._open):
                connection.close()
            self._server.shutdown()

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def url(self) -> str:
        """Return an address for one connection."""
        assert self._server is not None
        ticket = self._space.identifier("W")
        with self._lock:
            self._tickets.add(ticket)
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/link/?ticket={ticket}"

    def click(self, channel: Channel, user: str, stamp: str, value: str, over: int | None = None) -> bool:
        """Let a person click the button of a message that has a value, and return whether the app acknowledged it within 3 s.

        It is sent `over` one of the open connections, in the order in which they were opened; by default each in turn.
        """
        message = self._space.message(channel, stamp)
        assert message is not None, "there is no such message"
        blocks = [block for block in message.get("blocks", ()) if block["type"] == "actions"]
        found = [(block, button) for block in blocks for button in block["elements"] if button["value"] == value]
        if not found:
            return False
        block, button = found[0]
        container = {"type": "message", "message_ts": stamp, "channel_id": channel.id, "is_ephemeral": False}
        if message.get("thread_ts"):
            container["thread_ts"] = message["thread_ts"]
        action = {"type": "button", "action_id": button["action_id"], "block_id": block["block_id"], "value": value}
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": self._space.users[user]["name"]},
            "api_app_id": self._space.app_id,
            "container": container,
            "channel": {"id": channel.id, "name": channel.name},
            "message": message,
            "actions": [{**action, "action_ts": f"{time.time():.6f}"}],
        }
        return self._deliver("interactive", payload, over)

    def _deliver(self, kind: str, payload: dict[str, Any], over: int | None) -> bool:
        envelope = self._space.identifier("E")
        acknowledged: queue.SimpleQueue[None] = queue.SimpleQueue()
        with self._lock:
            if not self._open:
                return False
            connection = self._open[next(self._turn) % len(self._open) if over is None else over]
            self._acknowledged[envelope] = acknowledged
        connection.send(json.dumps({"envelope_id": envelope, "type": kind, "accepts_response_payload": True, "payload": payload}))
        try:
            acknowledged.get(timeout=3)
        except queue.Empty:
            return False
        return True

    def _serve(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request is not None else ""
        with self._lock:
            ticket = path.rpartition("ticket=")[2]
            if ticket not in self._tickets:
                return
            self._tickets.discard(ticket)
            self._open.append(connection)
        try:
            connection.send(json.dumps({"type": "hello", "num_connections": len(self._open)}))
            for text in connection:
                self._take(str(text))
        except ConnectionClosed:
            pass
        finally:
            with self._lock:
                self._open.remove(connection)

    def _take(self, text: str) -> None:
        envelope = str(json.loads(text).get("envelope_id", "")) if text.startswith("{") else ""
        with self._lock:
            waiting = self._acknowledged.pop(envelope, None)
        if waiting is not None:
            waiting.put(None)
