"""What a proxy remembers of what passed through it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Passage:
    """What passes through a proxy: something that is asked, and its answer."""

    number: int
    fault: str = ""
    """What was done to it, if anything."""
    request_bytes: int = 0
    response_bytes: int = 0
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def finish(self) -> None:
        """Note that it is over."""
        self.ended = time.monotonic()


@dataclass(kw_only=True)
class Exchange(Passage):
    """A request of HTTP, and its answer."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By name in lower case."""
    status: int | None = None
    """Of the answer; None if none was had."""


@dataclass(kw_only=True)
class Turn(Passage):
    """What a client sends on a connection until the backend answers, and the answer. A connection begins with a turn in which nothing is sent."""

    connection: int
    """Number of the connection."""
    data: bytes = b""
    """The first piece that was sent."""
    sent_before: int = 0
    """Bytes that the client had sent on the connection before."""
    received_before: int = 0
    """Bytes that it had been answered on the connection before."""
    opening: bool = False
    """Whether it is the one with which the connection begins."""
