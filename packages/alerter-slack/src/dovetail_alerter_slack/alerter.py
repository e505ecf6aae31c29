"""The flavor."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from dovetail_alerter import Alerter, Answer, Guarantee, Message, Posted, Reply
from dovetail_alerter import AlerterCapability as Capability
from dovetail_alerter_slack._client import Client
from dovetail_alerter_slack.blocks import LIMITS, metadata, payload, settled
from dovetail_alerter_slack.buttons import Clicks, listening
from dovetail_alerter_slack.config import SlackConfig
from dovetail_alerter_slack.files import Files
from dovetail_alerter_slack.passing_on import pass_on
from dovetail_alerter_slack.replies import Poll
from dovetail_alerter_slack.workspace import Workspace
from dovetail_core import ConfigError, DovetailError, InvalidArgument, NotFound, PermissionDenied

_OF_A_TOKEN = frozenset({Capability.RICH, Capability.THREADS, Capability.ATTACHMENTS, Capability.MULTI_TARGET, Capability.ASK})
_OF_A_WEBHOOK = frozenset({Capability.RICH})
_UNSEEN = 50
"""Messages of which it is remembered how far they are, while their files are not shared yet."""


class SlackAlerter(Alerter):
    """Posts to Slack channels with a bot's token, or to one channel by an incoming webhook.

    With a token a message whose answer was lost is looked for in the channel (scope channels:history, groups:history in private ones)
    before it is sent again; without that scope, and by a webhook, it is sent again, and may be there twice.
    """

    flavor = "slack"
    capabilities: frozenset[Any] = _OF_A_TOKEN
    limits = LIMITS
    guarantee = Guarantee.AT_LEAST_ONCE
    Config: ClassVar[type[SlackConfig]] = SlackConfig
    config: SlackConfig

    def setup(self) -> None:
        """Prepare what needs no connection."""
        super().setup()
        self.capabilities = _OF_A_WEBHOOK if self.config.token is None else _OF_A_TOKEN
        self._client = Client(self.config)
        self._workspace = Workspace(self._client)
        self._clicks: dict[int, Clicks] = {}
        """Connections on which clicks arrive, by the thread that asks."""
        self._pending: dict[str, Files] = {}
        """Files that were not shared yet, by the key of their message."""
        self._lock = threading.Lock()

    def check(self) -> None:
        """Verify the token, and that each channel is there, open, and the app in it. A webhook can be verified only by posting."""
        if self.config.token is None:
            return
        self._client.read("auth.test", "the bot's token")
        for name in self.config.channels:
            self._check_channel(name)

    def _check_channel(self, name: str) -> None:
        try:
            identifier = self._workspace.channel(name)
            channel = self._client.read("conversations.info", f"channel '{name}'", channel=identifier).get("channel", {})
        except NotFound as error:
            raise ConfigError(f"{self.label}: `channels`: {error.message}", remedy=error.remedy) from error
        except PermissionDenied as error:
            if "missing_scope" in error.message:  # an app that may only post cannot look, and need not
                return
            raise
        if channel.get("is_archived"):
            raise ConfigError(f"{self.label}: `channels`: '{name}' is archived", remedy="unarchive it, or name another channel")
        if channel.get("is_private") and not channel.get("is_member"):
            raise ConfigError(f"{self.label}: `channels`: the app is not in '{name}'", remedy="invite the app to the channel")

    def close(self) -> None:
        """Forget the clients."""
        self._client.close()

    # Posting

    def _targets(self) -> Sequence[str]:
        return self.config.channels or ("webhook",)

    def _post(self, message: Message, target: str) -> Posted:
        if self.config.token is None:
            self._client.by_webhook("the webhook", payload(message, False))
            return Posted(message.key)
        if message.attachments:
            return self._post_with_files(message, target)
        return self._post_text(message, target)

    def _post_text(self, message: Message, target: str) -> Posted:
        if message.question is not None and (clicks := self._clicks.get(threading.get_ident())) is not None:
            clicks.expect(message.key)
        answer = self._client.change(
            "chat.postMessage",
            f"channel '{target}'",
            channel=target,
            metadata=metadata(message),
            thread_ts=message.reply_to or None,
            **payload(message, self.config.buttons),
        )
        self._workspace.know(target, str(answer.get("channel", "")))
        return Posted(str(answer["ts"]), thread=message.reply_to)

    def _post_with_files(self, message: Message, target: str) -> Posted:
        """Post a message and show its files below it; called again for the same message, it goes on where it was."""
        files = self._files(message)
        try:
            files.upload()
            posted = files.below or self._post_text(message, target)
        except DovetailError as error:
            if not error.retryable:  # nothing is there, and nothing will be
                self._forget_files(message)
            raise
        return self._with_files(message, target, posted)

    def _with_files(self, message: Message, target: str, posted: Posted) -> Posted:
        files = self._files(message)
        files.below = posted
        files.upload()
        files.share(self._workspace.channel(target), message.reply_to or posted.id)
        self._forget_files(message)
        return posted

    def _forget_files(self, message: Message) -> None:
        with self._lock:
            self._pending.pop(message.key, None)

    def _files(self, message: Message) -> Files:
        """Return what is known of a message's files, from before it is posted until they are shared."""
        with self._lock:
            known = self._pending.setdefault(message.key, Files(self._client, message.attachments, self.config.timeout))
            while len(self._pending) > _UNSEEN:
                self._pending.pop(next(iter(self._pending)))
        return known

    def _has_begun(self, message: Message, target: str) -> bool:
        with self._lock:
            files = self._pending.get(message.key)
        return files is not None and files.below is not None

    def _find(self, message: Message, target: str) -> Posted | None:
        if self.config.token is None or self._has_begun(message, target):
            return None
        found = self._workspace.message(target, lambda data: data.get("key") == message.key, message.reply_to)
        if found is None:
            return None
        posted = Posted(str(found["ts"]), thread=message.reply_to)
        return self._with_files(message, target, posted) if message.attachments else posted

    def _find_thread(self, thread: str, target: str) -> str:
        if self.config.token is None:
            return ""
        found = self._workspace.message(target, lambda data: data.get("thread") == thread)
        return str(found.get("thread_ts") or found["ts"]) if found else ""

    # Asking

    def _people(self, name: str) -> Collection[str]:
        return self._workspace.people(name)

    def _asking(self, target: str, deadline: float) -> AbstractContextManager[object]:
        return self._listening() if self.config.buttons else super()._asking(target, deadline)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        thread = threading.get_ident()
        with listening(self.config, self._client.web, lambda click: pass_on(self._client, click)) as clicks:
            self._clicks[thread] = clicks
            try:
                yield
            finally:
                del self._clicks[thread]

    def _replies(self, message: Message, posted: Posted, target: str, deadline: float) -> Iterator[Reply]:
        if message.question is None:
            raise InvalidArgument("the message asks nothing", remedy="call ask() with a Question")
        channel = self._workspace.channel(target)
        poll = Poll(self._client, self._workspace, channel, message.question, message.key, posted.id, posted.thread)
        if self.config.buttons:
            return self._clicks[threading.get_ident()].replies(deadline, self.config.poll_seconds, lambda: _allowed(poll))
        return poll.replies(deadline, self.config.poll_seconds)

    def _close_question(self, message: Message, posted: Posted, target: str, answer: Answer | None) -> None:
        decided = "Approved" if answer is not None and answer.approved else "Rejected"
        line = "Nobody has decided." if answer is None else f"{decided} by {answer.name or answer.by}."
        content: dict[str, Any] = settled(message, line)
        for name in ("unfurl_links", "unfurl_media"):
            content.pop(name)
        channel = self._workspace.channel(target)
        self._client.change("chat.update", f"channel '{target}'", channel=channel, ts=posted.id, **content)


def _allowed(poll: Poll) -> Iterator[Reply]:
    """Look for answers besides clicks; an app that may not read the channel has its buttons."""
    try:
        yield from poll.look()
    except PermissionDenied:
        return
