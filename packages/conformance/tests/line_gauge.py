"""A gauge behind a protocol of lines: the reference for the rules about wires that are not HTTP, with its server and harness.

A session is: a greeting; a login, which changes nothing; one request; and its answer.
"""

from __future__ import annotations

import json
import socket
import time
import uuid
from datetime import UTC, datetime
from typing import Any, BinaryIO

from gauge import Gauge, GaugeCapability
from pydantic import Field, SecretStr

from dovetail_conformance import Harness, Untested
from dovetail_conformance.instruments import Refusal, Reply, TcpProxy, Turn
from dovetail_conformance.servers import TcpServer
from dovetail_core import AuthenticationFailed, ComponentConfig, DovetailError, PermissionDenied, Timeout, Unavailable
from dovetail_core.retry import retrying

TOKEN = "canary-lines-40c1"
REFUSALS = {"unknown": AuthenticationFailed, "denied": PermissionDenied, "busy": Unavailable}


class Server(TcpServer):
    """Keeps readings by space; a reading whose id is known is not kept again."""

    def __init__(self) -> None:
        super().__init__()
        self.readings: dict[str, dict[str, tuple[int, float]]] = {}

    def talk(self, received: BinaryIO, sent: BinaryIO) -> None:
        sent.write(b"hello\n")
        if received.readline().decode().split() != ["LOGIN", TOKEN]:
            sent.write(b"unknown\n")
            return
        sent.write(b"ok\n")
        if (line := received.readline()).endswith(b"\n"):
            sent.write(f"{self.answer(*line.decode().split())}\n".encode())

    def answer(self, verb: str, space: str, *words: str) -> str:
        kept = self.readings.setdefault(space, {})
        if verb == "PUT":
            kept.setdefault(words[0], (int(words[1]), time.time()))
        elif verb == "RESET":
            kept.clear()
        return json.dumps(list(kept.values()))


class LineConfig(ComponentConfig):
    port: int = Field(description="Port of the server, on this host.")
    space: str = Field(description="Whose readings they are.")
    token: SecretStr = Field(description="Token.")
    timeout: float = Field(10.0, description="Seconds that an answer may take.")
    attempts: int = Field(4, description="How often a request is sent at most.")


class LineGauge(Gauge):
    """Keeps readings at a server of lines."""

    flavor = "lines"
    capabilities = frozenset({GaugeCapability.RESET})
    Config = LineConfig
    config: LineConfig

    def put(self, value: int) -> None:
        self._ask("PUT", uuid.uuid4().hex, str(value))

    def readings(self) -> list[int]:
        return [value for value, _ in self._ask("GET")]

    def times(self) -> list[datetime]:
        return [datetime.fromtimestamp(seconds, UTC) for _, seconds in self._ask("GET")]

    def _reset(self) -> None:
        self._ask("RESET")

    def _ask(self, verb: str, *words: str) -> Any:
        return retrying(lambda: self._once(verb, *words), attempts=self.config.attempts, first=0.01)

    def _once(self, verb: str, *words: str) -> Any:
        try:
            with (
                socket.create_connection(("127.0.0.1", self.config.port), self.config.timeout) as connection,
                connection.makefile("rwb", buffering=0) as file,
            ):
                self._line(file)
                file.write(f"LOGIN {self.config.token.get_secret_value()}\n".encode())
                self._line(file)
                file.write(" ".join((verb, self.config.space, *words, "\n")).encode())
                return json.loads(self._line(file))
        except DovetailError:
            raise
        except TimeoutError as error:
            raise Timeout("the server did not answer in time", remedy="raise `timeout`") from error
        except OSError as error:
            raise Unavailable(f"the server cannot be reached: {type(error).__name__}", remedy="check `port`") from error

    def _line(self, file: Any) -> str:
        line = bytearray()
        while not line.endswith(b"\n"):
            if not (piece := file.read(4096)):
                raise ConnectionError("the server has hung up")
            line += piece
        said = line.decode().strip()
        if said in REFUSALS:
            raise REFUSALS[said](f"the server says: {said}", remedy="see `token`")
        return said


class LineHarness(Harness):
    flavor = LineGauge
    processes = False
    impatient = {"timeout": 0.3, "attempts": 2}
    patience = 5.0

    def __enter__(self) -> LineHarness:
        self.server = self.enter_context(Server())
        self._proxy = self.enter_context(TcpProxy("127.0.0.1", self.server.port))
        return self

    @property
    def proxy(self) -> TcpProxy:
        return self._proxy

    def commits(self, turn: Turn) -> bool:
        return turn.data.startswith((b"PUT", b"RESET"))

    def answers(self, kind: str, elsewhere: str = "") -> Refusal:
        if kind == "unavailable":
            return Refusal(Reply(b"busy\n"))
        if kind == "denied":
            return Refusal(Reply(b"denied\n"), to=rb"^(PUT|GET|RESET) ")
        raise Untested(f"a server of lines never says that it is {kind}")

    def make(self, **config: Any) -> Any:
        return self.flavor(**{"port": self._proxy.port, "space": uuid.uuid4().hex, "token": TOKEN, **config})

    def second(self, component: Any) -> Any:
        return self.flavor(component.config)
