"""Readers over ranges: a seekable file object for any store."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

READ_AHEAD = 4 << 20
"""Bytes that are asked for at once, at most."""


class RangeReader(io.RawIOBase):
    """A seekable binary file object over `read(start, end)`, for an object of `size` bytes, which is asked for at most `piece` at once."""

    def __init__(self, read: Callable[[int, int], bytes], size: int, piece: int = READ_AHEAD) -> None:
        self._read = read
        self._size = size
        self._piece = piece
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("seek before the beginning")
        self._position = base + offset
        return self._position

    def readall(self) -> bytes:
        """Return the rest; io's own asks for 8 KiB at a time."""
        return b"".join(iter(lambda: self.read(self._piece) or b"", b""))

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")[: self._piece]
        data = self._read(self._position, min(self._position + len(view), self._size)) if self._position < self._size else b""
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
