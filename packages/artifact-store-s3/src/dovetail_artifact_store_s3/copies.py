"""Copies at the server: in one request, or by parts where the object is too large for that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dovetail_artifact_store import ObjectInfo
from dovetail_artifact_store.objects import NO_CONDITION
from dovetail_artifact_store_s3.objects import bare, etag_of_parts, from_write, new_write_id, writing
from dovetail_artifact_store_s3.writes import Writes
from dovetail_core import DovetailError

LARGEST_COPY = 5 << 30
"""Bytes that one request copies (API reference, CopyObject)."""
_PART = 512 << 20


def copied(writes: Writes, source: ObjectInfo, target: str) -> ObjectInfo:
    """Copy an object as it is known."""
    config, names = writes.config, writes.names
    place = {"CopySource": {"Bucket": config.bucket, "Key": names.full(source.key)}, "CopySourceIfMatch": f'"{source.etag}"'}
    if source.size > LARGEST_COPY:
        return _by_parts(writes, source, target, place)
    settings = {name: value for name, value in writing(config, {}).items() if name != "Metadata"}
    answer = writes.client.ask("copy_object", f"'{source.key}'", Key=names.full(target), **place, **settings)
    result = answer["CopyObjectResult"]
    return from_write(target, source.size, {**answer, "ETag": bare(result["ETag"])}, source.metadata)


def _by_parts(writes: Writes, source: ObjectInfo, target: str, place: dict[str, Any]) -> ObjectInfo:
    client, key, what, write_id = writes.client, writes.names.full(target), f"'{target}'", new_write_id()
    settings = writing(writes.config, source.metadata, write_id)
    upload = {"Key": key, "UploadId": client.ask("create_multipart_upload", what, Key=key, **settings)["UploadId"]}

    def copy(part: tuple[int, str]) -> dict[str, Any]:
        number, bounds = part
        answer = client.ask("upload_part_copy", what, **upload, PartNumber=number, CopySourceRange=bounds, **place)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    try:
        with ThreadPoolExecutor(writes.config.concurrency) as pool:
            parts = {"MultipartUpload": {"Parts": list(pool.map(copy, enumerate(_bounds(source.size), 1)))}}
        answer = writes.decided(target, lambda: client.once("complete_multipart_upload", what, **upload, **parts), NO_CONDITION, write_id)
    except BaseException:
        with contextlib.suppress(DovetailError):  # what went wrong first is what is said
            client.ask("abort_multipart_upload", what, **upload)
        raise
    etag = answer.get("ETag") or etag_of_parts([part["ETag"] for part in parts["MultipartUpload"]["Parts"]])
    return from_write(target, source.size, {**answer, "ETag": etag}, source.metadata)


def _bounds(size: int) -> Iterator[str]:
    for start in range(0, size, _PART):
        yield f"bytes={start}-{min(start + _PART, size) - 1}"
