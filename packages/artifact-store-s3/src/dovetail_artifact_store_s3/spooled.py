"""Writes of large objects in one request, for servers that ignore conditions where an upload by parts is completed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping

from dovetail_artifact_store import Condition, ObjectInfo, Upload
from dovetail_artifact_store_s3.writes import Writes
from dovetail_core import InvalidArgument

LARGEST_PUT = 5 << 30
"""Bytes that one request writes (user guide, "Uploading objects")."""


class SpooledUpload(Upload):
    """An object on its way in one request: what does not fit into a part waits in a temporary file until all of it is there."""

    def __init__(self, writes: Writes, key: str, condition: Condition, metadata: Mapping[str, str]) -> None:
        self._writes = writes
        self._key = key
        self._condition = condition
        self._metadata = dict(metadata)
        self._file = tempfile.SpooledTemporaryFile(max_size=writes.config.part_size)  # noqa: SIM115  # closed by commit or abort
        self._size = 0

    def write(self, data: memoryview) -> None:
        """Keep the next bytes."""
        self._size += len(data)
        if self._size > LARGEST_PUT:
            raise InvalidArgument(
                f"'{self._key}': more than {LARGEST_PUT} bytes cannot be written on a condition in one request",
                remedy="write it without a condition, or set `conditional_writes: all` if the server can",
            )
        self._file.write(data)

    def commit(self) -> ObjectInfo:
        """Publish the object."""
        info = self._writes.put_body(self._key, self._file, self._size, self._condition, self._metadata)
        self._file.close()
        return info

    def abort(self) -> None:
        """Drop what was kept; nothing of it is at the server."""
        self._file.close()
