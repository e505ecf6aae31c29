"""Questions in channels."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.socket_mode.builtin.connection import Connection

from dovetail_alerter import Answer, Question
from dovetail_alerter_slack import SlackAlerter
from dovetail_alerter_slack._sdk import web_client
from dovetail_alerter_slack.buttons import listening
from dovetail_alerter_slack.testing import FakeSlack, methods, server
from dovetail_conformance import until
from dovetail_core import NotFound, PermissionDenied, Timeout

Make = Callable[..., SlackAlerter]


class Asking:
    """A question that waits in a thread of its own."""

    def __init__(self, slack: FakeSlack, alerter: SlackAlerter, title: str = "Deploy?", **settings: Any) -> None:
        self.came: Any = None
        self._slack = slack
        self._thread = threading.Thread(target=self._ask, args=(alerter, title, settings), daemon=True)
        self._thread.start()
        until(lambda: self._posted(title), did="waited for the question")
        self.message = self._posted(title)[0]

    def _posted(self, title: str) -> list[dict[str, Any]]:
        channel = self._slack.workspace.named("ops")
        assert channel is not None
        return [message for message in channel.messages if message["text"].startswith(f"Warning: {title}")]

    def _ask(self, alerter: SlackAlerter, title: str, settings: dict[str, Any]) -> None:
        try:
            self.came = alerter.ask(Question(title), **{"timeout": 20, **settings})
        except Exception as error:
            self.came = error

    def answer(self) -> Answer:
        self._thread.join(90)
        assert isinstance(self.came, Answer), self.came
        return self.came


@pytest.mark.parametrize(("emoji", "approved"), [("+1", True), ("+1::skin-tone-3", True), ("x", False)])
def test_a_reaction_decides(slack: FakeSlack, alerter_for: Make, emoji: str, approved: bool) -> None:
    channel, ada = slack.workspace.named("ops"), slack.workspace.add_user("ada")
    assert channel is not None
    with alerter_for() as alerter:
        asking = Asking(slack, alerter)
        slack.workspace.react(channel, ada, asking.message["ts"], "eyes")
        slack.workspace.react(channel, ada, asking.message["ts"], emoji)
        answer = asking.answer()
    assert (answer.approved, answer.by) == (approved, ada)
    closed = slack.workspace.message(channel, asking.message["ts"])
    assert closed is not None
    assert ("Approved by" if approved else "Rejected by") in str(closed["blocks"])


def test_approvers_are_named_by_group_handle_name_id_or_address(slack: FakeSlack, alerter_for: Make) -> None:
    channel = slack.workspace.named("ops")
    assert channel is not None
    ada, bob = slack.workspace.add_user("ada"), slack.workspace.add_user("bob")
    group = slack.workspace.add_group("oncall", [ada])
    with alerter_for() as alerter:
        for number, name in enumerate(("@oncall", group, "ada", "@ada", ada, "ada@example.org")):
            asking = Asking(slack, alerter, f"Question {number}", approvers=[name])
            slack.workspace.say(channel, bob, "approve", asking.message["ts"])
            slack.workspace.say(channel, ada, "reject", asking.message["ts"])
            answer = asking.answer()
            assert (answer.approved, answer.by) == (False, ada), name
        before = len(channel.messages)
        with pytest.raises(NotFound, match="mallory"):
            alerter.ask(Question("x"), approvers=["mallory"])
    assert len(channel.messages) == before


def test_a_click_decides_and_says_when(slack: FakeSlack, alerter_for: Make) -> None:
    channel, ada = slack.workspace.named("ops"), slack.workspace.add_user("ada")
    assert channel is not None
    with alerter_for(app_token=slack.workspace.add_token({"connections:write"}, "app")) as alerter:
        asking = Asking(slack, alerter, approvers=["@ada"])
        assert [button["text"]["text"] for button in asking.message["blocks"][-1]["elements"]] == ["approve", "reject"]
        assert slack.sockets.click(channel, ada, asking.message["ts"], "approve")
        answer = asking.answer()
    assert (answer.approved, answer.by, answer.name) == (True, ada, "ada")
    closed = slack.workspace.message(channel, asking.message["ts"])
    assert closed is not None
    assert all(block["type"] != "actions" for block in closed["blocks"])


def test_a_click_that_another_connection_gets_is_passed_on(slack: FakeSlack, alerter_for: Make) -> None:
    channel, ada = slack.workspace.named("ops"), slack.workspace.add_user("ada")
    assert channel is not None
    app = slack.workspace.add_token({"connections:write"}, "app")
    with alerter_for(app_token=app) as one, alerter_for(app_token=app) as other:
        first, second = Asking(slack, one, "First"), Asking(slack, other, "Second")
        assert slack.sockets.click(channel, ada, first.message["ts"], "approve", over=1)
        assert first.answer().approved
        until(lambda: slack.sockets.count == 1, did="waited for the first connection to end")
        assert second.came is None
        assert slack.sockets.click(channel, ada, second.message["ts"], "reject")
        assert not second.answer().approved


@pytest.mark.parametrize("buttons", [False, True])
def test_a_question_outlives_that_slack_does_not_answer_for_a_while(
    slack: FakeSlack, alerter_for: Make, monkeypatch: pytest.MonkeyPatch, buttons: bool
) -> None:
    refusals = ["internal_error", "ratelimited"] * 10
    readable = methods.Methods._readable

    def sometimes(self: Any, given: Any) -> Any:
        if refusals:
            raise methods.Refusal(refusals.pop())
        return readable(self, given)

    monkeypatch.setattr(methods.Methods, "_readable", sometimes)
    channel, ada = slack.workspace.named("ops"), slack.workspace.add_user("ada")
    assert channel is not None
    settings = {"app_token": slack.workspace.add_token({"connections:write"}, "app")} if buttons else {}
    with alerter_for(attempts=2, **settings) as alerter:
        asking = Asking(slack, alerter)
        slack.workspace.say(channel, ada, "approve", asking.message["ts"])
        assert asking.answer().by == ada
    assert not refusals


def test_a_click_is_passed_on_also_where_slack_asks_for_fewer_requests(slack: FakeSlack, alerter_for: Make) -> None:
    channel, ada = slack.workspace.named("ops"), slack.workspace.add_user("ada")
    assert channel is not None
    app = slack.workspace.add_token({"connections:write"}, "app")
    busy = server.Answer(429, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "0.3"})
    with alerter_for(app_token=app) as one, alerter_for(app_token=app) as other:
        first, second = Asking(slack, one, "First", timeout=10), Asking(slack, other, "Second", timeout=10)
        with slack.disturb(busy, frozenset({channel.id}), times=1):
            assert slack.sockets.click(channel, ada, first.message["ts"], "approve", over=1)
            assert first.answer().approved
        assert slack.sockets.click(channel, ada, second.message["ts"], "reject")
        assert not second.answer().approved


def test_what_another_app_writes_is_no_answer(slack: FakeSlack, alerter_for: Make) -> None:
    channel, ada = slack.workspace.named("ops"), slack.workspace.add_user("ada")
    assert channel is not None
    with alerter_for() as alerter:
        asking = Asking(slack, alerter, approvers=[ada], timeout=1.5)
        forged = {
            "key": asking.message["metadata"]["event_payload"]["key"],
            "by": ada,
            "text": "approve",
            "at": "2026-01-01T00:00:00+00:00",
        }
        with slack.workspace.lock:
            channel.messages.append(
                {
                    "type": "message", "user": ada, "bot_id": "B0FOREIGN1", "text": "approve", "ts": slack.workspace.stamp(),
                    "thread_ts": asking.message["ts"], "metadata": {"event_type": "dovetail_click", "event_payload": forged},
                }
            )  # fmt: skip
        asking._thread.join(90)
    assert isinstance(asking.came, Timeout)


def test_an_app_that_may_not_read_the_channel_says_which_scope_it_needs(slack: FakeSlack, alerter_for: Make) -> None:
    with (
        alerter_for(scopes={"chat:write", "channels:read", "groups:read"}) as alerter,
        pytest.raises(PermissionDenied, match="channels:history"),
    ):
        alerter.ask(Question("x"), timeout=5)


def test_a_connection_is_closed_at_the_moment_when_the_sdk_begins_to_read_it(
    slack: FakeSlack, alerter_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing, looked, is_active = threading.Event(), threading.Event(), Connection.is_active

    def held(connection: Connection) -> bool:
        found = is_active(connection)
        if found and "_run_current_session" in {frame.name for frame in traceback.extract_stack()} and not looked.is_set():
            looked.set()
            closing.wait(30)  # what closes sets it; the reader goes on with what it has seen
        return found

    def disconnect(connection: Connection) -> None:
        ended(connection)
        closing.set()

    ended = Connection.disconnect
    monkeypatch.setattr(Connection, "is_active", held)
    monkeypatch.setattr(Connection, "disconnect", disconnect)
    app_token = slack.workspace.add_token({"connections:write"}, "app")
    config = alerter_for(answers="buttons", app_token=app_token).config

    def listen() -> None:
        with listening(config, web_client(config), lambda click: None):
            looked.wait(30)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    thread.join(30)
    assert looked.is_set()
    assert not thread.is_alive()
