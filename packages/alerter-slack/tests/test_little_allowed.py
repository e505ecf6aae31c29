"""What arrives where an app has few scopes, or Slack does not answer what is asked besides."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from dovetail_alerter import Alert, Attachment, PartialDelivery
from dovetail_alerter_slack import SlackAlerter
from dovetail_alerter_slack.testing import FakeSlack, methods
from dovetail_alerter_slack.testing.server import Answer
from dovetail_alerter_slack.testing.workspace import Channel
from dovetail_core import InvalidArgument

Make = Callable[..., SlackAlerter]
FILES = (Attachment("plot.png", b"\x89PNG"),)


def ops(slack: FakeSlack) -> Channel:
    channel = slack.workspace.named("ops")
    assert channel is not None
    return channel


def shared(slack: FakeSlack) -> list[tuple[str, list[tuple[str, bytes]]]]:
    """Return the files, by the message that they are below."""
    found = [message for message in ops(slack).messages if message.get("subtype") == "file_share"]
    return [(message["thread_ts"], [slack.workspace.files[file["id"]] for file in message["files"]]) for message in found]


@pytest.mark.parametrize("channel", ["#ops", "id"])
def test_a_token_that_may_only_post_posts_into_threads(
    slack: FakeSlack, alerter_for: Make, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = [ops(slack).id if channel == "id" else channel]
    with alerter_for(scopes={"chat:write"}, channels=names) as alerter:
        receipt = alerter.post(Alert("run began", thread="run 1"))
        alerter.post(Alert("run ended", thread="run 1"))
    assert [message.get("thread_ts") for message in ops(slack).messages] == [None, receipt.id]
    assert not caplog.records  # it was never meant to look


@pytest.mark.parametrize("refusal", ["ratelimited", "internal_error", "missing_scope", "invalid_arguments"])
def test_a_history_that_is_not_shown_does_not_keep_an_alert_from_its_channel(
    slack: FakeSlack, alerter_for: Make, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    def refuse(self: Any, *arguments: Any) -> None:
        raise methods.Refusal(refusal)

    monkeypatch.setattr(methods.Methods, "_readable", refuse)
    began = time.monotonic()
    with alerter_for() as alerter:
        alerter.post(Alert("run began", thread="run 1"))
    assert len(ops(slack).messages) == 1
    assert time.monotonic() - began < 5


def test_a_thread_is_looked_for_among_the_latest_messages_only(
    slack: FakeSlack, alerter_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    readable = methods.Methods._readable

    def counted(self: Any, given: Any) -> Any:
        looks.append(given.get("cursor"))
        return readable(self, given)

    monkeypatch.setattr(methods.Methods, "_readable", counted)
    ada = slack.workspace.add_user("ada")
    for number in range(1000):
        slack.workspace.say(ops(slack), ada, f"talk {number}")
    with alerter_for() as alerter:
        alerter.post(Alert("run began", thread="run 1"))
    assert looks == [None, "200"]


@pytest.mark.parametrize("lost", [True, False])
def test_a_token_that_may_only_post_sends_again_what_may_be_lost(slack: FakeSlack, alerter_for: Make, lost: bool) -> None:
    with (
        alerter_for(scopes={"chat:write"}) as alerter,
        slack.disturb(Answer(0 if lost else 500, "", lost=lost), frozenset({ops(slack).id}), times=1),
    ):
        alerter.post(Alert("x"))
    assert len(ops(slack).messages) == (2 if lost else 1)


def test_files_of_a_message_whose_answer_was_lost_are_below_it(slack: FakeSlack, alerter_for: Make) -> None:
    with alerter_for() as alerter, slack.disturb(Answer(0, "", lost=True), frozenset({ops(slack).id}), times=1):
        receipt = alerter.post(Alert("x", attachments=FILES))
    assert shared(slack) == [(receipt.id, [("plot.png", b"\x89PNG")])]
    assert len(ops(slack).messages) == 2


def test_a_file_that_is_refused_is_refused_once(slack: FakeSlack, alerter_for: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = []

    def full(self: Any, path: str, data: bytes) -> Answer:
        uploads.append(data)
        return Answer(413, "request entity too large")

    monkeypatch.setattr(FakeSlack, "upload", full)
    with alerter_for() as alerter, pytest.raises(InvalidArgument, match=r"plot\.png.*413"):
        alerter.post(Alert("x", attachments=FILES))
    assert uploads == [b"\x89PNG"]
    assert ops(slack).messages == []


def test_where_files_may_not_be_shared_the_text_is_said_to_be_there(slack: FakeSlack, alerter_for: Make) -> None:
    channel = slack.workspace.add_channel("public", joined=False)
    scopes = {"chat:write", "chat:write.public", "files:write"}
    with alerter_for(scopes=scopes, channels=["#public"]) as alerter:
        with pytest.raises(PartialDelivery, match="not_in_channel") as raised:
            alerter.post(Alert("x", attachments=FILES))
        assert len(channel.messages) == 1
        channel.members.add(slack.workspace.bot_user)
        alerter.retry(raised.value.receipt)
    text, files = channel.messages
    assert (files["thread_ts"], len(files["files"])) == (text["ts"], 1)
