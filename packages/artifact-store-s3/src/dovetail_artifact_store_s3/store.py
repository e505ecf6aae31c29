"""The flavor: objects in a bucket."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import IO, Any

from dovetail_artifact_store import ArtifactStore, Condition, ObjectInfo, Upload
from dovetail_artifact_store import ArtifactStoreCapability as Capability
from dovetail_artifact_store.digests import digest_of_bytes
from dovetail_artifact_store.objects import NO_CONDITION
from dovetail_artifact_store_s3 import copies, listings
from dovetail_artifact_store_s3._client import Client, attempted
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.objects import Names, base_uri, from_head
from dovetail_artifact_store_s3.reads import BLOCK, AheadReader
from dovetail_artifact_store_s3.spooled import LARGEST_PUT, SpooledUpload
from dovetail_artifact_store_s3.writes import PartsUpload, Writes
from dovetail_core import Conflict, DovetailError


class S3ArtifactStore(ArtifactStore):
    """Objects in an Amazon S3 bucket, or in any server that speaks its API."""

    flavor = "s3"
    capabilities = frozenset(
        {
            Capability.CONDITIONAL_PUT,
            Capability.CONDITIONAL_REPLACE,
            Capability.SERVER_COPY,
            Capability.PRESIGN,
            Capability.USER_METADATA,
        }
    )
    Config = S3Config
    config: S3Config

    def setup(self) -> None:
        """Prepare what needs no connection."""
        self.part_size, self.page_size, self.parallel = self.config.part_size, self.config.page_size, self.config.concurrency
        if self.config.conditional_writes == "none":
            self.capabilities = type(self).capabilities - {Capability.CONDITIONAL_PUT, Capability.CONDITIONAL_REPLACE}
        self._names = Names(self.config.prefix)
        self._client = Client(self.config)
        self._writes = Writes(self._client, self.config, self._names)
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    def check(self) -> None:
        """Verify that the bucket can be listed. The error names the setting to mend."""
        self._client.ask("list_objects_v2", f"bucket '{self.config.bucket}'", Prefix=self._names.below(""), MaxKeys=1)

    def close(self) -> None:
        """Close connections and threads."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown()
        self._client.close()

    @property
    def _executor(self) -> Executor:
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.config.concurrency, thread_name_prefix="dovetail-s3")
            return self._threads

    def _base_uri(self) -> str:
        return base_uri(self.config)

    def _stat(self, key: str) -> ObjectInfo:
        return from_head(key, self._client.ask("head_object", f"'{key}'", Key=self._names.full(key)))

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        return self._client.again(lambda: self._read_once(key, start, end), f"'{key}'")

    def _read_once(self, key: str, start: int, end: int | None, etag: str = "") -> bytes:
        whole = start == 0 and end is None
        bounds = {} if whole else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        same = {"IfMatch": f'"{etag}"'} if etag else {}
        try:
            answer = self._client.once("get_object", f"'{key}'", Key=self._names.full(key), **bounds, **same)
        except DovetailError as error:
            if _beyond_the_end(error):
                return b""
            raise
        with answer["Body"] as body:
            data: bytes = attempted(body.read, f"'{key}'")
        return data

    def _reader(self, key: str) -> IO[bytes]:
        info = self._stat(key)

        def fetch(start: int, end: int) -> bytes:
            try:
                return self._client.again(lambda: self._read_once(key, start, end, info.etag), f"'{key}'")
            except Conflict as error:
                raise Conflict(f"'{key}' was changed while it was read", remedy="read it again", retryable=True) from error

        return io.BufferedReader(AheadReader(fetch, info.size, self._executor, self.config.concurrency), BLOCK)

    def _write(self, key: str, data: Any, condition: Condition, metadata: Mapping[str, str]) -> ObjectInfo:
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
        return listings.deleted(self._client, self._names, keys, self.config.page_size)

    def _copy(self, source: str, target: str) -> ObjectInfo:
        return copies.copied(self._client, self.config, self._names, self._stat(source), target)

    def _presign(self, key: str, writing: bool, seconds: float) -> str:
        parameters = {"Bucket": self.config.bucket, "Key": self._names.full(key)}
        operation = "put_object" if writing else "get_object"
        url: str = attempted(
            lambda: self._client.sdk.generate_presigned_url(operation, Params=parameters, ExpiresIn=max(1, int(seconds))), f"'{key}'"
        )
        return url


def _beyond_the_end(error: DovetailError) -> bool:
    response = getattr(error.__cause__, "response", {})
    return response.get("Error", {}).get("Code") in ("InvalidRange", "416")
