"""What a proxy can do to a request or its answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class Action:
    """Base of the actions; one that changes nothing."""

    def request(self, data: bytes, offset: int) -> bytes:
        """Return what is forwarded of a piece of the request's body that begins at an offset."""
        return data

    def response(self, data: bytes, offset: int) -> bytes:
        """Return what is forwarded of a piece of the answer's body that begins at an offset."""
        return data


@dataclass(frozen=True)
class Hold(Action):
    """The request waits until the fault is released."""


@dataclass(frozen=True)
class Delay(Action):
    """The request waits for some seconds."""

    seconds: float


@dataclass(frozen=True)
class ResetBefore(Action):
    """The connection is reset, and nothing is forwarded."""


@dataclass(frozen=True)
class ResetAfter(Action):
    """The request is forwarded and applied, and the connection is reset before any of the answer is passed on."""


@dataclass(frozen=True)
class Hang(Action):
    """The request is accepted and never answered, until the fault is disarmed."""


@dataclass(frozen=True)
class Status(Action):
    """An answer of its own; nothing is forwarded."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Redirect(Action):
    """Sends the client elsewhere."""

    location: str
    code: int = 307


@dataclass(frozen=True)
class Reply(Action):
    """These bytes for an answer, whereupon the connection is closed; nothing is forwarded. For wires that are not HTTP."""

    data: bytes


@dataclass(frozen=True)
class Truncate(Action):
    """The answer ends after some bytes of its body, with the headers of the whole."""

    bytes: int


@dataclass(frozen=True)
class TruncateRequest(Action):
    """The request ends after some bytes of its body, and both connections are reset."""

    bytes: int


@dataclass(frozen=True)
class Corrupt(Action):
    """A byte of the answer's body is another one."""

    def response(self, data: bytes, offset: int) -> bytes:
        return _flipped(data) if offset == 0 else data


@dataclass(frozen=True)
class CorruptRequest(Action):
    """A byte of the request's body is another one."""

    def request(self, data: bytes, offset: int) -> bytes:
        return _flipped(data) if offset == 0 else data


@dataclass(frozen=True)
class Call(Action):
    """Something is called when the request has arrived, and it goes on."""

    call: Callable[[], object]


@dataclass(frozen=True)
class Strike(Action):
    """Something is called when the request has arrived, and nothing is forwarded."""

    call: Callable[[], object]


@dataclass(frozen=True)
class Refusal:
    """How a backend behind a `TcpProxy` refuses, which a harness says in `refusal`."""

    action: Action
    """Mostly a `Reply`."""
    to: bytes | None = None
    """Regular expression that the first piece of a turn matches to which this is a possible answer; None: it is one to every turn."""


def kill(process: int) -> Strike:
    """Return the action that kills a process when the request has arrived, which is not forwarded."""
    return Strike(lambda: os.kill(process, signal.SIGKILL))


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x20]) + data[middle + 1 :] if data else data
