"""What is looked up in a workspace: channels, people, groups, and messages that were posted before."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator
from typing import Any

from dovetail_alerter_slack._client import Client
from dovetail_alerter_slack.blocks import EVENT
from dovetail_core import InvalidArgument, NotFound, PermissionDenied

_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{7,}")
_USER_ID = re.compile(r"[UW][A-Z0-9]{7,}")
_GROUP_ID = re.compile(r"S[A-Z0-9]{7,}")
_PAGE = 200
"""The reference of conversations.list recommends no more than 200 at a time."""
_LOOK_BACK = 2
"""Pages of a channel's history in which a message is looked for."""


class Workspace:
    """Looks things up; ids of channels are remembered, whom a group has in it is not."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids: dict[str, str] = {}
        self._bot = ""
        self._lock = threading.Lock()

    def know(self, channel: str, identifier: str) -> None:
        """Remember a channel's id, as an answer told it."""
        if identifier:
            with self._lock:
                self._ids[channel] = identifier

    def channel(self, name: str) -> str:
        """Return a channel's id. Raises `NotFound`."""
        if _CHANNEL_ID.fullmatch(name):
            return name
        with self._lock:
            known = self._ids.get(name)
        if known:
            return known
        wanted = name.removeprefix("#")
        for channel in self._pages(
            "conversations.list", "channels", f"channel '{name}'", types="public_channel,private_channel", limit=_PAGE
        ):
            if channel.get("name") == wanted:
                self.know(name, channel["id"])
                return str(channel["id"])
        raise NotFound(f"the app sees no channel '{name}'", remedy="check `channels`; invite the app to a private channel")

    def people(self, name: str) -> Collection[str]:
        """Return the ids of whom a name stands for: a user's or group's id, a group's @handle, an address of e-mail, a user's @name."""
        plain = name.removeprefix("@")
        if _USER_ID.fullmatch(plain):
            return (plain,)
        if _GROUP_ID.fullmatch(plain):
            return self._members(plain)
        if "@" in plain:
            return (str(self._client.read("users.lookupByEmail", f"approver '{name}'", email=plain)["user"]["id"]),)
        if (group := self._group(plain)) is not None:
            return self._members(group)
        if (user := self._user(plain)) is not None:
            return (user,)
        raise NotFound(f"there is neither a group nor a user '{name}'", remedy="name approvers by id, @group, @name or e-mail")

    def message(self, name: str, wanted: Callable[[dict[str, Any]], bool], thread: str = "") -> dict[str, Any] | None:
        """Return the latest message of this app's whose metadata is as wanted, in a channel or below a message; None if there is none.

        None too where the app may not read the channel, or not learn which one has that name: it then cannot know.
        """
        try:
            return next((message for message, data in self.posted(self.channel(name), thread, EVENT) if wanted(data)), None)
        except PermissionDenied as error:
            if "Slack says HTTP" in error.message:  # no code of Slack's: what stands before it lets nothing pass
                raise
            return None

    def posted(self, channel: str, thread: str, event: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield the messages of this app's with metadata of a type, and that metadata: of a channel, latest first, or below a message.

        Metadata of other apps is not looked at: anybody may write it.
        """
        for message in self.replies(channel, thread) if thread else self._history(channel):
            data = message.get("metadata") or {}
            if data.get("event_type") == event and self.is_own(message):
                yield message, data.get("event_payload") or {}

    def replies(self, channel: str, thread: str, oldest: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the messages of a thread, in the order in which they were posted; what fails is not tried again here."""
        what = f"a thread in channel '{channel}'"
        return self._pages(
            "conversations.replies",
            "messages",
            what,
            patient=False,
            channel=channel,
            ts=thread,
            oldest=oldest,
            include_all_metadata=True,
            limit=_PAGE,
        )

    def _history(self, channel: str) -> Iterator[dict[str, Any]]:
        what = f"messages of channel '{channel}'"
        return self._pages(
            "conversations.history", "messages", what, _LOOK_BACK, patient=False, channel=channel, include_all_metadata=True, limit=_PAGE
        )

    def is_own(self, message: dict[str, Any]) -> bool:
        """Tell whether this app posted a message."""
        if not self._bot:
            self._bot = str(self._client.read("auth.test", "the bot's token").get("bot_id", ""))
        return bool(self._bot) and message.get("bot_id") == self._bot

    def _group(self, handle: str) -> str | None:
        try:
            groups = self._client.read("usergroups.list", f"group '{handle}'").get("usergroups", ())
        except PermissionDenied:
            return None
        return next((str(group["id"]) for group in groups if group.get("handle") == handle), None)

    def _members(self, group: str) -> Collection[str]:
        return tuple(map(str, self._client.read("usergroups.users.list", f"group '{group}'", usergroup=group).get("users", ())))

    def _user(self, name: str) -> str | None:
        found = [
            str(user["id"])
            for user in self._pages("users.list", "members", f"user '{name}'", limit=_PAGE)
            if user.get("name") == name and not user.get("deleted") and not user.get("is_bot")
        ]
        if len(found) > 1:
            raise InvalidArgument(f"several users are called '{name}'", remedy=f"name one by id: {', '.join(found)}")
        return found[0] if found else None

    def _pages(self, method: str, items: str, what: str, most: int = 1000, **parameters: Any) -> Iterator[dict[str, Any]]:
        cursor = None
        for _ in range(most):
            answer = self._client.read(method, what, cursor=cursor, **parameters)
            yield from answer.get(items, ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
