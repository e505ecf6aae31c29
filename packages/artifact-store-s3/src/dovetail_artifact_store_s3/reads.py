"""Reads: ranges, and a reader that fetches ahead."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

BLOCK = 4 << 20
"""Bytes that are fetched at once."""


class AheadReader(io.RawIOBase):
    """A seekable reader of an object of `size` bytes by blocks; who reads on gets the next blocks fetched meanwhile, up to `ahead` of them."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, executor: Executor, ahead: int) -> None:
        self._fetch = fetch
        self._size = size
        self._executor = executor
        self._ahead = ahead
        self._position = 0
        self._window = 1
        self._last = -1
        self._blocks: dict[int, Future[bytes]] = {}

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
        if self._position >= self._size or not view:
            return 0
        index, offset = divmod(self._position, BLOCK)
        data = self._block(index)[offset : offset + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(BLOCK) or b"", b""))

    def _block(self, index: int) -> bytes:
        if index != self._last:
            self._window = min(self._window * 2, self._ahead) if index == self._last + 1 else 1
            self._last = index
            self._want(range(index, index + self._window))
        return self._blocks[index].result()

    def _want(self, indexes: range) -> None:
        for index in [index for index in self._blocks if index not in indexes]:
            self._blocks.pop(index).cancel()
        for index in indexes:
            start = index * BLOCK
            if start < self._size and index not in self._blocks:
                self._blocks[index] = self._executor.submit(self._fetch, start, min(start + BLOCK, self._size))

    def close(self) -> None:
        for block in self._blocks.values():
            block.cancel()
        self._blocks.clear()
        super().close()
