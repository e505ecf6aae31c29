"""What a fake workspace holds: channels, people, tokens, messages, files."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

SCOPES = frozenset(
    {
        "channels:history", "channels:read", "chat:write", "files:write", "groups:history", "groups:read", "reactions:read", "usergroups:read",
        "users:read", "users:read.email",
    }
)  # fmt: skip
"""What the app's bot token may do, unless it is made with less."""


@dataclass
class Channel:
    """A conversation."""

    id: str
    name: str
    private: bool = False
    archived: bool = False
    members: set[str] = field(default_factory=set)
    messages: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Token:
    """A token and what it may do."""

    scopes: Collection[str]
    kind: str = "bot"
    """`bot`, or `app` for an app-level token."""


class FakeWorkspace:
    """The state of a workspace; every change is made under `lock`."""

    bot_user = "U0BOT00001"
    bot_id = "B0BOT00001"
    app_id = "A0APP00001"
    team = "T0TEAM0001"

    def __init__(self) -> None:
        self.lock: threading.RLock = threading.RLock()
        self.channels: dict[str, Channel] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, Token] = {}
        self.revoked: set[str] = set()
        self.webhooks: dict[str, str] = {}
        """Channel by path."""
        self.uploads: dict[str, bytes | None] = {}
        """Files that were begun, by id; None until their bytes are there."""
        self.files: dict[str, tuple[str, bytes]] = {}
        """Files that are shared, by id: name and bytes."""
        self.names: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._last = 0.0

    def identifier(self, letter: str) -> str:
        """Return a new id."""
        return f"{letter}0{next(self._numbers):08d}"

    def stamp(self) -> str:
        """Return a timestamp that no message of the workspace has: seconds, with six digits that make it unique."""
        with self.lock:
            self._last = max(time.time(), self._last + 1e-6)
            return f"{self._last:.6f}"

    def add_channel(self, name: str, *, private: bool = False, joined: bool = True) -> Channel:
        """Make a channel, with the app's bot in it or not."""
        with self.lock:
            channel = Channel(self.identifier("C"), name, private, members={self.bot_user} if joined else set())
            self.channels[channel.id] = channel
            return channel

    def add_user(self, name: str, email: str = "") -> str:
        """Make a person, and return their id."""
        with self.lock:
            user = self.identifier("U")
            profile = {"email": email or f"{name}@example.org"}
            self.users[user] = {"id": user, "name": name, "deleted": False, "is_bot": False, "profile": profile}
            return user

    def add_group(self, handle: str, users: Collection[str]) -> str:
        """Make a user group, and return its id."""
        with self.lock:
            group = self.identifier("S")
            self.groups[group] = {"id": group, "handle": handle, "users": list(users)}
            return group

    def add_token(self, scopes: Collection[str] = SCOPES, kind: str = "bot") -> str:
        """Make a token."""
        with self.lock:
            prefix = "xoxb" if kind == "bot" else "xapp-1"
            token = f"{prefix}-{next(self._numbers)}-{id(self):x}-canary"
            self.tokens[token] = Token(frozenset(scopes), kind)
            return token

    def add_webhook(self, channel: Channel) -> str:
        """Make an incoming webhook, and return its path."""
        with self.lock:
            path = f"/services/{self.team}/{self.identifier('B')}/canary{next(self._numbers)}{id(self):x}"
            self.webhooks[path] = channel.id
            return path

    def named(self, name: str) -> Channel | None:
        """Return a channel by id, or by name with or without `#`."""
        found = self.channels.get(name)
        return found or next((channel for channel in self.channels.values() if channel.name == name.removeprefix("#")), None)

    def message(self, channel: Channel, stamp: str) -> dict[str, Any] | None:
        """Return a message of a channel."""
        return next((message for message in channel.messages if message["ts"] == stamp), None)

    def say(self, channel: Channel, user: str, text: str, thread: str = "") -> dict[str, Any]:
        """Let a person write something; what they type is stored escaped, as Slack does."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        message = {"type": "message", "user": user, "text": escaped, "ts": self.stamp(), **({"thread_ts": thread} if thread else {})}
        with self.lock:
            channel.messages.append(message)
        return message

    def react(self, channel: Channel, user: str, stamp: str, emoji: str) -> None:
        """Let a person react to a message."""
        with self.lock:
            message = self.message(channel, stamp)
            assert message is not None, "there is no such message"
            reactions = message.setdefault("reactions", [])
            found = next((reaction for reaction in reactions if reaction["name"] == emoji), None)
            if found is None:
                reactions.append({"name": emoji, "users": [user], "count": 1})
            elif user not in found["users"]:
                found["users"].append(user)
                found["count"] += 1
