"""How the settings of the SDK's client are said to obstore."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dovetail_artifact_store_s3._client import Client, attempted
from dovetail_artifact_store_s3._engine import Unfit
from dovetail_artifact_store_s3.config import S3Config
from dovetail_core import AuthenticationFailed, ConfigError

_LEFT_UNUSED = timedelta(minutes=5)
"""obstore asks for keys again as soon as they would hold for less than that."""
_ASK_AGAIN = timedelta(minutes=1)
_SCOPE = re.compile(r"^AWS4-HMAC-SHA256 Credential=\S+/\d{8}/([^/]+)/s3/aws4_request,")
"""What a signature of version 4 begins with, with the region (API reference, "Authenticating Requests: Using the Authorization Header")."""


def settings(client: Client, config: S3Config) -> dict[str, Any]:
    """Return the arguments of obstore's `S3Store`. Raises `Unfit`."""
    return {
        **_place(client, config),
        "credential_provider": provider(client, config),
        **_integrity(client, config),
        **_encryption(config),
        "client_options": _options(client, config),
        "retry_config": {"max_retries": 0},  # what failed is repeated by the SDK
    }


def _place(client: Client, config: S3Config) -> dict[str, Any]:
    """Return where the bucket is, as the SDK resolves it from settings, environment, files and rules: a request that it is about to send shows it."""
    request = _about_to_send(client, config)
    url = urlsplit(request.url)
    scope = _SCOPE.search(_text(request.headers.get("Authorization", "")))
    if scope is None:
        raise Unfit("requests to this bucket are signed in a way of their own")
    if url.path.strip("/") not in ("", config.bucket):
        raise Unfit("the bucket's name is written otherwise in its address")
    style = {"virtual_hosted_style_request": not url.path.strip("/")}
    return {"bucket": config.bucket, "endpoint": f"{url.scheme}://{url.netloc}", "region": scope[1], **style}


def _about_to_send(client: Client, config: S3Config) -> Any:
    """Return a request as it is signed; it is not sent."""

    def stop(request: Any, **_: Any) -> None:
        raise _Stopped(request)

    events = client.sdk.meta.events
    events.register("before-send.s3.HeadBucket", stop)
    try:
        attempted(lambda: client.sdk.head_bucket(Bucket=config.bucket), "the bucket's address")
    except _Stopped as stopped:
        return stopped.request
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


def provider(client: Client, config: S3Config) -> Callable[[], dict[str, Any]]:
    """Return what gives obstore the keys of the SDK's session. It is asked each minute: the SDK knows when keys end, and renews them before."""
    fixed = config.access_key_id is not None and config.role_arn is None

    def keys() -> dict[str, Any]:
        found = client.keys.get_frozen_credentials()
        if found is None:
            raise AuthenticationFailed("there are no credentials")
        ends = None if fixed else datetime.now(UTC) + _LEFT_UNUSED + _ASK_AGAIN
        return {"access_key_id": found.access_key, "secret_access_key": found.secret_key, "token": found.token, "expires_at": ends}

    return keys


def _integrity(client: Client, config: S3Config) -> dict[str, Any]:
    """Return how a body is protected: by its digest in the signature, or, as the SDK does over TLS, by a checksum.

    Amazon's servers know the checksum; of others many do not.
    """
    if not client.sdk.meta.endpoint_url.startswith("https://"):
        return {}
    if config.checksums == "when_required":
        return {"unsigned_payload": True}
    return {} if config.endpoint_url else {"unsigned_payload": True, "checksum_algorithm": "CRC64NVME"}


def _encryption(config: S3Config) -> dict[str, Any]:
    given = {"server_side_encryption": config.encryption, "sse_kms_key_id": config.kms_key_id}
    return {name: value for name, value in given.items() if value}


def _options(client: Client, config: S3Config) -> dict[str, Any]:
    return {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=config.connect_timeout),
        "read_timeout": timedelta(seconds=config.read_timeout),
        "timeout": timedelta(days=1),  # of a whole request, however large; the server's silence has its own
        "pool_max_idle_per_host": str(2 * config.concurrency + 8),
        "user_agent": "dovetail",
        **_trust(client, config),
    }


def _trust(client: Client, config: S3Config) -> dict[str, Any]:
    """Return which certificates are trusted; a file's are in addition to the system's, where the SDK trusts those of the file alone."""
    if config.verify is False:
        return {"allow_invalid_certificates": True}
    file = config.verify if isinstance(config.verify, str) else client.session._session.get_config_variable("ca_bundle")
    if not file:
        return {}
    try:
        return {"root_certificate": _certificates(Path(file).read_bytes())}
    except OSError as error:
        raise ConfigError(f"the certificates in {file} cannot be read: {error.strerror}", remedy="set `verify` to a file") from error


def _certificates(pem: bytes) -> bytes:
    return b"".join(re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", pem, re.DOTALL))
