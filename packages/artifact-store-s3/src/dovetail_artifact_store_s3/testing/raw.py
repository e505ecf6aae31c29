"""The side door of a store in a bucket: the SDK alone, not through the proxy."""

from __future__ import annotations

import builtins
from typing import Any


class RawBucket:
    """The side door of a store in a bucket."""

    def __init__(self, client: Any, config: Any) -> None:
        self._client = client
        self._bucket = config.bucket
        self._start = f"{config.prefix}/" if config.prefix else ""

    def put(self, key: str, data: bytes) -> None:
        """Store bytes at any key."""
        self._client.put_object(Bucket=self._bucket, Key=self._start + key, Body=data)

    def get(self, key: str) -> bytes | None:
        """Return what is stored at a key."""
        try:
            data: bytes = self._client.get_object(Bucket=self._bucket, Key=self._start + key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        return data

    def list(self) -> builtins.list[str]:
        """Return every key, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._start)
        return sorted(item["Key"][len(self._start) :] for page in pages for item in page.get("Contents", ()))

    def delete(self, key: str) -> None:
        """Delete what is stored at a key."""
        self._client.delete_object(Bucket=self._bucket, Key=self._start + key)

    def uploads(self) -> builtins.list[str]:
        """Return the keys of unfinished uploads."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._start)
        return [item["Key"] for page in pages for item in page.get("Uploads", ())]
