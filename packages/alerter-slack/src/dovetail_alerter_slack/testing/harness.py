"""The harness of the flavor, for the conformance suite: the fake Slack through the fault proxy, or a live workspace that `--config` names."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Self

from dovetail_alerter import Alerter
from dovetail_alerter.contract import AlerterHarness, Arrived
from dovetail_alerter_slack.alerter import SlackAlerter
from dovetail_alerter_slack.testing.server import Answer, FakeSlack
from dovetail_alerter_slack.testing.shown import shown
from dovetail_alerter_slack.testing.workspace import Channel
from dovetail_conformance import Deviation, Untested
from dovetail_conformance.instruments import FaultProxy
from dovetail_core import AuthenticationFailed, InvalidArgument, NotFound, PermissionDenied

_CODES: Mapping[str, type[Exception]] = {
    "account_inactive": AuthenticationFailed,
    "token_revoked": AuthenticationFailed,
    "missing_scope": PermissionDenied,
    "not_in_channel": PermissionDenied,
    "is_archived": PermissionDenied,
    "restricted_action": PermissionDenied,
    "channel_not_found": NotFound,
    "msg_too_long": InvalidArgument,
    "invalid_blocks": InvalidArgument,
}
_CODES_OF_WEBHOOKS: Mapping[str, tuple[int, type[Exception]]] = {
    "action_prohibited": (403, PermissionDenied),
    "no_service": (404, NotFound),
    "channel_is_archived": (410, PermissionDenied),
    "invalid_payload": (400, InvalidArgument),
}


class SlackHarness(AlerterHarness):
    """The flavor with a bot's token before a fake Slack. With settings, which are those of the flavor: before a live workspace.

    What was posted in a live workspace is read back by the flavor's own token, and nobody there answers or refuses.
    """

    flavor: ClassVar[type[SlackAlerter]] = SlackAlerter
    environment: str = "emulated"
    impatient: Mapping[str, object] = {"timeout": 0.4, "attempts": 2, "patience": 4.0}
    patience: float = 30.0
    refusals: ClassVar[Mapping[str, type[Exception] | tuple[type[Exception], ...]]] = _CODES
    buttons = False
    """Whether questions have buttons."""

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        super().__init__(settings)
        self._live = bool(self.settings)
        if self._live:
            self.environment = "live"

    def __enter__(self) -> Self:
        if not self._live:
            self.slack: FakeSlack = self.enter_context(FakeSlack())
            self._proxy = self.enter_context(FaultProxy("127.0.0.1", self.slack.port))
            space = self.slack.workspace
            self.people: Sequence[str] = (space.add_user("ada"), space.add_user("bob"))
            self._token = space.add_token()
            self._app_token = space.add_token({"connections:write"}, "app")
        return self

    def has(self, hook: str) -> bool:
        """Before a live workspace there is neither a proxy nor other credentials."""
        return super().has(hook) and not (self._live and hook in ("proxy", "credentials"))

    @property
    def proxy(self) -> FaultProxy:
        """The fault proxy before the fake."""
        if self._live:
            raise Untested("a live service is not disturbed")
        return self._proxy

    def make(self, **config: Any) -> Alerter:
        """Return an alerter on a channel of its own."""
        if self._live:
            return self.flavor(**{**self.settings, **config})
        return self.flavor(**{**self._settings(), **config})

    def _settings(self) -> dict[str, Any]:
        channel = self.slack.workspace.add_channel(f"alerts-{uuid.uuid4().hex[:12]}")
        buttons = {"app_token": self._app_token} if self.buttons else {}
        base = {"token": self._token, "channels": [f"#{channel.name}"], "base_url": f"{self._proxy.url}/api/"}
        return {**base, "poll_seconds": 0.05, "timeout": 5.0, **buttons}

    def several(self, count: int) -> Alerter:
        """Return an alerter with so many channels."""
        self._fake()
        names = [f"#{self.slack.workspace.add_channel(f'several-{uuid.uuid4().hex[:12]}').name}" for _ in range(count)]
        return self.make(channels=names)

    def credentials(self, kind: str) -> Alerter:
        """Return an alerter with a token that was never given, that may not post, or that was revoked."""
        space = self.slack.workspace
        if kind == "bad":
            return self.make(token="xoxb-0-unknown-canary-4711")
        if kind == "readonly":
            return self.make(token=space.add_token({"channels:read", "channels:history"}))
        raise Untested(f"Slack has no {kind} credentials")

    def writer(self) -> Alerter | None:
        """Return an alerter with a token that may only post, on a channel that it knows by name."""
        if self._live:
            return None
        return self.make(token=self.slack.workspace.add_token({"chat:write"}))

    # What arrived

    def received(self, component: Alerter) -> Sequence[Arrived]:
        """Return the messages of the component's channels, each with the files below it that were shared with it."""
        self._fake()
        found = [(name, message) for name, channel in self._channels(component) for message in list(channel.messages)]
        own = [(name, message) for name, message in found if "bot_id" in message]
        own.sort(key=lambda item: float(item[1]["ts"]))
        files = self._files(own)
        return [shown(message, name, files.get(message["ts"], {})) for name, message in own if message.get("subtype") != "file_share"]

    def _files(self, messages: list[tuple[str, dict[str, Any]]]) -> dict[str, dict[str, bytes]]:
        """Return the files by the message that they were shared with: the last one of the thread before them."""
        found: dict[str, dict[str, bytes]] = {}
        for place, (_, message) in enumerate(messages):
            if message.get("subtype") == "file_share":
                thread = message.get("thread_ts")
                before = [other for _, other in messages[:place] if thread in (other["ts"], other.get("thread_ts"))]
                owner = next(other for other in reversed(before) if other.get("subtype") != "file_share")
                found.setdefault(owner["ts"], {}).update(self.slack.workspace.files[file["id"]] for file in message["files"])
        return found

    def _channels(self, component: Alerter) -> Iterable[tuple[str, Channel]]:
        for name in component._targets():
            channel = self.slack.workspace.named(name)
            if channel is not None:
                yield name, channel

    def attempts(self, component: Alerter) -> Sequence[float]:
        """Return when messages were sent to the component's channels."""
        self._fake()
        own = {channel.id for _, channel in self._channels(component)}
        return [moment for moment, channel in list(self.slack.attempts) if channel in own]

    # What the provider and people do

    @contextmanager
    def refuse(self, component: Alerter, kind: str, *, target: str = "", times: int | None = None, after: int = 0) -> Iterator[None]:
        """Let the fake answer something else."""
        self._fake()
        channels = frozenset(channel.id for name, channel in self._channels(component) if target in ("", name))
        with self.slack.disturb(self._answer(kind), channels, after=after, times=times):
            yield

    def _answer(self, kind: str) -> Answer:
        match kind:
            case "unavailable":
                return Answer(503, "upstream connect error")
            case "rate_limited":
                return Answer(429, '{"ok": false, "error": "ratelimited"}', {"Retry-After": f"{self.retry_after:g}"})
            case "lost":
                return Answer(0, "", lost=True)
        needed = ', "needed": "chat:write", "provided": "none"' if kind == "missing_scope" else ""
        return Answer(200, f'{{"ok": false, "error": "{kind}"{needed}}}')

    def acceptances(self, component: Alerter) -> Mapping[str, AbstractContextManager[object]]:
        """Slack accepts in one way."""
        raise Untested("Slack says in one way only that it has accepted a message")

    def answer(self, component: Alerter, message: str, by: str, text: str) -> None:
        """Let a person click a button that says so, or else write it into the question's thread."""
        self._fake()
        for _, channel in self._channels(component):
            asked = self.slack.workspace.message(channel, message)
            if asked is not None and not (self.buttons and self.slack.sockets.click(channel, by, message, text)):
                self.slack.workspace.say(channel, by, text, asked.get("thread_ts") or message)

    def remark(self, component: Alerter, by: str, text: str, *, during: bool) -> None:
        """Let a person write into the channel."""
        self._fake()
        for _, channel in self._channels(component):
            self.slack.workspace.say(channel, by, text)

    def wrong_settings(self) -> Iterable[Mapping[str, Any]]:
        """Return tokens, channels and addresses that cannot be."""
        yield {"channels": []}
        yield {"channels": ["#a b"]}
        yield {"channels": ["#ops", "#ops"]}
        yield {"token": "secret"}
        yield {"token": None}
        yield {"webhook_url": "https://hooks.example.org/services/x"}
        yield {"answers": "buttons", "app_token": None}
        yield {"app_token": "xoxb-1-2"}
        yield {"base_url": "ftp://example.org/"}
        yield {"timeout": 0}

    def _fake(self) -> None:
        if self._live:
            raise Untested("a live workspace is neither read around the flavor nor made to refuse")


class SlackButtonsHarness(SlackHarness):
    """The flavor with buttons, through Socket Mode."""

    buttons = True


class SlackWebhookHarness(SlackHarness):
    """The flavor with an incoming webhook."""

    deviations: Mapping[str, Deviation] = {
        "XC-05": Deviation("a webhook gives no id by which a message could be looked for, so that it is sent again", "backend")
    }
    refusals: ClassVar[Mapping[str, type[Exception] | tuple[type[Exception], ...]]] = {
        code: error for code, (_, error) in _CODES_OF_WEBHOOKS.items()
    }

    def _settings(self) -> dict[str, Any]:
        space = self.slack.workspace
        path = space.add_webhook(space.add_channel(f"hooked-{uuid.uuid4().hex[:12]}"))
        return {"webhook_url": f"{self._proxy.url}{path}", "timeout": 5.0}

    def _channels(self, component: Alerter) -> Iterable[tuple[str, Channel]]:
        url = component.config.webhook_url.get_secret_value()  # type: ignore[attr-defined]
        space = self.slack.workspace
        channel = space.channels.get(space.webhooks.get(url.removeprefix(self._proxy.url), ""))
        return [("webhook", channel)] if channel else []

    def credentials(self, kind: str) -> Alerter:
        """A webhook is its own credential."""
        raise Untested("a webhook is its own credential")

    def writer(self) -> Alerter | None:
        """A webhook may only post, and is all that there is."""
        return None

    def several(self, count: int) -> Alerter:
        """A webhook has one channel."""
        raise Untested("a webhook has one channel")

    def _answer(self, kind: str) -> Answer:
        if kind in _CODES_OF_WEBHOOKS:
            return Answer(_CODES_OF_WEBHOOKS[kind][0], kind)
        if kind == "rate_limited":
            return Answer(429, "rate_limited", {"Retry-After": f"{self.retry_after:g}"})
        return super()._answer(kind)

    def wrong_settings(self) -> Iterable[Mapping[str, Any]]:
        """Return addresses that cannot be."""
        yield {"webhook_url": "not an address"}
        yield {"channels": ["#ops"]}
        yield {"webhook_url": None}
