"""Clicks on questions of other processes, passed on as replies of the app in the question's thread."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dovetail_alerter import Reply
from dovetail_alerter_slack._client import Client
from dovetail_alerter_slack.blocks import escaped
from dovetail_alerter_slack.buttons import Click
from dovetail_core import DovetailError

EVENT = "dovetail_click"
log: logging.Logger = logging.getLogger("dovetail.alerter.slack")


def pass_on(client: Client, click: Click) -> None:
    """Tell the process that asked, which takes one answer however often it is told. What fails for good is logged: the person can click again."""
    reply = click.reply
    payload = {"key": click.key, "by": reply.by, "name": reply.name, "text": reply.text, "at": reply.at.isoformat()}
    try:
        client.change_again(
            "chat.postMessage",
            "an answer",
            channel=click.channel,
            thread_ts=click.thread,
            text=escaped(f"{reply.name or reply.by} has answered: {reply.text}"),
            metadata={"event_type": EVENT, "event_payload": payload},
        )
    except DovetailError as error:
        log.warning("an answer to a question that another process asked was not passed on: %s", error)


def passed_on(message: Mapping[str, Any], key: str) -> Reply | None:
    """Return the answer that a message of the app's passes on to the question with a key."""
    data = message.get("metadata") or {}
    payload = data.get("event_payload") or {}
    if data.get("event_type") != EVENT or payload.get("key") != key:
        return None
    at = datetime.fromisoformat(str(payload["at"]))
    return Reply(str(payload["by"]), str(payload["text"]), at, str(payload.get("name", "")))
