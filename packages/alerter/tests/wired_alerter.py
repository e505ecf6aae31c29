"""An alerter behind HTTP: the reference for the rules about wires, with its server and harness. It can do everything."""

from __future__ import annotations

import base64
import html
import http.client
import json
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import Field, SecretStr

from dovetail_alerter import Alerter, AlerterConfig, AnswerLost, Limits, Message, Posted, Reply, Unit
from dovetail_alerter import AlerterCapability as Capability
from dovetail_alerter.contract import AlerterHarness, Arrived
from dovetail_alerter.memory import Failing
from dovetail_conformance import Untested
from dovetail_conformance.instruments import FaultProxy
from dovetail_conformance.servers import HttpAnswer, HttpRequest, HttpServer
from dovetail_core import AuthenticationFailed, InvalidArgument, NotFound, PermissionDenied, RateLimited, Timeout, Unavailable
from dovetail_core.retry import retrying

LIMITS = Limits(title=150, body=1200, fields=5, field=200, parts=6, attachment=1 << 16, unit=Unit.BYTES)
TOKENS = {"the-writer's-token-4711": True, "the-reader's-token-0815": False, "the-poster's-token-0042": True}
PAUSE = 0.5


class Server(HttpServer):
    """Rooms with messages. Text is markup: `<@id>` calls somebody, `<address|text>` is a link, and `& < >` are written as in HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.talk: list[dict[str, Any]] = []
        self.failing: list[tuple[str, str, Failing]] = []
        self.attempts: list[tuple[str, float]] = []
        self.accepted = 200

    def answer(self, request: HttpRequest) -> HttpAnswer | None:
        body = json.loads(request.body) if request.body else None
        status, document = self.done(request.method, request.path, request.query, request.headers.get("X-Token", ""), body)
        if status == 429:
            return HttpAnswer(status, headers={"Retry-After": str(PAUSE)})
        return HttpAnswer.json(document, status) if status else None

    def done(self, method: str, path: str, query: Mapping[str, str], token: str, body: Any) -> tuple[int, Any]:
        """Return a status and a document; status 0 drops the connection."""
        if token not in TOKENS:
            return 401, {}
        if path == "/send" and method == "POST":
            return self.send(body) if TOKENS[token] else (403, {})
        if token == list(TOKENS)[2]:
            return 403, {}
        if path == "/answers":
            return 200, self.answers.get(query["message"], [])[int(query["after"]) :]
        if path == "/talk":
            return 200, [said for said in self.talk if said["space"] == query["space"]]
        if path == "/find":
            return 200, [self.shown(sent) for sent in self.messages if sent["key"] == query["key"]]
        return (200, {}) if TOKENS[token] else (403, {})

    def send(self, body: dict[str, Any]) -> tuple[int, Any]:
        self.attempts.append((body["space"], time.monotonic()))
        kind = next((kind for kind, space, failing in self.failing if space == body["space"] and failing.takes(body["room"])), "")
        if kind == "rate_limited":
            return 429, {}
        if kind == "unavailable":
            return 503, {}
        if kind not in ("", "lost"):
            return 200, {"ok": False, "error": kind}
        if any(
            len(body[name].encode()) > limit for name, limit in (("title", LIMITS.title), ("body", LIMITS.body), ("details", LIMITS.body))
        ):
            return 200, {"ok": False, "error": "too_long"}
        return (self.accepted if kind == "" else 0), {"ok": True, **self.shown(self.kept(body))}

    def kept(self, body: dict[str, Any]) -> dict[str, Any]:
        there = [sent for sent in self.messages if sent["key"] == body["key"]]
        if there and body["dedupe"]:
            return there[0]
        self.messages.append({**body, "id": f"{len(self.messages) + 1:04}"})
        return self.messages[-1]

    def shown(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {"id": sent["id"], "thread": sent["below"]}


class WiredConfig(AlerterConfig):
    url: str = Field(description="Address of the server.", pattern="^https?://")
    space: str = Field(description="Whose rooms they are.")
    token: SecretStr = Field(description="Token.")
    rooms: tuple[str, ...] = Field(("room",), description="Rooms to post to.", min_length=1)
    timeout: float = Field(10.0, description="Seconds that an answer may take.")


class WiredAlerter(Alerter):
    """Messages in rooms of a server."""

    flavor = "wired"
    capabilities = frozenset(Capability)
    Config = WiredConfig
    config: WiredConfig
    limits = LIMITS
    dedupe = True

    def check(self) -> None:
        retrying(lambda: self.ask_server("GET", "/check"), attempts=self.config.attempts, first=0.01)

    def _targets(self) -> Sequence[str]:
        return self.config.rooms

    def _escape(self, text: str) -> str:
        return html.escape(text, quote=False)

    def _post(self, message: Message, target: str) -> Posted:
        document = {
            "space": self.config.space, "room": target, "key": message.key, "dedupe": self.dedupe, "title": message.title, "body": message.body,
            "details": message.details, "fields": message.fields, "links": [f"<{link.url}|{link.text or link.url}>" for link in message.links],
            "files": {item.name: base64.b64encode(item.data).decode() for item in message.attachments}, "below": message.reply_to,
        }  # fmt: skip
        return self.posted(self.ask_server("POST", "/send", document))

    def posted(self, came: dict[str, Any]) -> Posted:
        if not came.get("ok"):
            raise {"revoked": AuthenticationFailed, "gone": NotFound}.get(came["error"], InvalidArgument)(
                f"the server says {came['error']}"
            )
        return Posted(came["id"], thread=came["thread"])

    def _replies(self, message: Message, posted: Posted, target: str, deadline: float) -> Iterator[Reply]:
        heard = 0
        while time.monotonic() < deadline:
            said = self.heard(posted, target, heard)
            yield from (Reply(item["by"], item["text"], datetime.fromtimestamp(item["at"], UTC)) for item in said)
            heard += len(said)
            time.sleep(0.01)

    def heard(self, posted: Posted, target: str, after: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask_server("GET", f"/answers?{urlencode({'message': posted.id, 'after': after})}")
        return found

    # Requests

    def ask_server(self, method: str, path: str, document: object = None) -> Any:
        place = urlsplit(self.config.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=self.config.timeout)
        try:
            self.connect(connection)
            return self.exchange(connection, method, path, document)
        finally:
            connection.close()

    def connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except TimeoutError as error:
            raise Timeout("the server does not answer", remedy="check `url`") from error
        except OSError as error:
            raise Unavailable("the server cannot be reached", remedy="check `url`") from error

    def exchange(self, connection: http.client.HTTPConnection, method: str, path: str, document: object) -> Any:
        try:
            body = json.dumps(document).encode() if document is not None else None
            connection.request(method, path, body, {"X-Token": self.config.token.get_secret_value()})
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise AnswerLost(f"the answer was lost: {type(error).__name__}", remedy="try again") from error
        return self.result(response.status, response.headers, data)

    def result(self, status: int, headers: Mapping[str, str], data: bytes) -> Any:
        if status == 429:
            raise RateLimited("too many requests", retry_after=float(headers["Retry-After"]))
        if status == 401:
            raise AuthenticationFailed("the token is not known", remedy="check `token`")
        if status == 403:
            raise PermissionDenied("the token may not do this", remedy="use another `token`")
        if status >= 300:
            raise Unavailable(f"the server answered {status}", remedy="try again later", retryable=status >= 500)
        return json.loads(data)


class WiredHarness(AlerterHarness):
    flavor = WiredAlerter
    impatient: Mapping[str, object] = {"timeout": 0.3, "attempts": 2}
    patience = 10.0
    people = ("alice", "bob")
    refusals = {"revoked": AuthenticationFailed, "gone": NotFound}
    retry_after = PAUSE

    def __enter__(self) -> WiredHarness:
        self.server = self.enter_context(Server())
        self._proxy = self.enter_context(FaultProxy("127.0.0.1", self.server.port))
        return self

    @property
    def proxy(self) -> FaultProxy:
        return self._proxy

    def make(self, **config: Any) -> Alerter:
        return self.flavor(**{"url": self._proxy.url, "space": uuid.uuid4().hex, "token": next(iter(TOKENS)), **config})

    def several(self, count: int) -> Alerter:
        return self.make(rooms=[f"room {number}" for number in range(count)])

    def credentials(self, kind: str) -> Alerter:
        if kind not in ("bad", "readonly"):
            raise Untested(f"there are no {kind} tokens")
        return self.make(token="nobody's-token-0000" if kind == "bad" else list(TOKENS)[1])

    def writer(self) -> Alerter | None:
        return self.make(token=list(TOKENS)[2])

    def wrong_settings(self) -> Iterable[Mapping[str, Any]]:
        return ({"url": "ftp://x"}, {"rooms": []}, {"token": None})

    def received(self, component: Alerter) -> Sequence[Arrived]:
        with self.server.lock:
            return [arrived(sent) for sent in self.server.messages if sent["space"] == component.config.space]

    def attempts(self, component: Alerter) -> Sequence[float]:
        with self.server.lock:
            return [at for space, at in self.server.attempts if space == component.config.space]

    @contextmanager
    def refuse(self, component: Alerter, kind: str, *, target: str = "", times: int | None = None, after: int = 0) -> Iterator[None]:
        failing = (kind, component.config.space, Failing(ValueError(kind), target, times, after))
        self.server.failing.append(failing)
        try:
            yield
        finally:
            self.server.failing.remove(failing)

    def acceptances(self, component: Alerter) -> Mapping[str, Any]:
        return {str(status): self._accepting(status) for status in (200, 201, 202)}

    @contextmanager
    def _accepting(self, status: int) -> Iterator[None]:
        self.server.accepted = status
        try:
            yield
        finally:
            self.server.accepted = 200

    def answer(self, component: Alerter, message: str, by: str, text: str) -> None:
        with self.server.lock:
            self.server.answers.setdefault(message, []).append({"by": by, "text": text, "at": time.time()})

    def remark(self, component: Alerter, by: str, text: str, *, during: bool) -> None:
        with self.server.lock:
            self.server.talk.append({"space": component.config.space, "by": by, "text": text, "at": time.time()})


def arrived(sent: dict[str, Any]) -> Arrived:
    """Return what a reader sees of a message."""
    raw = "\n".join([sent["body"], *(f"{name}: {value}" for name, value in sent["fields"]), *sent["links"], sent["details"]])
    tags = re.findall("<([^<>]*)>", sent["title"] + raw)
    links = [tag.split("|", 1) for tag in tags if "|" in tag]
    hidden = tuple(address for address, text in links if html.unescape(text) != address)
    shown = html.unescape(re.sub(r"<([^<>|]*)\|([^<>]*)>", r"\2", raw))
    files = {name: base64.b64decode(data) for name, data in sent["files"].items()}
    pings = tuple(tag for tag in tags if tag[:1] in ("@", "!"))
    return Arrived(sent["id"], sent["room"], html.unescape(sent["title"]), shown, sent["below"], files, pings, hidden)
