"""What a proxy remembers of a request and its answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Exchange:
    """A request through the proxy, and its answer."""

    number: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By name in lower case."""
    fault: str = ""
    """What was done to it, if anything."""
    status: int | None = None
    """Of the answer; None if none was had."""
    request_bytes: int = 0
    response_bytes: int = 0
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def finish(self) -> None:
        """Note that it is over."""
        self.ended = time.monotonic()
