"""Memory for the parts of an upload, used again: what is fresh costs as much to get as its bytes cost to hash."""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Callable


class Buffer:
    """Bytes that are added up to some length. Its memory grows if it is a bytearray."""

    def __init__(self, memory: bytearray | mmap.mmap) -> None:
        self.memory: bytearray | mmap.mmap = memory
        """What holds them."""
        self.size: int = 0
        """Bytes that were added."""

    def space(self, size: int) -> memoryview:
        """Return the memory for what is added next, so much that `size` bytes are there in all."""
        if not self.memory:
            self.memory = bytearray(size)
        elif isinstance(self.memory, bytearray) and len(self.memory) < size:
            self.memory += bytes(size - len(self.memory))
        return memoryview(self.memory)[self.size : size]

    def add(self, data: memoryview) -> None:
        """Keep a copy of bytes; or the bytes themselves, if they were written to the beginning of `space`."""
        end = self.size + len(data)
        if data.obj is not self.memory:
            self._copy(data, end)
        self.size = end

    def _copy(self, data: memoryview, end: int) -> None:
        if isinstance(self.memory, bytearray) and len(self.memory) < end:
            del self.memory[self.size :]
            self.memory += data
        else:
            memoryview(self.memory)[self.size : end] = data

    def content(self) -> bytearray | memoryview:
        """Return what was added; it is not to be added to any more."""
        if not isinstance(self.memory, bytearray):
            return memoryview(self.memory)[: self.size]
        if self.size < len(self.memory):
            del self.memory[self.size :]
        return self.memory


class Buffers:
    """Buffers of one upload. `may_be_views` tells whether what they contain may be a view of their memory."""

    def __init__(self, may_be_views: Callable[[], bool]) -> None:
        self._may_be_views = may_be_views
        self._spare: list[bytearray | mmap.mmap] = []

    def take(self, size: int) -> Buffer:
        """Return an empty buffer for up to `size` bytes."""
        spare = self._spare.pop() if self._spare else None
        return Buffer(spare if spare is not None and len(spare) == size else self._fresh(size))

    def _fresh(self, size: int) -> bytearray | mmap.mmap:
        return mapped(size) if self._may_be_views() else bytearray()

    def give_back(self, buffer: Buffer) -> None:
        """Let the memory be used again."""
        self._spare.append(buffer.memory)


def mapped(size: int) -> bytearray | mmap.mmap:
    """Return memory of which the system gives 2 MiB at a time where it can: pages of 4 KiB take five times as long to get."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return bytearray(size)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a kernel without large pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory
