"""The flavor: objects in a bucket."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import IO, Any, ClassVar

from dovetail_artifact_store import ArtifactStore, Condition, ObjectInfo, Upload
from dovetail_artifact_store import ArtifactStoreCapability as Capability
from dovetail_artifact_store.digests import digest_of_bytes
from dovetail_artifact_store.objects import NO_CONDITION
from dovetail_artifact_store.transfer import batches
from dovetail_artifact_store_s3 import copies, listings
from dovetail_artifact_store_s3._client import Client, attempted
from dovetail_artifact_store_s3._engine import Engine, chosen
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.objects import Names, base_uri, from_head
from dovetail_artifact_store_s3.pipelining import in_order
from dovetail_artifact_store_s3.reads import BLOCK, AheadReader, pieces
from dovetail_artifact_store_s3.spooled import LARGEST_PUT, SpooledUpload
from dovetail_artifact_store_s3.writes import PartsUpload, Writes
from dovetail_core import Conflict


class S3ArtifactStore(ArtifactStore):
    """Objects in an Amazon S3 bucket, or in any server that speaks its API."""

    flavor = "s3"
    capabilities: frozenset[Any] = frozenset(
        {
            Capability.CONDITIONAL_PUT,
            Capability.CONDITIONAL_REPLACE,
            Capability.SERVER_COPY,
            Capability.PRESIGN,
            Capability.USER_METADATA,
        }
    )
    Config: ClassVar[type[S3Config]] = S3Config
    config: S3Config

    def setup(self) -> None:
        """Prepare what needs no connection."""
        self.part_size: int = self.config.part_size
        self.page_size: int = self.config.page_size
        self.parallel: int = self.config.concurrency
        if self.config.conditional_writes == "none":
            self.capabilities = type(self).capabilities - {Capability.CONDITIONAL_PUT, Capability.CONDITIONAL_REPLACE}
        self._names = Names(self.config.prefix)
        self._uri = base_uri(self.config)
        self._client = Client(self.config)
        self._writes = Writes(self._client, self.config, self._names, self._engine)
        self._carrier: Engine | None = None
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._process = os.getpid()

    def check(self) -> None:
        """Verify that the bucket can be listed. The error names the setting to mend."""
        self._engine()  # what cannot be had is said
        self._client.ask("list_objects_v2", f"bucket '{self.config.bucket}'", Prefix=self._names.below(""), MaxKeys=1)

    def close(self) -> None:
        """Close connections and threads."""
        with self._lock:
            threads, self._threads = self._threads, None
            carrier, self._carrier = self._carrier, None
        if threads is not None:
            threads.shutdown()
        if carrier is not None:
            carrier.close()
        self._client.close()

    @property
    def _executor(self) -> Executor:
        if self._process != os.getpid():  # threads are not there in a process that is forked, and locks may be held by them
            self._process, self._lock, self._threads = os.getpid(), threading.Lock(), None
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.config.concurrency, thread_name_prefix="dovetail-s3")
            return self._threads

    def _engine(self) -> Engine:
        """What carries the bytes, chosen at first use."""
        if self._carrier is None:
            found = chosen(self._client, self.config, self._names)
            with self._lock:
                self._carrier = self._carrier or found
        return self._carrier

    def _base_uri(self) -> str:
        return self._uri

    def _stat(self, key: str) -> ObjectInfo:
        return from_head(key, self._client.ask("head_object", f"'{key}'", Key=self._names.full(key)))

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        return bytes(self._engine().get(key, start, end))

    def _reader(self, key: str) -> IO[bytes]:
        info = self._stat(key)
        raw = AheadReader(self._same(info), info.size, self._executor, self.config.concurrency)
        return io.BufferedReader(raw, max(1, min(info.size, BLOCK)))

    def _pieces(self, info: ObjectInfo) -> Iterator[Any]:
        if info.size <= self.config.part_size:
            return iter([self._engine().get(info.key, 0, None, size=info.size)])
        return pieces(self._same(info), info.size, self.config.part_size, self._executor, self.config.concurrency)

    def _same(self, info: ObjectInfo) -> Callable[[int, int], Any]:
        """Return what reads ranges of an object as it is known."""

        def fetch(start: int, end: int) -> Any:
            try:
                return self._engine().get(info.key, start, end, info.etag)
            except Conflict as error:
                raise Conflict(f"'{info.key}' was changed while it was read", remedy="read it again", retryable=True) from error

        return fetch

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
        if condition is NO_CONDITION and not metadata and len(data) <= self.part_size:
            digest = digest_of_bytes(data)  # before: a thread that comes from a request would wait for the interpreter's lock twice
            written = self._engine().put(key, data if isinstance(data, bytes) else bytes(data))
            return ObjectInfo(key, len(data), written.etag, written.modified, digest)
        if len(data) > self._largest_put(condition):
            return super()._write(key, data, condition, metadata)
        found = self._writes.put(key, data, condition, metadata)
        return ObjectInfo(found.key, found.size, found.etag, found.modified, digest_of_bytes(data), found.metadata)

    def _largest_put(self, condition: Condition) -> int:
        return LARGEST_PUT if self._goes_whole(condition) else self.config.part_size

    def _goes_whole(self, condition: Condition) -> bool:
        return self.config.conditional_writes == "one_request" and condition != NO_CONDITION

    def _upload(self, key: str, condition: Condition, metadata: Mapping[str, str]) -> Upload:
        if self._goes_whole(condition):
            return SpooledUpload(self._writes, key, condition, metadata)
        return PartsUpload(self._writes, self._executor, key, condition, metadata)

    def _list(self, prefix: str, recursive: bool) -> Iterator[ObjectInfo | str]:
        return listings.listed(self._client, self._names, prefix, recursive, self.config.page_size)

    def _delete(self, keys: Iterable[str]) -> dict[str, Exception]:
        failures: dict[str, Exception] = {}
        for failed in in_order(self._engine().delete, batches(keys, self.config.page_size), self._executor, self.config.concurrency):
            failures.update(failed)
        return failures

    def _copy(self, source: str, target: str) -> ObjectInfo:
        return copies.copied(self._writes, self._stat(source), target)

    def _presign(self, key: str, writing: bool, seconds: float) -> str:
        parameters = {"Bucket": self.config.bucket, "Key": self._names.full(key)}
        operation = "put_object" if writing else "get_object"
        url: str = attempted(
            lambda: self._client.sdk.generate_presigned_url(operation, Params=parameters, ExpiresIn=max(1, int(seconds))), f"'{key}'"
        )
        return url
