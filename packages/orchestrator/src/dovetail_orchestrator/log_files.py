"""Logs of attempts: files that never outgrow their limit, and hold no secret."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO

from dovetail_core.masking import has_secrets, mask, unfinished


class LogFile:
    """Takes what an attempt prints. The file is made at the first byte; what is written is seen by others, and survives this process."""

    def __init__(self, path: str, limit: int) -> None:
        self._path = path
        self._room = limit
        self._limit = limit
        self._dropped = 0
        self._file: FileIO | None = None  # a bare descriptor would leak if the step is interrupted here
        self._last = b"\n"
        self._closed = False
        self._lock = threading.RLock()  # a finaliser that prints may run within a write
        self._masked: _Masked | None = None

    def write(self, data: bytes) -> None:
        """Append bytes; what is beyond the limit, or finds no room on the disk, is counted and dropped."""
        with self._lock:
            if data and not self._closed:
                self._append(self._without_secrets(data))

    def close(self) -> None:
        """Write what was held back, and say how much was dropped; what comes later is dropped."""
        with self._lock:
            self._closed = True
            if self._masked is not None:
                self._append(self._masked.rest())
                self._masked = None
            if self._dropped:
                self._say_dropped()
            if self._file is not None:
                self._file.close()
                self._file = None

    def _without_secrets(self, data: bytes) -> bytes:
        if self._masked is None and has_secrets():
            self._masked = _Masked()
        return self._masked.take(data) if self._masked is not None else data

    def _append(self, data: bytes) -> None:
        kept = data[: self._room]
        self._dropped += len(data) - len(kept)
        if kept:
            written = self._write(kept)
            self._dropped += len(kept) - written
            self._room -= written

    def _write(self, data: bytes) -> int:
        try:
            written = self._opened().write(data) or 0
        except OSError:  # no room, or no directory any more: a step does not fail for its log
            return 0
        self._last = data[:written][-1:] or self._last
        return written

    def _opened(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(self._path, "a")
        return self._file

    def _say_dropped(self) -> None:
        start = b"" if self._last == b"\n" else b"\n"
        self._write(start + b"[%d bytes were dropped here; the log's limit is %d bytes]\n" % (self._dropped, self._limit))


class _Masked:
    """Masks secrets in a stream whose pieces may end anywhere; bytes that are no UTF-8 stay as they are."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = ""

    def take(self, data: bytes, final: bool = False) -> bytes:
        """Return what can be written now: all but what may be the beginning of a secret."""
        text = mask(self._held + self._decoder.decode(data, final))
        count = 0 if final else unfinished(text)
        self._held = text[len(text) - count :]
        return text[: len(text) - count].encode("utf-8", "surrogateescape")

    def rest(self) -> bytes:
        """Return what was held back."""
        return self.take(b"", final=True)


def lines_of(path: str) -> Iterator[str]:
    """Yield the lines of a log without their ends; none if there is no file. What is no UTF-8 is replaced."""
    with suppress(FileNotFoundError), open(path, "rb") as file:
        for line in file:
            yield line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")
