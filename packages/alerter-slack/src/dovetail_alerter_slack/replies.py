"""Answers in the thread of a question, and reactions to it, looked for every few seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from dovetail_alerter import Question, Reply
from dovetail_alerter_slack._client import Client
from dovetail_alerter_slack.looking import looked
from dovetail_alerter_slack.passing_on import passed_on
from dovetail_alerter_slack.workspace import Workspace
from dovetail_core import PermissionDenied, utcnow

_APPROVE = ("+1", "thumbsup", "white_check_mark", "heavy_check_mark")
_REJECT = ("-1", "thumbsdown", "x", "no_entry")
Found = tuple[tuple[str, ...], Reply]
"""An answer, and by what it is told from others."""


class Poll:
    """What was said to one question. Reactions carry no time: of them it is told when they were seen."""

    def __init__(self, client: Client, workspace: Workspace, channel: str, question: Question, key: str, message: str, thread: str) -> None:
        self._client = client
        self._workspace = workspace
        self._channel = channel
        self._question = question
        self._key = key
        self._message = message
        self._thread = thread or message
        self._seen: set[tuple[str, ...]] = set()
        self._reactions = True

    def look(self) -> Iterator[Reply]:
        """Yield the answers that were not yielded before."""
        for mark, reply in [*self._said(), *self._reacted()]:
            if mark not in self._seen:
                self._seen.add(mark)
                yield reply

    def replies(self, deadline: float, pause: float) -> Iterator[Reply]:
        """Yield each answer once, as it is found, until the deadline (monotonic)."""
        while True:
            wait = yield from looked(self.look, pause)
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(wait, left))

    def _said(self) -> Iterator[Found]:
        """Find what people wrote in the question's thread, after the question, and clicks that another process has passed on."""
        for message in self._workspace.replies(self._channel, self._thread, self._message):
            if float(message["ts"]) <= float(self._message):
                continue
            if self._workspace.is_own(message):
                if (reply := passed_on(message, self._key)) is not None:
                    yield ("clicked", message["ts"]), reply
            elif _of_a_person(message):
                yield ("said", message["ts"]), Reply(message["user"], _unescaped(message.get("text", "")), _at(message["ts"]))

    def _reacted(self) -> Iterator[Found]:
        if not self._reactions:
            return
        what = f"reactions in channel '{self._channel}'"
        try:
            answer = self._client.read("reactions.get", what, patient=False, channel=self._channel, timestamp=self._message, full=True)
        except PermissionDenied:  # the app has no reactions:read; answers in the thread still count
            self._reactions = False
            return
        for reaction in (answer.get("message") or {}).get("reactions", ()):
            word = self._word(str(reaction.get("name", "")).partition("::")[0])
            for user in reaction.get("users", ()) if word else ():
                yield ("reacted", str(reaction["name"]), str(user)), Reply(str(user), word, utcnow())

    def _word(self, emoji: str) -> str:
        if emoji in _APPROVE:
            return self._question.approve[0]
        return self._question.reject[0] if emoji in _REJECT else ""


def _of_a_person(message: dict[str, Any]) -> bool:
    return "user" in message and "bot_id" not in message and "subtype" not in message


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _at(stamp: str) -> datetime:
    return datetime.fromtimestamp(float(stamp), UTC)
