"""A gauge behind HTTP: the reference for the rules about wires, credentials and secrets, with its server and harness."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gauge import Gauge, GaugeCapability
from pydantic import Field, SecretStr

from dovetail_conformance import Harness
from dovetail_conformance.instruments import FaultProxy
from dovetail_conformance.servers import HttpAnswer, HttpRequest, HttpServer
from dovetail_core import AuthenticationFailed, ComponentConfig, DovetailError, PermissionDenied, Timeout, Unavailable
from dovetail_core.retry import retrying

GOOD, READER, EXPIRED = "canary-good-9d1f", "canary-reader-77aa", "canary-expired-31c0"


class Server(HttpServer):
    """Keeps readings by namespace; a reading whose id is known is not kept again."""

    def __init__(self) -> None:
        super().__init__()
        self.readings: dict[str, dict[str, tuple[int, float]]] = {}
        self.tokens = {GOOD: True, READER: False}
        """Token -> whether it may write."""

    def answer(self, request: HttpRequest) -> HttpAnswer:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return HttpAnswer.json(f"no token {token}", 401)
        if request.method != "GET" and not self.tokens[token]:
            return HttpAnswer.json("read only", 403)
        kept = self.readings.setdefault(request.path, {})
        if request.method == "POST":
            given = json.loads(request.body)
            kept.setdefault(given["id"], (given["value"], time.time()))
        elif request.method == "DELETE":
            kept.clear()
        return HttpAnswer.json(list(kept.values()))


class WiredConfig(ComponentConfig):
    url: str = Field(description="Address of the server, with the namespace as its path.")
    token: SecretStr = Field(description="Token.")
    token_file: Path | None = Field(None, description="File that holds the token, and may change.")
    timeout: float = Field(10.0, description="Seconds that an answer may take.")
    attempts: int = Field(4, description="How often a request is sent at most.")


class WiredGauge(Gauge):
    """Keeps readings at a server."""

    flavor = "wired"
    capabilities = frozenset({GaugeCapability.RESET})
    Config = WiredConfig
    config: WiredConfig

    def put(self, value: int) -> None:
        self._ask("POST", {"id": uuid.uuid4().hex, "value": value})

    def readings(self) -> list[int]:
        return [value for value, _ in self._ask("GET")]

    def times(self) -> list[datetime]:
        return [datetime.fromtimestamp(seconds, UTC) for _, seconds in self._ask("GET")]

    def _reset(self) -> None:
        self._ask("DELETE")

    def _ask(self, method: str, body: object = None) -> Any:
        return retrying(lambda: self._once(method, body), attempts=self.config.attempts, first=0.01)

    def _once(self, method: str, body: object) -> Any:
        place = urlsplit(self.config.url)
        with self._mapped():
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=self.config.timeout)
            try:
                headers = {"Authorization": f"Bearer {self._token()}"}
                connection.request(method, place.path, json.dumps(body).encode() if body else None, headers)
                response = connection.getresponse()
                return self._result(response.status, response.read())
            finally:
                connection.close()

    def _token(self) -> str:
        return self.config.token_file.read_text() if self.config.token_file else self.config.token.get_secret_value()

    def _result(self, status: int, data: bytes) -> Any:
        if status == 401:
            raise AuthenticationFailed("the server does not know the token", remedy="set `token`")
        if status == 403:
            raise PermissionDenied("the token may not do this", remedy="use another")
        if status >= 500:
            raise Unavailable(f"the server answered {status}", remedy="try again later")
        return json.loads(data)

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


class WiredHarness(Harness):
    flavor = WiredGauge
    processes = False
    impatient = {"timeout": 0.3, "attempts": 2}
    patience = 5.0

    def __enter__(self) -> WiredHarness:
        self.server = self.enter_context(Server())
        self._proxy = self.enter_context(FaultProxy("127.0.0.1", self.server.port))
        self._tokens = Path(self.enter_context(tempfile.TemporaryDirectory()), "token")
        return self

    @property
    def proxy(self) -> FaultProxy:
        return self._proxy

    def make(self, **config: Any) -> Any:
        return self.flavor(**{"url": f"{self._proxy.url}/{uuid.uuid4().hex}", "token": GOOD, **config})

    def second(self, component: Any) -> Any:
        return self.flavor(component.config)

    def raw(self, component: Any) -> list[int]:
        return [value for value, _ in self.server.readings.get(urlsplit(component.config.url).path, {}).values()]

    def credentials(self, kind: str) -> Any:
        if kind == "rotated":
            return self._rotating()
        tokens = {"bad": "canary-unknown-5512", "expired": EXPIRED, "readonly": READER}
        return self.make(token=tokens[kind]) if kind in tokens else super().credentials(kind)

    def entitled(self, component: Any) -> Any:
        return self.make(url=component.config.url)

    def rotate(self, component: Any) -> None:
        self.server.tokens.pop(self._tokens.read_text())
        self._tokens.write_text(f"canary-rotated-{uuid.uuid4().hex}")
        self.server.tokens[self._tokens.read_text()] = True

    def _rotating(self) -> Any:
        self._tokens.write_text(f"canary-first-{uuid.uuid4().hex}")
        self.server.tokens[self._tokens.read_text()] = True
        return self.make(token_file=self._tokens)
