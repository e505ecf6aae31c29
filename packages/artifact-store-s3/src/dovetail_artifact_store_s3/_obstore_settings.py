"""How the settings of the SDK's client are said to obstore."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dovetail_artifact_store_s3._address import Address
from dovetail_artifact_store_s3._client import Client, most_connections
from dovetail_artifact_store_s3.config import S3Config
from dovetail_core import AuthenticationFailed, ConfigError

_LEFT_UNUSED = timedelta(minutes=5)
"""obstore asks for keys again as soon as they would hold for less than that."""
_ASK_AGAIN = timedelta(minutes=1)


def settings(client: Client, config: S3Config) -> dict[str, Any]:
    """Return the arguments of obstore's `S3Store`. Raises `Unfit`."""
    address = client.address
    return {
        "bucket": config.bucket,
        "endpoint": address.endpoint,
        "region": address.region,
        "virtual_hosted_style_request": not address.bucket,
        "credential_provider": provider(client, config),
        **_integrity(address, config),
        **_encryption(config),
        "client_options": _options(client, config),
        "retry_config": {"max_retries": 0},  # what failed is repeated by the SDK
    }


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


def _integrity(address: Address, config: S3Config) -> dict[str, Any]:
    """Return how a body is protected: by its digest in the signature, or, as the SDK does over TLS, by a checksum.

    Amazon's servers know the checksum; of others many do not.
    """
    if address.scheme != "https":
        return {}
    if config.checksums == "when_required":
        return {"unsigned_payload": True}
    return {"unsigned_payload": True, "checksum_algorithm": "CRC64NVME"} if address.is_amazons else {}


def _encryption(config: S3Config) -> dict[str, Any]:
    given = {"server_side_encryption": config.encryption, "sse_kms_key_id": config.kms_key_id}
    return {name: value for name, value in given.items() if value}


def _options(client: Client, config: S3Config) -> dict[str, Any]:
    return {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=config.connect_timeout),
        "read_timeout": timedelta(seconds=config.read_timeout),
        "timeout": timedelta(days=1),  # of a whole request, however large; the server's silence has its own
        "pool_max_idle_per_host": str(most_connections(config)),
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
