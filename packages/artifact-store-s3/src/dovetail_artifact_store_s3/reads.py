"""Reads of objects by blocks that are fetched ahead: as a seekable file, and from end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

from dovetail_artifact_store.reading import RangeReader
from dovetail_artifact_store_s3.pipelining import in_order

BLOCK = 4 << 20
"""Bytes that are fetched at once by a reader that may seek."""


def pieces(fetch: Callable[[int, int], Any], size: int, piece: int, executor: Executor, ahead: int) -> Iterator[Any]:
    """Yield an object of `size` bytes from its beginning to its end, in bytes-like pieces of which up to `ahead` are fetched at once."""
    return in_order(lambda start: fetch(start, min(start + piece, size)), range(0, size, piece), executor, ahead)


class AheadReader(RangeReader):
    """A seekable reader of an object of `size` bytes by blocks; who reads on gets the next blocks fetched meanwhile, up to `ahead` of them."""

    def __init__(self, fetch: Callable[[int, int], Any], size: int, executor: Executor, ahead: int) -> None:
        super().__init__(self._from_block, size)
        self._fetch = fetch
        self._executor = executor
        self._ahead = ahead
        self._window = 1
        self._last = -1
        self._blocks: dict[int, Future[Any]] = {}

    def _from_block(self, start: int, end: int) -> Any:
        """Return the bytes of a range, as far as the block goes in which it begins."""
        index, offset = divmod(start, BLOCK)
        return self._block(index)[offset : offset + end - start]

    def _block(self, index: int) -> Any:
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
