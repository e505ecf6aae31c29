"""Streaming writers: an object appears when its writer is closed without an error, whole, and with its digest."""

from __future__ import annotations

import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import IO, Any, Self

from dovetail_artifact_store.arguments import flat
from dovetail_artifact_store.digests import LARGE, hasher, text_of
from dovetail_artifact_store.objects import ObjectInfo
from dovetail_core import InvalidArgument, Unavailable

CHUNK = 8 << 20
"""Bytes that are held at once per object."""
_HOT = 1 << 20
"""Bytes that are still in a processor's cache when they are hashed after they were read."""


class Upload(ABC):
    """One object on its way into the backend; what an author implements to write bytes of a length not known before."""

    @abstractmethod
    def write(self, data: memoryview) -> None:
        """Send the next bytes; all of them, or an error."""

    def expect(self, size: int) -> None:  # noqa: B027  # most need not know
        """Hear how many bytes will come, before the first, where that is known; a file that changes meanwhile has more or fewer."""

    def space(self) -> memoryview | None:
        """Return memory to write the next bytes to, which `write` then takes without a copy; None, then always, where it would copy nothing anyway."""
        return None

    @abstractmethod
    def commit(self) -> ObjectInfo:
        """Make the object visible, whole, in one step, and return what is known of it (the digest may be left out)."""

    @abstractmethod
    def abort(self) -> None:
        """Leave nothing behind; may be called after a failed `commit`, and twice."""


class Writer(io.RawIOBase):
    """A binary file object for writing that an exception within its `with` block gives up, as does who drops it without closing it."""

    @property
    @abstractmethod
    def info(self) -> ObjectInfo:
        """The object with its digest, once it is published."""

    @abstractmethod
    def discard(self) -> None:
        """Publish nothing."""

    def writable(self) -> bool:
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:  # io's own finalizer would publish it
        self.discard()


class ObjectWriter(Writer):
    """A binary file object that writes an object. It is published by `close()`, and by leaving a `with` block without an exception.

    After a write that failed nothing is published: `close()` raises `Unavailable`, whoever calls it. Text and buffered files of `io` that
    stand before a writer do, although what they held is lost.
    """

    def __init__(self, upload: Upload, key: str) -> None:
        self._upload = upload
        self._hash = hasher()
        self._size = 0
        self._info: ObjectInfo | None = None
        self._failure: BaseException | None = None
        self.key = key
        """Where the object will be."""

    @property
    def info(self) -> ObjectInfo:
        """The object with its digest. Raises `InvalidArgument` until it is published."""
        if self._info is None:
            raise InvalidArgument(f"'{self.key}' is not published", remedy="close the writer first")
        return self._info

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        if self.closed:
            raise ValueError("write to a closed file")
        view = flat(data)
        self._write(view, aside=len(view) >= LARGE)
        return len(view)

    def _write(self, view: memoryview, aside: bool) -> None:
        """Write and hash bytes; `aside`: both at once."""
        try:
            if aside:
                self._write_while_hashing(view)
            else:
                self._hash.update(view)
                self._upload.write(view)
        except BaseException as error:
            self._failure = error
            raise
        self._size += len(view)

    def write_from(self, source: IO[bytes], size: int, count: Callable[[int], None] = lambda size: None) -> None:
        """Write everything that is left in a file, about `size` bytes, and call `count` with the number of bytes after each piece."""
        try:
            self._upload.expect(size)
            if self._upload.space() is None:
                self._copy(source, count)
                return
            if not self._size:
                self._hash = hasher(alone=True)  # what sends the upload's memory has the other processors
            while self._fill(source, count):
                pass
        except BaseException as error:
            self._failure = error
            raise

    def _copy(self, source: IO[bytes], count: Callable[[int], None]) -> None:
        own = memoryview(bytearray(CHUNK))  # used again: fresh memory costs as much as reading into it
        while read := _read(source, own):
            self._write(own[:read], aside=read >= LARGE)
            count(read)

    def _fill(self, source: IO[bytes], count: Callable[[int], None]) -> int:
        """Read as much as the upload has memory of its own for, hash it while it is in the processor's cache, and return how much it was."""
        space, filled = self._upload.space(), 0
        assert space is not None
        while read := _read(source, space[filled : filled + _HOT]):
            self._hash.update(space[filled : filled + read])
            filled += read
            count(read)
        self._upload.write(space[:filled])
        self._size += filled
        return filled

    def _write_while_hashing(self, view: memoryview) -> None:
        """Write and hash at once: both release the interpreter's lock, and each alone would take about as long as both together."""
        hashing = threading.Thread(target=self._hash.update, args=(view,))
        hashing.start()
        try:
            self._upload.write(view)
        finally:
            hashing.join()

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._demand_all_written()
            found = self._upload.commit()
            self._info = ObjectInfo(found.key, found.size, found.etag, found.modified, text_of(self._hash), found.metadata)
        except BaseException:
            self._upload.abort()
            raise
        finally:
            super().close()

    def _demand_all_written(self) -> None:
        if self._failure is not None:
            said = f"'{self.key}' is not published: a write failed ({self._failure})"
            raise Unavailable(said, remedy="write it again, from its beginning", retryable=False) from self._failure

    def discard(self) -> None:
        if not self.closed:
            self._upload.abort()
            super().close()


class TextWriter(io.TextIOWrapper):
    """A text file object over a `Writer`, with the same rule for exceptions."""

    def __init__(self, writer: Writer, encoding: str, newline: str | None, errors: str | None = None) -> None:
        self._writer = writer  # first: `__del__` needs it, whatever becomes of the rest
        super().__init__(writer, encoding=encoding, newline=newline, errors=errors)  # type: ignore[arg-type]  # a raw file does for writing

    @property
    def info(self) -> ObjectInfo:
        """The object with its digest, once it is published."""
        return self._writer.info

    def close(self) -> None:
        try:
            if not self.closed:
                self.flush()
        except BaseException:  # io's own would close, and so publish, what is without its end
            self._writer.discard()
            raise
        super().close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._writer.discard()
        else:
            self.close()

    def __del__(self) -> None:
        if not self._writer.closed:
            self._writer.discard()


def _read(source: IO[bytes], space: memoryview) -> int:
    read: int = source.readinto(space)  # type: ignore[attr-defined]  # typeshed has it for none of what is opened for reading
    return read
