"""Names, entries and answers: how the contract's words are said in S3's."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, unquote

from dovetail_artifact_store import ObjectInfo
from dovetail_artifact_store_s3.config import S3Config
from dovetail_core import InvalidArgument

WRITE_ID = "dovetail-write"
"""Entry that tells a write's own object from another's, where the answer was lost."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_PLAIN = "!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""Characters that stand for themselves in the value of an entry; a blank does not, since servers strip those at the ends of a header."""


class Names:
    """Keys of a store, and keys in the bucket."""

    def __init__(self, prefix: str) -> None:
        self._start = f"{prefix}/" if prefix else ""

    def full(self, key: str) -> str:
        """Return the key in the bucket."""
        return self._start + key

    def below(self, prefix: str) -> str:
        """Return what keys in the bucket begin with that are below a prefix of the store."""
        return f"{self._start}{prefix}/" if prefix else self._start

    def own(self, full: str) -> str:
        """Return the store's key for a key in the bucket."""
        return full[len(self._start) :]


def base_uri(config: S3Config) -> str:
    """Return what the URIs of a store begin with; a server other than Amazon's is part of it."""
    place = f"{config.bucket}/{config.prefix}" if config.prefix else config.bucket
    return f"s3+{config.endpoint_url}/{place}" if config.endpoint_url else f"s3://{place}"


def writing(config: S3Config, metadata: Mapping[str, str], write_id: str = "") -> dict[str, Any]:
    """Return the parameters of every request that makes an object."""
    entries = {_checked(name): quote(value, safe=_PLAIN) for name, value in metadata.items()}
    if write_id:
        entries[WRITE_ID] = write_id
    given = {"ServerSideEncryption": config.encryption, "SSEKMSKeyId": config.kms_key_id, "StorageClass": config.storage_class}
    return {"Metadata": entries, **{name: value for name, value in given.items() if value}}


def new_write_id() -> str:
    """Return a name for a write."""
    return uuid.uuid4().hex


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or name == WRITE_ID:
        raise InvalidArgument(f"'{name}' is no name of an entry in S3", remedy="use lower-case letters, digits, '-', '_' and '.'")
    return name


def from_head(key: str, answer: Mapping[str, Any]) -> ObjectInfo:
    """Return what the answer to a look at an object says."""
    entries = {name.lower(): unquote(value) for name, value in answer.get("Metadata", {}).items() if name.lower() != WRITE_ID}
    return ObjectInfo(key, answer["ContentLength"], bare(answer["ETag"]), _utc(answer["LastModified"]), None, entries)


def is_written_by(answer: Mapping[str, Any], write_id: str) -> bool:
    """Tell whether the answer to a look at an object says that a write made it; servers differ in the case of names."""
    return any(name.lower() == WRITE_ID and value == write_id for name, value in answer.get("Metadata", {}).items())


def from_listing(key: str, item: Mapping[str, Any]) -> ObjectInfo:
    """Return what a listing says of an object."""
    return ObjectInfo(key, item["Size"], bare(item["ETag"]), _utc(item["LastModified"]))


def from_write(key: str, size: int, answer: Mapping[str, Any], metadata: Mapping[str, str]) -> ObjectInfo:
    """Return what the answer to a write says; the time is the server's, of the answer."""
    return ObjectInfo(key, size, bare(answer["ETag"]), answered_at(answer), None, dict(metadata))


def answered_at(answer: Mapping[str, Any]) -> datetime:
    """Return when the server answered, to the second."""
    try:
        return _utc(parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]))
    except (KeyError, ValueError):
        return datetime.now(UTC)


def bare(etag: str) -> str:
    """Return an etag without quotes."""
    return etag.strip('"')


def etag_of_parts(etags: Sequence[str]) -> str:
    """Return the etag of an object that went up by parts: the MD5 of the parts' MD5s, and their number."""
    digests = bytes.fromhex("".join(map(bare, etags)))
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
