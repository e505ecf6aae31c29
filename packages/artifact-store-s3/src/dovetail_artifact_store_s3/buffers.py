"""Memory for the parts of an upload, used again: what is fresh costs as much to get as its bytes cost to hash."""

from __future__ import annotations


class Buffer:
    """Bytes that are added up to some length."""

    def __init__(self, memory: bytearray) -> None:
        self._memory = memory
        self.size: int = 0
        """Bytes that were added."""

    def space(self, size: int) -> memoryview:
        """Return the memory for what is added next, so much that `size` bytes are there in all."""
        if not self._memory:
            self._memory = bytearray(size)
        elif len(self._memory) < size:
            self._memory += bytes(size - len(self._memory))
        return memoryview(self._memory)[self.size : size]

    def add(self, data: memoryview) -> None:
        """Keep a copy of bytes; or the bytes themselves, if they were written to the beginning of `space`."""
        end = self.size + len(data)
        if data.obj is not self._memory:
            if end <= len(self._memory):
                memoryview(self._memory)[self.size : end] = data
            else:
                del self._memory[self.size :]
                self._memory += data
        self.size = end

    def content(self) -> bytearray:
        """Return what was added; it is not to be added to any more."""
        if self.size < len(self._memory):
            del self._memory[self.size :]
        return self._memory


class Buffers:
    """Buffers of one upload."""

    def __init__(self) -> None:
        self._spare: list[bytearray] = []

    def take(self, size: int) -> Buffer:
        """Return an empty buffer; it has its memory at once if one of that size was given back."""
        memory = self._spare.pop() if self._spare else bytearray()
        return Buffer(memory if len(memory) == size else bytearray())

    def give_back(self, buffer: Buffer) -> None:
        """Let the memory be used again."""
        self._spare.append(buffer.content())
