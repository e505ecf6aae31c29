"""Listing, by full pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from dovetail_artifact_store import ObjectInfo
from dovetail_artifact_store_s3._client import Client
from dovetail_artifact_store_s3.objects import Names, from_listing


def listed(client: Client, names: Names, prefix: str, recursive: bool, page: int) -> Iterator[ObjectInfo | str]:
    """Yield what is below a prefix, in the order of the keys' bytes, in which S3 lists."""
    start = names.below(prefix)
    parameters: dict[str, Any] = {"Prefix": start, "MaxKeys": page, "EncodingType": "url", **({} if recursive else {"Delimiter": "/"})}
    while True:
        answer = client.ask("list_objects_v2", f"the listing of '{prefix}'", **parameters)
        yield from _items(answer, names, start)
        if not answer.get("IsTruncated"):
            return
        parameters["ContinuationToken"] = answer["NextContinuationToken"]


def _items(answer: dict[str, Any], names: Names, start: str) -> Iterator[ObjectInfo | str]:
    said = _decoded if answer.get("EncodingType") == "url" else str
    entries = [(said(item["Key"]), item) for item in answer.get("Contents", ())]
    objects = [from_listing(names.own(key), item) for key, item in entries if key != start]  # that is the marker of the prefix itself
    common = [said(item["Prefix"])[:-1] for item in answer.get("CommonPrefixes", ())]
    if not common:
        return iter(objects)
    found: list[tuple[bytes, ObjectInfo | str]] = [(names.full(info.key).encode(), info) for info in objects]
    found += [(f"{prefix}/".encode(), names.own(prefix)) for prefix in common]
    return (item for _, item in sorted(found, key=lambda pair: pair[0]))


def _decoded(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text
