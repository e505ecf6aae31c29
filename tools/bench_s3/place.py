"""Where it is measured: a server, a bucket, a prefix, and how much of everything."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MIB = 1 << 20


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    large: int
    """Bytes of the large object."""
    objects: int
    """Small objects."""
    small: int
    """Bytes of each."""
    keys: int
    """Keys that are listed and deleted."""


SIZES = {"full": Sizes(1024 * MIB, 2000, 10 * 1024, 20_000), "small": Sizes(32 * MIB, 100, 10 * 1024, 1500)}


@dataclass(frozen=True)
class Place:
    """A prefix in a bucket of a server, and a folder of this machine with what is uploaded."""

    endpoint: str
    bucket: str
    prefix: str
    access_key: str
    secret_key: str
    token: str | None
    region: str
    sizes: Sizes
    folder: str

    @property
    def large_file(self) -> Path:
        """The file that is uploaded as the large object."""
        return Path(self.folder, "large")

    @property
    def small_files(self) -> Path:
        """The directory with the files that are uploaded as small objects."""
        return Path(self.folder, "small")

    def as_text(self) -> str:
        """Return the place as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Place:
        """Return the place that JSON says."""
        values = json.loads(text)
        return cls(**{**values, "sizes": Sizes(**values["sizes"])})


def made(endpoint: str, bucket: str, sizes: str, keys: tuple[str, str] | None = None) -> Place:
    """Return a place: the bucket is made if it is not there, and the files are written."""
    import boto3

    session = boto3.Session()
    found = session.get_credentials()
    id, secret, token = (*keys, None) if keys else (found.access_key, found.secret_key, found.token) if found else ("any", "any", None)
    folder = tempfile.mkdtemp(prefix="dovetail-bench-s3-")
    region = session.region_name or "us-east-1"
    place = Place(endpoint, bucket, f"bench-{uuid.uuid4().hex[:8]}", id, secret, token, region, SIZES[sizes], folder)
    client = boto3_client(place)
    if bucket not in [item["Name"] for item in client.list_buckets().get("Buckets", ())]:
        client.create_bucket(Bucket=bucket)
    _write_files(place)
    return place


def _write_files(place: Place) -> None:
    with place.large_file.open("wb") as file:
        for _ in range(place.sizes.large // MIB):
            file.write(os.urandom(MIB))
    for number in range(place.sizes.objects):
        path = place.small_files / f"{number % 20:02}" / f"{number:05}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(place.sizes.small))


def boto3_client(place: Place, **settings: Any) -> Any:
    """Return a client of boto3, with its defaults where nothing else is said."""
    import boto3
    from botocore.config import Config

    keys = {"aws_access_key_id": place.access_key, "aws_secret_access_key": place.secret_key, "aws_session_token": place.token}
    config = Config(s3={"addressing_style": "path"}, **settings)
    return boto3.client("s3", endpoint_url=place.endpoint, region_name=place.region, config=config, **keys)


def seeded(place: Place, keys: Iterable[str], data: bytes = b"") -> None:
    """Store the same bytes at keys, as fast as can be."""
    from contenders import available

    kind = available().get("obstore") or available()["boto3 tuned"]
    contender = kind(place)
    contender.each(lambda key: contender.write(key, data), keys)


def cleared(place: Place) -> None:
    """Delete what was stored, and the files."""
    import shutil

    client = boto3_client(place)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=f"{place.prefix}/"):
        if keys := [{"Key": item["Key"]} for item in page.get("Contents", ())]:
            client.delete_objects(Bucket=place.bucket, Delete={"Objects": keys, "Quiet": True})
    shutil.rmtree(place.folder, ignore_errors=True)
