"""The methods of the Web API that alerters call, as Slack's reference of methods describes them: scopes, arguments, answers, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dovetail_alerter_slack.testing.blocks import problems, problems_of_metadata
from dovetail_alerter_slack.testing.workspace import Channel, FakeWorkspace, Token

Arguments = dict[str, Any]


class Refusal(Exception):
    """An answer with `ok: false`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer: dict[str, Any] = {"ok": False, "error": error, **more}


class Methods:
    """Answers calls of methods; what a token's scopes, a channel's state or the arguments do not allow is refused with Slack's code."""

    def __init__(self, workspace: FakeWorkspace, url_of_socket: Callable[[], str]) -> None:
        self._space = workspace
        self._url_of_socket = url_of_socket
        self._methods: dict[str, tuple[str, Callable[[Arguments, str], Arguments]]] = {
            "auth.test": ("", self._auth_test),
            "apps.connections.open": ("connections:write", self._open_connection),
            "chat.postMessage": ("chat:write", self._post),
            "chat.update": ("chat:write", self._update),
            "conversations.history": ("", self._history),
            "conversations.info": ("", self._info),
            "conversations.list": ("channels:read", self._list),
            "conversations.replies": ("", self._replies),
            "files.completeUploadExternal": ("files:write", self._complete),
            "files.getUploadURLExternal": ("files:write", self._begin_upload),
            "reactions.get": ("reactions:read", self._reactions),
            "usergroups.list": ("usergroups:read", self._groups),
            "usergroups.users.list": ("usergroups:read", self._group_users),
            "users.list": ("users:read", self._users),
            "users.lookupByEmail": ("users:read.email", self._by_email),
        }

    def call(self, method: str, token: str, arguments: Arguments, host: str) -> Arguments:
        """Return the answer to a call that came to a host."""
        try:
            with self._space.lock:
                scope, answer = self._methods.get(method, ("", _unknown))
                self._admit(token, scope, "app" if method == "apps.connections.open" else "bot")
                self._token = self._space.tokens[token]
                return {"ok": True, **answer(arguments, host)}
        except Refusal as refusal:
            return refusal.answer

    def _admit(self, token: str, scope: str, kind: str) -> None:
        known = self._space.tokens.get(token)
        if not token:
            raise Refusal("not_authed")
        if token in self._space.revoked:
            raise Refusal("token_revoked")
        if known is None:
            raise Refusal("invalid_auth")
        if known.kind != kind:
            raise Refusal("not_allowed_token_type")
        _need(known, scope)

    # Messages

    def _post(self, given: Arguments, host: str) -> Arguments:
        channel = self._writable(given.get("channel"))
        _check_content(given)
        if given.get("metadata") is not None and (error := problems_of_metadata(given["metadata"])):
            raise Refusal(error)
        thread = given.get("thread_ts")
        if thread and self._space.message(channel, str(thread)) is None:
            raise Refusal("thread_not_found")
        message = self.publish(channel, given, str(thread or ""))
        return {"channel": channel.id, "ts": message["ts"], "message": _public(message, False)}

    def publish(self, channel: Channel, content: Arguments, thread: str = "") -> Arguments:
        """Store a message of the app's."""
        kept = {name: content[name] for name in ("text", "blocks", "metadata") if content.get(name)}
        message = {
            "type": "message",
            "user": self._space.bot_user,
            "bot_id": self._space.bot_id,
            "app_id": self._space.app_id,
            "ts": self._space.stamp(),
            "text": "",
            **kept,
            **({"thread_ts": thread} if thread else {}),
        }
        channel.messages.append(message)
        return message

    def _update(self, given: Arguments, host: str) -> Arguments:
        channel = self._writable(given.get("channel"))
        message = self._space.message(channel, str(given.get("ts")))
        if message is None:
            raise Refusal("message_not_found")
        if message.get("bot_id") != self._space.bot_id:
            raise Refusal("cant_update_message")
        _check_content(given)
        message |= {name: given[name] for name in ("text", "blocks", "metadata") if given.get(name)}
        return {"channel": channel.id, "ts": message["ts"], "text": message["text"]}

    def _writable(self, name: Any) -> Channel:
        channel = self._channel(name)
        if channel.archived:
            raise Refusal("is_archived")
        if self._space.bot_user not in channel.members and "chat:write.public" not in self._token.scopes:
            raise Refusal("not_in_channel")
        return channel

    def _channel(self, name: Any) -> Channel:
        channel = self._space.named(str(name or ""))
        if channel is None or (channel.private and self._space.bot_user not in channel.members):
            raise Refusal("channel_not_found")
        return channel

    # Reading

    def _readable(self, given: Arguments) -> Channel:
        channel = self._by_id(given)
        _need(self._token, "groups:history" if channel.private else "channels:history")
        if self._space.bot_user not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def _by_id(self, given: Arguments) -> Channel:
        """Return a channel that is named by its id: only chat.postMessage takes names."""
        if str(given.get("channel")) not in self._space.channels:
            raise Refusal("channel_not_found")
        return self._channel(given["channel"])

    def _history(self, given: Arguments, host: str) -> Arguments:
        channel = self._readable(given)
        found = [message for message in channel.messages if message.get("thread_ts", message["ts"]) == message["ts"]]
        return _page([_public(message, _true(given, "include_all_metadata")) for message in reversed(found)], given, "messages")

    def _replies(self, given: Arguments, host: str) -> Arguments:
        channel = self._readable(given)
        root = str(given.get("ts"))
        parent = self._space.message(channel, root)
        if parent is None:
            raise Refusal("thread_not_found")
        oldest = float(given.get("oldest") or 0)
        found = [message for message in channel.messages if message.get("thread_ts") == root and float(message["ts"]) > oldest]
        return _page([_public(message, _true(given, "include_all_metadata")) for message in (parent, *found)], given, "messages")

    def _reactions(self, given: Arguments, host: str) -> Arguments:
        message = self._space.message(self._by_id(given), str(given.get("timestamp")))
        if message is None:
            raise Refusal("message_not_found")
        return {"type": "message", "channel": given["channel"], "message": message}

    def _list(self, given: Arguments, host: str) -> Arguments:
        kinds = str(given.get("types", "public_channel")).split(",")
        if "private_channel" in kinds:
            _need(self._token, "groups:read")
        found = [
            _described(self._space, channel)
            for channel in self._space.channels.values()
            if ("private_channel" in kinds and self._space.bot_user in channel.members if channel.private else "public_channel" in kinds)
        ]
        return _page(found, given, "channels")

    def _info(self, given: Arguments, host: str) -> Arguments:
        channel = self._by_id(given)
        _need(self._token, "groups:read" if channel.private else "channels:read")
        return {"channel": _described(self._space, channel)}

    def _auth_test(self, given: Arguments, host: str) -> Arguments:
        space = self._space
        return {"url": f"http://{host}/", "team_id": space.team, "user_id": space.bot_user, "bot_id": space.bot_id}

    # People

    def _users(self, given: Arguments, host: str) -> Arguments:
        return _page(list(self._space.users.values()), given, "members")

    def _by_email(self, given: Arguments, host: str) -> Arguments:
        user = next((user for user in self._space.users.values() if user["profile"]["email"] == given.get("email")), None)
        if user is None:
            raise Refusal("users_not_found")
        return {"user": user}

    def _groups(self, given: Arguments, host: str) -> Arguments:
        return {"usergroups": [{"id": group["id"], "handle": group["handle"]} for group in self._space.groups.values()]}

    def _group_users(self, given: Arguments, host: str) -> Arguments:
        group = self._space.groups.get(str(given.get("usergroup")))
        if group is None:
            raise Refusal("no_such_subteam")
        return {"users": group["users"]}

    # Files and sockets

    def _begin_upload(self, given: Arguments, host: str) -> Arguments:
        if not given.get("filename") or "length" not in given:
            raise Refusal("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: filename or length"]})
        file = self._space.identifier("F")
        self._space.uploads[file] = None
        self._space.names[file] = str(given["filename"])
        return {"file_id": file, "upload_url": f"http://{host}/upload/v1/{file}?length={int(given['length'])}"}

    def _complete(self, given: Arguments, host: str) -> Arguments:
        files = given.get("files")
        files = json.loads(files) if isinstance(files, str) else files
        if not isinstance(files, list) or not files:
            raise Refusal("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: files"]})
        channel = self._by_id({"channel": given.get("channel_id")}) if given.get("channel_id") else None
        if channel is not None and self._space.bot_user not in channel.members:
            raise Refusal("not_in_channel")
        for file in files:
            if self._space.uploads.get(file["id"]) is None:
                raise Refusal("file_not_found")
        self._share(channel, [file["id"] for file in files], str(given.get("thread_ts") or ""))
        return {"files": [{"id": file["id"], "title": file.get("title", "")} for file in files]}

    def _share(self, channel: Channel | None, files: list[str], thread: str) -> None:
        fresh = [file for file in files if file not in self._space.files]
        for file in fresh:
            self._space.files[file] = (self._space.names[file], self._space.uploads[file] or b"")
        if channel is not None and fresh:
            message = self.publish(channel, {"text": ""}, thread)
            message |= {"subtype": "file_share", "files": [{"id": file, "name": self._space.names[file]} for file in fresh]}

    def _open_connection(self, given: Arguments, host: str) -> Arguments:
        return {"url": self._url_of_socket()}


def _need(token: Token, scope: str) -> None:
    if scope and scope not in token.scopes:
        raise Refusal("missing_scope", needed=scope, provided=",".join(sorted(token.scopes)))


def _unknown(given: Arguments, host: str) -> Arguments:
    raise Refusal("unknown_method")


def _check_content(given: Arguments) -> None:
    blocks, text = given.get("blocks"), given.get("text")
    if not blocks and not text:
        raise Refusal("no_text")
    if text and len(str(text)) > 40_000:
        raise Refusal("msg_too_long")
    if blocks and (found := problems(blocks)):
        raise Refusal("invalid_blocks", errors=found, response_metadata={"messages": [f"[ERROR] {text}" for text in found]})


def _described(space: FakeWorkspace, channel: Channel) -> Arguments:
    member = space.bot_user in channel.members
    return {"id": channel.id, "name": channel.name, "is_archived": channel.archived, "is_private": channel.private, "is_member": member}


def _public(message: Arguments, metadata: bool) -> Arguments:
    return {name: value for name, value in message.items() if name != "metadata" or metadata}


def _true(given: Arguments, name: str) -> bool:
    return str(given.get(name, "")).lower() in ("1", "true")


def _page(items: list[Any], given: Arguments, name: str) -> Arguments:
    limit = max(1, min(int(given.get("limit") or 100), 1000))
    begin = int(given.get("cursor") or 0)
    following = str(begin + limit) if begin + limit < len(items) else ""
    return {name: items[begin : begin + limit], "response_metadata": {"next_cursor": following}}
