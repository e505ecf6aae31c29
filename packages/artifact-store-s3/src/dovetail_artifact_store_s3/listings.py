"""Listing, by full pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dovetail_artifact_store import ObjectInfo
from dovetail_artifact_store_s3._client import Client
from dovetail_artifact_store_s3.objects import Names, from_listing


def listed(client: Client, names: Names, prefix: str, recursive: bool, page: int) -> Iterator[ObjectInfo | str]:
    """Yield what is below a prefix, in the order of the keys' bytes, in which S3 lists."""
    start = names.below(prefix)
    parameters: dict[str, Any] = {"Prefix": start, "MaxKeys": page, **({} if recursive else {"Delimiter": "/"})}
    while True:
        answer = client.ask("list_objects_v2", f"the listing of '{prefix}'", **parameters)
        yield from _items(answer, names, start)
        if not answer.get("IsTruncated"):
            return
        parameters["ContinuationToken"] = answer["NextContinuationToken"]


def _items(answer: dict[str, Any], names: Names, start: str) -> Iterator[ObjectInfo | str]:
    found: list[tuple[bytes, ObjectInfo | str]] = []
    for item in answer.get("Contents", ()):
        if item["Key"] != start:  # the marker of the prefix itself
            found.append((item["Key"].encode(), from_listing(names.own(item["Key"]), item)))
    for common in answer.get("CommonPrefixes", ()):
        found.append((common["Prefix"].encode(), names.own(common["Prefix"][:-1])))
    yield from (item for _, item in sorted(found, key=lambda pair: pair[0]))
