"""An alerter in memory that asks at a door for each message, by a protocol of lines: for rules about wires that are not HTTP."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, BinaryIO, Self

from pydantic import Field

from dovetail_alerter import Alerter, Message, Posted
from dovetail_alerter.memory import InMemoryAlerter
from dovetail_alerter.testing import MemoryHarness
from dovetail_conformance.instruments import Refusal, Reply, TcpProxy, Turn
from dovetail_conformance.servers import TcpServer
from dovetail_core import PermissionDenied, Timeout, Unavailable


class Door(TcpServer):
    """Lets in whoever asks."""

    def talk(self, received: BinaryIO, sent: BinaryIO) -> None:
        if received.readline():
            sent.write(b"yes\n")


class LineAlerter(InMemoryAlerter):
    """Keeps messages in memory, once they were let in."""

    class Config(InMemoryAlerter.Config):
        door: int = Field(description="Port of the door, on this host.")
        timeout: float = Field(10.0, description="Seconds that an answer may take.")

    config: Any

    def _post(self, message: Message, target: str) -> Posted:
        said = self.said_at("127.0.0.1", self.config.door)
        if said == "no":
            raise PermissionDenied("the door says no", remedy="ask another")
        if said != "yes":
            self.turned_away(said)
        return super()._post(message, target)

    def turned_away(self, said: str) -> None:
        """Raise what an answer means that does not let a message in."""
        raise Unavailable(f"the door says: {said}", remedy="try again later", retryable=said == "busy")

    def said_at(self, host: str, port: int) -> str:
        """Return what is answered at a door."""
        try:
            with socket.create_connection((host, port), self.config.timeout) as connection, connection.makefile("rb") as file:
                connection.sendall(b"MAY\n")
                line = file.readline()
        except TimeoutError as error:
            raise Timeout("nobody answers at the door", remedy="check `door`") from error
        except OSError as error:
            raise Unavailable(f"there is no door: {type(error).__name__}", remedy="check `door`") from error
        return line.decode().strip() or "busy"


class LineHarness(MemoryHarness):
    flavor = LineAlerter
    impatient: Mapping[str, object] = {"timeout": 0.3, "attempts": 2}
    patience = 10.0

    def __enter__(self) -> Self:
        door = self.enter_context(Door())
        self._proxy = self.enter_context(TcpProxy("127.0.0.1", door.port))
        return self

    @property
    def proxy(self) -> TcpProxy:
        return self._proxy

    def commits(self, turn: Turn) -> bool:
        return turn.data.startswith(b"MAY")

    def answers(self, kind: str, elsewhere: str = "") -> Refusal:
        return Refusal(Reply({"unavailable": b"busy\n", "denied": b"no\n", "moved": f"at {elsewhere}\n".encode()}[kind]))

    def make(self, **config: Any) -> Alerter:
        return super().make(door=self._proxy.port, **config)
