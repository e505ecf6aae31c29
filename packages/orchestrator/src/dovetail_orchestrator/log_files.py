"""Logs of attempts: bounded files, with secrets masked."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from dovetail_core import has_secrets, mask


class LogFile:
    """A log that exists once something is written. Past `limit` bytes output is counted and dropped; closing says how much it was."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._left = limit
        self._dropped = 0
        self._descriptor = -1
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        """Append; what is written is seen by other processes at once, and survives this one."""
        if has_secrets():
            data = mask(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        with self._lock:
            kept = data[: self._left]
            self._left -= len(kept)
            self._dropped += len(data) - len(kept)
            if kept:
                self._append(kept)

    def _append(self, data: bytes) -> None:
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        os.write(self._descriptor, data)

    def close(self) -> None:
        """End the log."""
        with self._lock:
            if self._dropped:
                self._append(f"\n[{self._dropped} more bytes were not kept]\n".encode())
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a log without their ends; bytes that are no UTF-8 are replaced. A log that does not exist has none."""
    if not path.exists():
        return
    with path.open("r", encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n")
