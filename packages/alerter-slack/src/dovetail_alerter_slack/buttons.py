"""Answers by buttons: clicks come through Socket Mode.

Slack sends a click over any one of an app's connections (its page "Using Socket Mode"), so that a process gets clicks on questions that
another one asked. It passes them on as replies of the app, with metadata that only the app can have written, in the question's thread.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dovetail_alerter import Reply
from dovetail_alerter_slack._client import quiet
from dovetail_alerter_slack.blocks import ACTION
from dovetail_alerter_slack.config import SlackConfig
from dovetail_alerter_slack.errors import BROKEN, broken, refused, while_reading
from dovetail_alerter_slack.looking import looked
from dovetail_core import Unavailable, utcnow

if TYPE_CHECKING:
    from slack_sdk.socket_mode import SocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest


@dataclass(frozen=True)
class Click:
    """A click on a button of a question."""

    key: str
    """The question's."""
    channel: str
    message: str
    """The question's timestamp."""
    thread: str
    """Timestamp of the thread that the question is in."""
    reply: Reply


class Clicks:
    """What people click while a connection is open."""

    def __init__(self, client: SocketModeClient, pass_on: Callable[[Click], None]) -> None:
        self._pass_on = pass_on
        self._heard: queue.SimpleQueue[Click] = queue.SimpleQueue()
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        client.socket_mode_request_listeners.append(self._take)

    def expect(self, key: str) -> None:
        """Take clicks on the question with this key; called before it is posted."""
        with self._lock:
            self._asked.add(key)

    def replies(self, deadline: float, pause: float, look: Callable[[], Iterator[Reply]]) -> Iterator[Reply]:
        """Yield what is clicked, until the deadline (monotonic); every `pause` seconds also what `look` finds that was said otherwise."""
        wait = pause
        while (left := deadline - time.monotonic()) > 0:
            try:
                yield self._heard.get(timeout=min(left, wait)).reply
            except queue.Empty:
                wait = yield from looked(look, pause)

    def _take(self, client: Any, request: SocketModeRequest) -> None:
        from slack_sdk.socket_mode.response import SocketModeResponse

        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        click = _click(request.payload or {}) if request.type == "interactive" else None
        if click is None:
            return
        with self._lock:
            own = click.key in self._asked
        if own:
            self._heard.put(click)
        else:
            self._pass_on(click)


@contextmanager
def listening(config: SlackConfig, web: Any, pass_on: Callable[[Click], None]) -> Iterator[Clicks]:
    """Hold a connection open on which clicks arrive; those on questions of others go to `pass_on`. Raises what keeps it from being opened."""
    from slack_sdk.socket_mode import SocketModeClient

    token = config.app_token.get_secret_value() if config.app_token else ""
    client = SocketModeClient(token, logger=quiet, web_client=web, concurrency=1)
    try:
        clicks = Clicks(client, pass_on)
        _connect(client)
        yield clicks
    finally:
        _close(client)


def _close(client: SocketModeClient) -> None:
    """Close a connection, also at the moment when the SDK's thread begins to read it.

    That thread looks whether the connection is open and then says that its state is not ended. Where `close` comes between the two, the
    thread reads on for good, and `close` waits for it. So it gets a state that stays ended, and the one that it may have is ended after that.
    """
    from dovetail_alerter_slack._sdk import Ended

    client.auto_reconnect_enabled = False
    state, client.current_session_state = client.current_session_state, Ended()  # type: ignore[no-untyped-call]
    state.terminated = True
    client.close()


def _connect(client: SocketModeClient) -> None:
    from slack_sdk.errors import SlackApiError

    what = "Socket Mode (`app_token`)"
    try:
        client.connect()
    except SlackApiError as error:
        answer = error.response
        code = str(answer.get("error", ""))
        raise while_reading(refused(code, what, answer.data, answer.headers, answer.status_code)) from error
    except BROKEN as error:
        raise while_reading(broken(error, what)) from error
    if not client.is_connected():  # the SDK only logs why
        raise Unavailable(f"{what}: no connection could be opened", remedy="check the network, and try again")


def _click(payload: dict[str, Any]) -> Click | None:
    """Return the click that a payload tells of, if it is one on a question's button."""
    if payload.get("type") != "block_actions":
        return None
    container = payload.get("container") or {}
    for action in payload.get("actions") or ():
        block, _, key = str(action.get("block_id", "")).partition(":")
        if block == ACTION and key:
            message = str(container.get("message_ts", ""))
            thread = str(container.get("thread_ts") or message)
            return Click(key, str(container.get("channel_id", "")), message, thread, _reply(payload.get("user") or {}, action))
    return None


def _reply(user: dict[str, Any], action: dict[str, Any]) -> Reply:
    name = str(user.get("username") or user.get("name") or "")
    return Reply(str(user.get("id", "")), str(action.get("value", "")), _moment(action.get("action_ts")), name)


def _moment(stamp: Any) -> datetime:
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (TypeError, ValueError):
        return utcnow()
