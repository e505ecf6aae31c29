"""Where a bucket is, as the SDK resolves it from settings, environment, files and rules."""

from __future__ import annotations

import contextlib
import re
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.errors import Unfit

_SCOPE = re.compile(r"^AWS4-HMAC-SHA256 Credential=\S+/\d{8}/([^/]+)/s3/aws4_request,")
"""What a signature of version 4 begins with, with the region (API reference, "Authenticating Requests: Using the Authorization Header")."""
_OF_THEIR_OWN = re.compile(r"\.s3express-|\.s3-global\.|s3-outposts|s3-object-lambda")
"""Hosts of directory buckets, of access points in several regions, on premises, and before functions."""
_AMAZON = re.compile(r"\.amazonaws\.com(?:\.cn)?$")


class Address(NamedTuple):
    """A bucket's address."""

    scheme: str
    host: str
    """With a port that is not the scheme's own."""
    bucket: str
    """Its name in the path of a URL; empty if it is part of the host."""
    region: str
    """What requests are signed for."""

    @property
    def endpoint(self) -> str:
        """URL of the host."""
        return f"{self.scheme}://{self.host}"

    @property
    def is_amazons(self) -> bool:
        """Whether Amazon's servers are there."""
        return _AMAZON.search(self.host) is not None

    @property
    def is_here(self) -> bool:
        """Whether the host is this machine, by its name or number."""
        name = urlsplit(self.endpoint).hostname or ""
        with contextlib.suppress(ValueError):
            return ip_address(name).is_loopback
        return name == "localhost" or name.endswith(".localhost")


def address_of(sdk: Any, config: S3Config) -> Address:
    """Return where the bucket is: a request that the SDK is about to send shows it. Raises `Unfit` if such requests are not usual ones."""
    request = _about_to_send(sdk, config.bucket)
    url = urlsplit(request.url)
    scope = _SCOPE.search(_text(request.headers.get("Authorization", "")))
    if scope is None or _OF_THEIR_OWN.search(url.netloc):
        raise Unfit("requests to this bucket are made in a way of their own")
    in_path = url.path.strip("/")
    if in_path not in ("", config.bucket):
        raise Unfit("the bucket's name is written otherwise in its address")
    return Address(url.scheme, url.netloc, in_path, scope[1])


def _about_to_send(sdk: Any, bucket: str) -> Any:
    """Return a request as it is signed; it is not sent."""

    def stop(request: Any, **_: Any) -> None:
        raise _Stopped(request)

    events = sdk.meta.events
    events.register("before-send.s3.HeadBucket", stop)
    try:
        sdk.head_bucket(Bucket=bucket)
    except _Stopped as stopped:
        return stopped.with_traceback(None).request  # frames of the SDK know the exception, and it would know who asks
    finally:
        events.unregister("before-send.s3.HeadBucket", stop)
    raise Unfit("the SDK sends requests in a way of its own")


class _Stopped(Exception):
    """A request was about to be sent."""

    def __init__(self, request: Any) -> None:
        self.request = request
        super().__init__("a request was about to be sent")


def _text(header: Any) -> str:
    return header.decode("latin-1") if isinstance(header, bytes) else str(header)
