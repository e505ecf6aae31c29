"""Writers that fsspec asks for: one that waits for the end of a transaction, and one that compresses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from dovetail_artifact_store.objects import ObjectInfo
from dovetail_artifact_store.writing import ObjectWriter, Writer


class HeldWriter(Writer):
    """A writer that is published by `commit()`; `close()` only ends the writing. Transactions of fsspec call `commit` or `discard`."""

    def __init__(self, writer: ObjectWriter) -> None:
        self._writer = writer

    @property
    def info(self) -> ObjectInfo:
        """The object with its digest, once it is published."""
        return self._writer.info

    def tell(self) -> int:
        return self._writer.tell()

    def write(self, data: Any) -> int:
        if self.closed:
            raise ValueError("write to a closed file")
        return self._writer.write(data)

    def commit(self) -> None:
        """Publish the object, unless it was given up."""
        self._writer.close()

    def discard(self) -> None:
        self._writer.discard()
        super().close()


class PackedWriter(Writer):
    """A writer that compresses; `pack` returns a file that writes to another, such as `gzip.GzipFile` does."""

    def __init__(self, writer: ObjectWriter | HeldWriter, pack: Callable[..., Any]) -> None:
        self._writer = writer
        try:
            self._packed = pack(writer, mode="w")
        except BaseException:  # a transaction would publish it
            writer.discard()
            raise

    @property
    def info(self) -> ObjectInfo:
        """The object with its digest, once it is published."""
        return self._writer.info

    def write(self, data: Any) -> int:
        size: int = self._packed.write(data)
        return size

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._packed.close()  # which leaves the other one open
            self._writer.close()
        except BaseException:
            self._writer.discard()
            raise
        finally:
            super().close()

    def discard(self) -> None:
        if not self.closed:
            with contextlib.suppress(Exception):  # it would try to write its end later, and complain
                self._packed.close()
            self._writer.discard()
            super().close()
