"""Alerts in channels."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dovetail_alerter import Alert, Attachment, Level, Link, PartialDelivery
from dovetail_alerter_slack import SlackAlerter
from dovetail_alerter_slack.testing import FakeSlack
from dovetail_alerter_slack.testing.server import Answer
from dovetail_core import AuthenticationFailed, ConfigError, NotFound, PermissionDenied, RateLimited, Unsupported

Make = Callable[..., SlackAlerter]


def messages(slack: FakeSlack, channel: str = "ops") -> list[dict[str, Any]]:
    found = slack.workspace.named(channel)
    assert found is not None
    return list(found.messages)


def test_an_alert_is_a_header_and_literal_text(slack: FakeSlack, alerter_for: Make) -> None:
    with alerter_for() as alerter:
        receipt = alerter.post(
            Alert("disk <!channel> full", "on a & b", Level.ERROR, {"host": "*db1*"}, (Link("https://example.org/d?a=1&b=2", "dashboard"),))
        )
    (message,) = messages(slack)
    assert receipt.id == message["ts"]
    header, body = message["blocks"]
    assert header["text"]["text"] == "Error: disk <!channel> full"
    texts = [item.get("text") for element in body["elements"] for item in element["elements"]]
    assert texts == ["on a & b", "host: ", "*db1*", "dashboard"]
    assert message["text"] == "Error: disk &lt;!channel&gt; full\non a &amp; b"


def test_a_plain_script_posts_without_pipelines_and_without_importing_the_sdk_before(slack: FakeSlack) -> None:
    token = slack.workspace.add_token()
    script = f"""
import sys
from dovetail_alerter import Alert
from dovetail_alerter_slack import SlackAlerter
alerter = SlackAlerter(token={token!r}, channels=["#ops"], base_url="{slack.url}/api/")
assert "slack_sdk" not in sys.modules
assert not any(name == "dovetail" or name.startswith("dovetail.") for name in sys.modules)
print(alerter.post(Alert("from a script")).id)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == messages(slack)[0]["ts"]


@pytest.mark.parametrize("named", ["#ops", "ops", "id"])
def test_a_channel_is_named_by_name_or_id(slack: FakeSlack, alerter_for: Make, named: str) -> None:
    channel = slack.workspace.named("ops")
    assert channel is not None
    with alerter_for(channels=[channel.id if named == "id" else named]) as alerter:
        alerter.check()
        alerter.post(Alert("first", thread="t"))
        alerter.post(Alert("second", thread="t"))
    assert messages(slack)[1]["thread_ts"] == messages(slack)[0]["ts"]


def test_a_thread_is_found_again_by_another_process(slack: FakeSlack, alerter_for: Make) -> None:
    with alerter_for() as first, alerter_for() as second:
        receipt = first.post(Alert("run began", thread="run 1"))
        second.post(Alert("run failed", thread="run 1"))
    assert messages(slack)[1]["thread_ts"] == receipt.id


def test_check_says_which_channel_cannot_be_posted_to(slack: FakeSlack, alerter_for: Make) -> None:
    slack.workspace.add_channel("old").archived = True
    slack.workspace.add_channel("closed", private=True, joined=False)
    for channel, problem in (("#old", "archived"), ("#closed", "no channel '#closed'"), ("#nowhere", "no channel '#nowhere'")):
        with alerter_for(channels=["#ops", channel]) as alerter, pytest.raises(ConfigError, match=problem):
            alerter.check()
    with pytest.raises(AuthenticationFailed, match="token"):
        alerter_for(token="xoxb-1-nobody").check()
    alerter_for(scopes={"chat:write"}).check()  # an app that may only post has nothing to look with


def test_what_is_refused_says_why(slack: FakeSlack, alerter_for: Make) -> None:
    slack.workspace.add_channel("old").archived = True
    slack.workspace.add_channel("strange", joined=False)
    for settings, error, words in (
        ({"channels": ["#old"]}, PermissionDenied, "is_archived.*unarchive"),
        ({"channels": ["#strange"]}, PermissionDenied, "not_in_channel.*invite"),
        ({"channels": ["#nowhere"]}, NotFound, "channel_not_found"),
        ({"scopes": {"channels:read"}}, PermissionDenied, r"chat:write"),
    ):
        with alerter_for(**settings) as alerter, pytest.raises(error, match=words):
            alerter.post(Alert("x"))
    token = slack.workspace.add_token()
    slack.workspace.revoked.add(token)
    with alerter_for(token=token) as alerter, pytest.raises(AuthenticationFailed, match="token_revoked"):
        alerter.post(Alert("x"))


def test_one_channel_of_several_that_refuses_does_not_keep_the_others_from_it(slack: FakeSlack, alerter_for: Make) -> None:
    channel = slack.workspace.add_channel("old")
    channel.archived = True
    with alerter_for(channels=["#old", "#ops"]) as alerter:
        with pytest.raises(PartialDelivery) as raised:
            alerter.post(Alert("x"))
        assert raised.value.receipt.failed == ("#old",)
        channel.archived = False
        alerter.retry(raised.value.receipt)
    assert (len(messages(slack)), len(channel.messages)) == (1, 1)


def test_a_pause_that_slack_asks_for_is_kept_by_other_processes(slack: FakeSlack, alerter_for: Make) -> None:
    channel = slack.workspace.named("ops")
    assert channel is not None
    token = slack.workspace.add_token()
    with alerter_for(token=token, attempts=1) as alerter:
        busy = Answer(429, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "2"})
        with slack.disturb(busy, frozenset({channel.id}), times=1), pytest.raises(RateLimited):
            alerter.post(Alert("first"))
    asked = time.time()
    script = f"""
from dovetail_alerter import Alert
from dovetail_alerter_slack import SlackAlerter
SlackAlerter(token={token!r}, channels=["#ops"], base_url="{slack.url}/api/").post(Alert("second"))
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    (message,) = messages(slack)
    assert float(message["ts"]) >= asked + 1.5
    assert len(slack.attempts) == 2


def test_files_are_below_their_message_and_a_message_is_not_posted_again_for_them(
    slack: FakeSlack, alerter_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dovetail_alerter_slack.testing import methods

    failing = ["internal_error"] * 2
    share = methods.Methods._share

    def sometimes(self: Any, *arguments: Any) -> None:
        if failing:
            raise methods.Refusal(failing.pop())
        share(self, *arguments)

    monkeypatch.setattr(methods.Methods, "_share", sometimes)
    with alerter_for(attempts=3) as alerter:
        alerter.post(Alert("x", attachments=(Attachment("plot.png", b"\x89PNG"), Attachment("log.txt", b"line\n"))))
    posted, shared = messages(slack)
    assert shared["thread_ts"] == posted["ts"]
    assert sorted(slack.workspace.files[file["id"]] for file in shared["files"]) == [("log.txt", b"line\n"), ("plot.png", b"\x89PNG")]


def test_a_webhook_posts_and_declares_what_it_cannot(slack: FakeSlack) -> None:
    channel = slack.workspace.named("ops")
    assert channel is not None
    url = slack.url + slack.workspace.add_webhook(channel)
    with SlackAlerter(webhook_url=url) as alerter:
        alerter.check()
        alerter.post(Alert("x", "body"))
        with pytest.raises(Unsupported):
            alerter.post(Alert("y", thread="t"))
        channel.archived = True
        with pytest.raises(PermissionDenied, match="archived"):
            alerter.post(Alert("z"))
    gone = f"{slack.url}/services/T0/B0/canary-of-a-webhook"
    with SlackAlerter(webhook_url=gone) as alerter, pytest.raises(NotFound, match="webhook") as raised:
        alerter.post(Alert("x"))
    assert "canary" not in str(raised.value) + repr(raised.value.__cause__)
    assert [message["text"] for message in channel.messages] == ["x\nbody"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "token.*webhook_url"),
        ({"token": "xoxb-1"}, "channels"),
        ({"token": "abc", "channels": ["#ops"]}, "xoxb"),
        ({"token": "xoxb-1", "webhook_url": "https://h.example.org/x", "channels": ["#a"]}, "either"),
        ({"webhook_url": "https://h.example.org/x", "channels": ["#a"]}, "its own channel"),
        ({"token": "xoxb-1", "channels": ["#a"], "answers": "buttons"}, "app_token"),
        ({"token": "xoxb-1", "channels": ["#a"], "chanels": ["#a"]}, "did you mean 'channels'"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SlackAlerter(**settings)


def test_nothing_of_a_token_is_in_what_is_shown(
    slack: FakeSlack, alerter_for: Make, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    alerter = alerter_for(attempts=1)
    secret = alerter.config.token.get_secret_value() if alerter.config.token else ""
    with caplog.at_level("DEBUG"):
        alerter.post(Alert("x"))
    assert secret
    assert secret not in caplog.text + repr(alerter) + str(alerter.config)
    assert not any(secret in path.name or secret in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
