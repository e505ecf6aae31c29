"""Readers over ranges: a seekable file object for any store."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

READ_AHEAD = 4 << 20
"""Bytes that are asked for at once."""


class RangeReader(io.RawIOBase):
    """A seekable binary file object over `read(start, end)`, for an object of `size` bytes."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
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

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._read(self._position, min(self._position + len(view), self._size)) if self._position < self._size else b""
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
