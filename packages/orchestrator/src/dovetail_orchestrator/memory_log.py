"""The log of an attempt in memory: bounded, and read without secrets."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from dovetail_core import mask


class MemoryLog:
    """Takes what an attempt prints, up to a limit; what is beyond it is counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._dropped = 0
        self._lock = threading.RLock()  # a finaliser that prints may run within a write

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with self._lock:
            kept = data[: self._limit - len(self._kept)]
            self._kept += kept
            self._dropped += len(data) - len(kept)

    def close(self) -> None:
        """There is nothing to release."""

    def lines(self) -> Iterator[str]:
        """Return what was printed until now, line by line, and how much was dropped."""
        with self._lock:
            text, dropped = bytes(self._kept).decode("utf-8", "replace"), self._dropped
        *lines, rest = mask(text).split("\n")
        lines += [rest] if rest else []
        lines += [f"[{dropped} bytes were dropped here; the log's limit is {self._limit} bytes]"] if dropped else []
        return (line.removesuffix("\r") for line in lines)
