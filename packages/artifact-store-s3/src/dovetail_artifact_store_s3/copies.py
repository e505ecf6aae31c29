"""Copies at the server: in one request, or by parts where the object is too large for that."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dovetail_artifact_store import ObjectInfo
from dovetail_artifact_store_s3._client import Client
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.objects import Names, bare, from_write, writing

LARGEST_COPY = 5 << 30
"""Bytes that one request copies (API reference, CopyObject)."""
_PART = 512 << 20


def copied(client: Client, config: S3Config, names: Names, source: ObjectInfo, target: str) -> ObjectInfo:
    """Copy an object as it is known."""
    place = {"CopySource": {"Bucket": config.bucket, "Key": names.full(source.key)}, "CopySourceIfMatch": f'"{source.etag}"'}
    if source.size > LARGEST_COPY:
        return _by_parts(client, config, names, source, target, place)
    settings = {name: value for name, value in writing(config, {}).items() if name != "Metadata"}
    answer = client.ask("copy_object", f"'{source.key}'", Key=names.full(target), **place, **settings)
    result = answer["CopyObjectResult"]
    return from_write(target, source.size, {**answer, "ETag": bare(result["ETag"])}, source.metadata)


def _by_parts(client: Client, config: S3Config, names: Names, source: ObjectInfo, target: str, place: dict[str, Any]) -> ObjectInfo:
    key, what = names.full(target), f"'{target}'"
    upload = client.ask("create_multipart_upload", what, Key=key, **writing(config, source.metadata))["UploadId"]

    def copy(part: tuple[int, str]) -> dict[str, Any]:
        number, bounds = part
        answer = client.ask("upload_part_copy", what, Key=key, UploadId=upload, PartNumber=number, CopySourceRange=bounds, **place)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    try:
        with ThreadPoolExecutor(config.concurrency) as pool:
            parts = list(pool.map(copy, enumerate(_bounds(source.size), 1)))
        answer = client.ask("complete_multipart_upload", what, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    except BaseException:
        client.ask("abort_multipart_upload", what, Key=key, UploadId=upload)
        raise
    return from_write(target, source.size, answer, source.metadata)


def _bounds(size: int) -> Iterator[str]:
    for start in range(0, size, _PART):
        yield f"bytes={start}-{min(start + _PART, size) - 1}"
