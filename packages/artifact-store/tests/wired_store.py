"""An artifact store behind HTTP: the reference for the rules about wires, with its server and harness. It can do everything."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlencode, urlsplit

from pydantic import Field

from dovetail_artifact_store import ArtifactStore, Condition, ObjectInfo, Upload
from dovetail_artifact_store import ArtifactStoreCapability as Capability
from dovetail_artifact_store.contract import ArtifactStoreHarness
from dovetail_conformance.instruments import FaultProxy
from dovetail_conformance.servers import HttpAnswer, HttpRequest, HttpServer
from dovetail_core import (
    AlreadyExists,
    ComponentConfig,
    Conflict,
    DovetailError,
    NotFound,
    PermissionDenied,
    Timeout,
    Unavailable,
)
from dovetail_core.retry import retrying

KEY = b"the server's own"


class Server(HttpServer):
    """Objects in memory: whole ones, and uploads of parts. Writes may demand what is there, and carry an id."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, tuple[bytes, str, float, str]] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}

    def answer(self, request: HttpRequest) -> HttpAnswer:
        _, kind, name = request.path.split("/", 2)
        method = "GET" if request.method == "HEAD" else request.method
        status, headers, data = self.done(method, kind, unquote(name), request)
        return HttpAnswer(status, data, headers)

    def done(self, method: str, kind: str, name: str, request: HttpRequest) -> tuple[int, Any, Any]:
        query, headers, body = request.query, request.headers, request.body
        if "signature" in query and not self._signed(method, name, query):
            return 403, {}, b""
        if kind == "o":
            return getattr(self, method.lower())(name, query, headers, body)
        if kind == "l":
            return self.list(query)
        if kind == "c":
            return self.copy(query)
        return self.upload(method, name, query, headers, body)

    def get(self, name: str, query: Any, headers: Mapping[str, str], body: bytes) -> tuple[int, Any, Any]:
        if name not in self.objects:
            return 404, {}, b""
        data, etag, at, write = self.objects[name]
        shown = {"ETag": etag, "X-At": str(at), "X-Size": str(len(data)), "X-Write": write}
        if "If-Match" in headers and headers["If-Match"] != etag:
            return 412, {}, b""
        if "Range" in headers:
            start, _, end = headers["Range"].partition("-")
            data = data[int(start) : int(end) if end else None]
        return 200, shown, data

    head = get

    def put(self, name: str, query: Any, headers: Mapping[str, str], body: bytes) -> tuple[int, Any, Any]:
        there = self.objects.get(name)
        if "X-Absent" in headers and there is not None:
            return 412, {}, b""
        if "If-Match" in headers and (there is None or there[1] != headers["If-Match"]):
            return 412, {}, b""
        self.objects[name] = (body, uuid.uuid4().hex, time.time(), headers.get("X-Write", ""))
        return 200, {"ETag": self.objects[name][1], "X-At": str(self.objects[name][2])}, b""

    def delete(self, name: str, *_: Any) -> tuple[int, Any, Any]:
        self.objects.pop(name, None)
        return 204, {}, b""

    def list(self, query: dict[str, str]) -> tuple[int, Any, Any]:
        found = sorted((name for name in self.objects if name.startswith(query["prefix"])), key=str.encode)
        rest = [name for name in found if name.encode() > query.get("after", "").encode()]
        page = [[name, len(self.objects[name][0]), self.objects[name][1], self.objects[name][2]] for name in rest[: int(query["max"])]]
        return 200, {}, json.dumps({"page": page, "more": len(rest) > len(page)}).encode()

    def copy(self, query: dict[str, str]) -> tuple[int, Any, Any]:
        if query["from"] not in self.objects:
            return 404, {}, b""
        return self.put(query["to"], {}, {}, self.objects[query["from"]][0])

    def upload(self, method: str, name: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> tuple[int, Any, Any]:
        if method == "POST" and not name:
            name = uuid.uuid4().hex
            self.uploads[name] = {}
            return 200, {}, name.encode()
        if name not in self.uploads:
            return 404, {}, b""
        if method == "PUT":
            self.uploads[name][int(query["part"])] = body
            return 200, {}, b""
        parts = self.uploads[name]
        if method == "POST":
            code, shown, _ = self.put(query["key"], {}, headers, b"".join(parts[number] for number in sorted(parts)))
            if code != 200:
                return code, {}, b""
            del self.uploads[name]
            return 200, shown, b""
        del self.uploads[name]
        return 204, {}, b""

    def _signed(self, method: str, name: str, query: dict[str, str]) -> bool:
        return query["signature"] == signature(method, name, query["until"]) and time.time() < float(query["until"])


def signature(method: str, name: str, until: str) -> str:
    return hmac.new(KEY, f"{method} {name} {until}".encode(), hashlib.sha256).hexdigest()


class WiredConfig(ComponentConfig):
    url: str = Field(description="Address of the server.")
    space: str = Field(description="What every key begins with.")
    timeout: float = Field(10.0, description="Seconds that an answer may take.")
    attempts: int = Field(4, description="How often a request is sent at most.")


class WiredArtifactStore(ArtifactStore):
    """Objects at a server."""

    flavor = "wired"
    capabilities = frozenset({Capability.CONDITIONAL_PUT, Capability.CONDITIONAL_REPLACE, Capability.SERVER_COPY, Capability.PRESIGN})
    Config = WiredConfig
    config: WiredConfig
    page_size = 5
    part_size = 1 << 10
    sent: ClassVar[int] = 0

    def _base_uri(self) -> str:
        return f"wired+{self.config.url}/{self.config.space}"

    def _name(self, key: str) -> str:
        return f"{self.config.space}/{key}"

    def _stat(self, key: str) -> ObjectInfo:
        return self._info(key, self.ask("HEAD", f"/o/{quote(self._name(key))}")[0])

    def _info(self, key: str, headers: Mapping[str, str], size: int | None = None) -> ObjectInfo:
        at = datetime.fromtimestamp(float(headers["X-At"]), UTC)
        return ObjectInfo(key, int(headers["X-Size"]) if size is None else size, headers["ETag"], at)

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        return self.ask("GET", f"/o/{quote(self._name(key))}", {"Range": f"{start}-{'' if end is None else end}"})[1]

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        return WiredUpload(self, key, condition)

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        start = self._name(f"{prefix}/" if prefix else "")
        shown: set[str] = set()
        for name, size, etag, at in self._names(start):
            key = name[len(self.config.space) + 1 :]
            first, slash, _ = name[len(start) :].partition("/")
            if recursive or not slash:
                yield ObjectInfo(key, size, etag, datetime.fromtimestamp(at, UTC))
            elif first not in shown:
                shown.add(first)
                yield f"{prefix}/{first}" if prefix else first

    def _names(self, start: str) -> Iterator[tuple[str, int, str, float]]:
        after = ""
        while True:
            query = urlencode({"prefix": start, "max": self.page_size, "after": after})
            answer = json.loads(self.ask("GET", f"/l/?{query}")[1])
            yield from map(tuple, answer["page"])
            if not answer["more"]:
                return
            after = answer["page"][-1][0]

    def _delete(self, keys: Iterable[str]) -> dict[str, Exception]:
        failures: dict[str, Exception] = {}
        for key in keys:
            try:
                self.ask("DELETE", f"/o/{quote(self._name(key))}")
            except DovetailError as error:
                failures[key] = error
        return failures

    def _copy(self, source: str, target: str) -> ObjectInfo:
        self.ask("POST", f"/c/?{urlencode({'from': self._name(source), 'to': self._name(target)})}")
        return self._stat(target)

    def _presign(self, key: str, writing: bool, seconds: float) -> str:
        until = f"{time.time() + seconds:.3f}"
        signed = signature("PUT" if writing else "GET", self._name(key), until)
        return f"{self.config.url}/o/{quote(self._name(key))}?{urlencode({'until': until, 'signature': signed})}"

    # Requests

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> tuple[Mapping[str, str], bytes]:
        return retrying(lambda: self.once(method, path, headers or {}, body), attempts=self.config.attempts, first=0.01)

    def once(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, str], bytes]:
        place = urlsplit(self.config.url)
        with self._mapped():
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=self.config.timeout)
            try:
                connection.request(method, path, body or None, {**headers, **({"Content-Length": str(len(body))} if body else {})})
                response = connection.getresponse()
                return self._result(response.status, dict(response.headers), response.read())
            finally:
                connection.close()

    def _result(self, status: int, headers: Mapping[str, str], data: bytes) -> tuple[Mapping[str, str], bytes]:
        if status in (404, 410):
            raise NotFound("the server does not have it", remedy="check the key")
        if status == 412:
            raise Conflict("it is not the object that was expected", remedy="read it again")
        if status == 403:
            raise PermissionDenied("the server refuses", remedy="ask for permission")
        if status >= 400:
            raise Unavailable(f"the server answered {status}", remedy="try again later")
        return headers, data

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except DovetailError:
            raise
        except TimeoutError as error:
            raise Timeout("the server did not answer in time", remedy="raise `timeout`") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(f"the server cannot be reached: {type(error).__name__}", remedy="check `url`") from error


class WiredUpload(Upload):
    """Sends what fills a part, and the rest, or a small object, at the end."""

    def __init__(self, store: WiredArtifactStore, key: str, condition: Condition) -> None:
        self.store = store
        self.key = key
        self.condition = condition
        self.write_id = uuid.uuid4().hex
        self.held = b""
        self.size = 0
        self.parts = 0
        self.upload = ""

    def write(self, data: memoryview) -> None:
        self.held += bytes(data)
        self.size += len(data)
        while len(self.held) > self.store.part_size:
            part, self.held = self.held[: self.store.part_size], self.held[self.store.part_size :]
            self.send(part)

    def send(self, part: bytes) -> None:
        if not self.upload:
            self.upload = self.asked("POST", "/u/")[1].decode()
        self.parts += 1
        self.asked("PUT", f"/u/{self.upload}?part={self.parts}", body=part)

    def commit(self) -> ObjectInfo:
        if self.upload:
            self.send(self.held)
            headers = self.published("POST", f"/u/{self.upload}?{urlencode({'key': self.store._name(self.key)})}", b"")
            self.upload = ""
        else:
            headers = self.published("PUT", f"/o/{quote(self.store._name(self.key))}", self.held)
        return self.store._info(self.key, headers, self.size)

    def published(self, method: str, path: str, body: bytes) -> Mapping[str, str]:
        demands = {"X-Absent": "1"} if self.condition.absent else {}
        demands |= {"If-Match": self.condition.match} if self.condition.match is not None else {}
        sent = 0

        def attempt() -> Mapping[str, str]:
            nonlocal sent
            sent += 1
            try:
                return self.store.once(method, path, {**demands, "X-Write": self.write_id}, body)[0]
            except (Conflict, NotFound) as error:
                if sent > 1 and (found := self.ours()) is not None:
                    return found
                if isinstance(error, NotFound):
                    raise Unavailable("the upload is forgotten", remedy="write it again", retryable=False) from error
                if self.condition.absent:
                    raise AlreadyExists(f"there is something at '{self.key}'", remedy="choose another key") from error
                raise

        return retrying(attempt, attempts=self.store.config.attempts, first=0.01)

    def ours(self) -> Mapping[str, str] | None:
        try:
            headers = self.store.ask("HEAD", f"/o/{quote(self.store._name(self.key))}")[0]
        except NotFound:
            return None
        return headers if headers.get("X-Write") == self.write_id else None

    def asked(self, method: str, path: str, body: bytes = b"") -> tuple[Mapping[str, str], bytes]:
        try:
            return self.store.ask(method, path, body=body)
        except NotFound as error:
            raise Unavailable("the upload is forgotten", remedy="write it again", retryable=False) from error

    def abort(self) -> None:
        if self.upload:
            try:
                self.store.ask("DELETE", f"/u/{self.upload}")
            except DovetailError:
                return
            self.upload = ""


class WiredHarness(ArtifactStoreHarness):
    flavor = WiredArtifactStore
    processes = False
    impatient: Mapping[str, object] = {"timeout": 0.3, "attempts": 2}
    patience = 10.0
    lacks: Mapping[str, str] = {"AS-13": "the server is in this process"}

    def __enter__(self) -> WiredHarness:
        self.server = self.enter_context(Server())
        self._proxy = self.enter_context(FaultProxy("127.0.0.1", self.server.port))
        return self

    @property
    def proxy(self) -> FaultProxy:
        return self._proxy

    def make(self, **config: Any) -> ArtifactStore:
        return self.flavor(**{"url": self._proxy.url, "space": uuid.uuid4().hex, **config})

    def second(self, component: ArtifactStore) -> ArtifactStore:
        return type(component)(component.config)

    def neighbour(self, component: ArtifactStore) -> ArtifactStore:
        return self.make(space=f"{component.config.space}b")

    def census(self, component: ArtifactStore) -> Mapping[str, int]:
        return {"uploads": len(self.server.uploads)}
