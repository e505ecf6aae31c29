"""Writes: small objects in one request, large ones by parts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, wait
from typing import Any, TypeVar

from dovetail_artifact_store import Condition, ObjectInfo, Upload
from dovetail_artifact_store.objects import NO_CONDITION
from dovetail_artifact_store_s3._client import Client
from dovetail_artifact_store_s3._engine import Engine
from dovetail_artifact_store_s3.buffers import Buffer, Buffers
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.errors import is_forgotten, taken
from dovetail_artifact_store_s3.objects import Names, bare, etag_of_parts, from_head, from_write, is_written_by, new_write_id, writing
from dovetail_artifact_store_s3.parts import Part, Parts
from dovetail_core import Conflict, DovetailError, NotFound, Unavailable
from dovetail_core.retry import retrying

R = TypeVar("R")

_MOST_PARTS = 10_000
"""Of one object (user guide, "Amazon S3 multipart upload limits")."""
_FEW = 64
"""Parts beyond which those of an object whose size is known are twice as large: the SDK takes as long for a request as for hashing a MiB."""
_LARGEST_PART = 5 << 30
"""Bytes (user guide, "Amazon S3 multipart upload limits")."""
_ALIKE = 1000
"""Parts of one size, before those of an object of unknown length grow; some servers want all to have one size."""
_STEP = 36
"""Parts after which the next are larger by one part size: 10 000 of them, the smallest to begin with, are the largest object, 5 TiB."""


class Writes:
    """Makes objects. A write whose answer is lost is told from another's by an id that the object carries."""

    def __init__(self, client: Client, config: S3Config, names: Names, engine: Callable[[], Engine]) -> None:
        self.client = client
        self.config = config
        self.names = names
        self.engine = engine
        self.parts: Parts = Parts(client, config)

    def put(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        """Write an object in one request."""
        body = data if isinstance(data, bytes | bytearray) else bytes(data)
        if condition == NO_CONDITION and not metadata:
            written = self.engine().put(key, body)
            return ObjectInfo(key, len(body), written.etag, written.modified)
        return self.put_body(key, body, len(body), condition, metadata)

    def put_body(self, key: str, body: Any, size: int, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        """Write an object in one request, from bytes or from a file, of which each attempt sends all."""
        conditional = condition != NO_CONDITION
        write_id = new_write_id() if conditional else ""
        parameters = {"Key": self.names.full(key), "Body": body, **writing(self.config, metadata, write_id), **_demands(condition)}

        def send() -> dict[str, Any]:
            return self.client.once("put_object", f"'{key}'", **parameters)

        answer = self.decided(key, send, condition, write_id) if conditional else self.client.ask("put_object", f"'{key}'", **parameters)
        return from_write(key, size, answer, metadata) if "ContentLength" not in answer else from_head(key, answer)

    def decided(self, key: str, send: Callable[[], dict[str, Any]], condition: Condition, write_id: str) -> dict[str, Any]:
        """Return the answer to a request that publishes an object; if an answer was lost, what the object itself says."""
        sent = 0

        def attempt() -> dict[str, Any]:
            nonlocal sent
            sent += 1
            try:
                return send()
            except (Conflict, NotFound, Unavailable) as error:
                if error.retryable:
                    raise
                found = self._ours(key, write_id) if sent > 1 else None
                if found is not None:
                    return found
                refused = self._refused(key, error, condition)
                if refused is error:
                    raise
                raise refused from error

        try:
            return retrying(attempt, attempts=self.config.attempts, within=self.config.patience, first=0.05)
        except DovetailError as error:
            with contextlib.suppress(DovetailError):  # the last answer may be lost, too
                if error.retryable and (found := self._ours(key, write_id)) is not None:
                    return found
            raise

    def _ours(self, key: str, write_id: str) -> dict[str, Any] | None:
        """Return what is known of the object if it is this write's."""
        found = self._known(key)
        return found if found is not None and is_written_by(found, write_id) else None

    def _known(self, key: str) -> dict[str, Any] | None:
        """Return what is known of an object, or None if there is none."""
        with contextlib.suppress(NotFound):
            return self.client.ask("head_object", f"'{key}'", Key=self.names.full(key))
        return None

    def _refused(self, key: str, error: DovetailError, condition: Condition) -> DovetailError:
        if condition.absent and isinstance(error, Conflict):
            return taken(key)
        if condition.match is not None and isinstance(error, NotFound):
            return Conflict(f"'{key}' is not there any more", remedy="read it again, and decide anew")
        if condition != NO_CONDITION and is_forgotten(error) and self._is_overtaken(key, condition):
            return taken(key) if condition.absent else Conflict(f"'{key}' was changed meanwhile", remedy="read it again, and decide anew")
        return _of_upload(key, error)

    def _is_overtaken(self, key: str, condition: Condition) -> bool:
        """Tell whether another's write has decided a condition: that a server forgot the upload may be its way to say so."""
        found = self._known(key)
        return found is not None if condition.absent else found is None or bare(found["ETag"]) != condition.match


class PartsUpload(Upload):
    """An object on its way by parts: several at once, and a bounded number of them in memory."""

    def __init__(self, writes: Writes, executor: Executor, key: str, condition: Condition, metadata: Mapping[str, str]) -> None:
        self._writes = writes
        self._executor = executor
        self._key = key
        self._condition = condition
        self._metadata = dict(metadata)
        self._write_id = new_write_id()
        self._settings = writing(writes.config, metadata, self._write_id)
        self._buffers = Buffers(lambda: writes.parts.may_be_views)
        self._held = Buffer(bytearray())
        self._size = 0
        self._upload_id = ""
        self._parts: list[Future[str]] = []
        self._room = threading.Semaphore(writes.config.concurrency)
        self._alike = 0

    def expect(self, size: int) -> None:
        """Choose parts of one size, of which not too many will be needed."""
        usual = self._writes.config.part_size
        self._alike = max(usual if size <= _FEW * usual else min(2 * usual, _LARGEST_PART), -(-size // _MOST_PARTS))

    def space(self) -> memoryview:
        """Return the memory of the part that is filled now."""
        if not self._held.memory:
            self._held = self._buffers.take(self._part_size)
        elif self._held.size == self._part_size:
            self._send()
        return self._held.space(self._part_size)

    def write(self, data: memoryview) -> None:
        """Keep what does not fill a part, and send a part once there is more than it."""
        self._size += len(data)
        while data:
            if self._held.size == self._part_size:
                self._send()
            missing = self._part_size - self._held.size
            self._held.add(data[:missing])
            data = data[missing:]

    @property
    def _part_size(self) -> int:
        """Size of the next part. Where the object's size is not known it grows, so that the number of parts suffices for any."""
        sent = len(self._parts)
        if self._alike and sent < _MOST_PARTS - 1:
            return self._alike
        return self._writes.config.part_size * (1 + max(0, sent - _ALIKE) // _STEP)

    def commit(self) -> ObjectInfo:
        """Publish the object."""
        if not self._upload_id:
            return self._writes.put(self._key, self._held.content(), self._condition, self._metadata)
        if self._held.size:
            self._send()
        etags = [part.result() for part in self._parts]
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        parameters = {**self._name(), "MultipartUpload": {"Parts": parts}, **_demands(self._condition)}

        def send() -> dict[str, Any]:
            return self._writes.client.once("complete_multipart_upload", f"'{self._key}'", **parameters)

        answer = self._writes.decided(self._key, send, self._condition, self._write_id)
        self._upload_id = ""
        self._parts.clear()  # they know this upload, and would keep its memory until the next collection of garbage
        named = {**answer, "ETag": answer.get("ETag") or etag_of_parts(etags)}  # Ceph's gateway leaves it out
        return from_write(self._key, self._size, named, self._metadata)

    def abort(self) -> None:
        """Leave no part behind."""
        for part in self._parts:
            part.cancel()
        wait(self._parts)  # a part that arrives after the end would stay
        self._parts.clear()
        if self._upload_id:
            with contextlib.suppress(DovetailError):
                self._writes.client.ask("abort_multipart_upload", f"'{self._key}'", **self._name())
            self._upload_id = ""

    def _name(self) -> dict[str, str]:
        return {"Key": self._writes.names.full(self._key), "UploadId": self._upload_id}

    def _send(self) -> None:
        """Send what is held as the next part, as soon as there is room for it."""
        if not self._upload_id:
            key = self._writes.names.full(self._key)
            client, what = self._writes.client, f"'{self._key}'"
            answer = self._asked(lambda: client.ask("create_multipart_upload", what, Key=key, **self._settings))
            self._upload_id = answer["UploadId"]
        for sent in self._parts:
            if sent.done():
                sent.result()  # what failed is said as soon as it is known
        self._room.acquire()
        part = self._held
        future = self._executor.submit(self._send_part, len(self._parts) + 1, part.content())
        future.add_done_callback(lambda _: self._sent(part))
        self._parts.append(future)
        self._held = self._buffers.take(self._part_size)

    def _sent(self, buffer: Buffer) -> None:
        self._buffers.give_back(buffer)
        self._room.release()

    def _send_part(self, number: int, data: Part) -> str:
        return self._asked(lambda: self._writes.parts.send(f"'{self._key}'", self._name(), number, data))

    def _asked(self, call: Callable[[], R]) -> R:
        """Return what `call` returns; that the server does not know the upload is said as such."""
        try:
            return call()
        except (NotFound, Unavailable) as error:
            if is_forgotten(error):
                raise _of_upload(self._key, error) from error
            raise


def _demands(condition: Condition) -> dict[str, str]:
    if condition.absent:
        return {"IfNoneMatch": "*"}
    return {"IfMatch": condition.match} if condition.match is not None else {}  # Ceph's gateway takes none with quotes, Amazon either


def _of_upload(key: str, error: DovetailError) -> DovetailError:
    """Return the error of an upload; that the server does not know it is no 'not found' of an object."""
    if is_forgotten(error):
        return Unavailable(f"'{key}': the server has forgotten the upload", remedy="write it again", retryable=False)
    return error
