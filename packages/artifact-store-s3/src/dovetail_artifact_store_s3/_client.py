"""The client of the SDK: made at first use, one per store, from the store's own settings only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.errors import mapped
from dovetail_core.retry import retrying

R = TypeVar("R")


class Client:
    """Sends requests: maps what goes wrong, and tries again what may pass."""

    def __init__(self, config: S3Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._session: Any = None
        self._client: Any = None

    @property
    def sdk(self) -> Any:
        """The SDK's client."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = _made(self.session, self._config)
        return self._client

    @property
    def session(self) -> Any:
        """The SDK's session: where credentials come from, and are renewed."""
        if self._session is None:
            self._session = _session(self._config)
        return self._session

    def ask(self, operation: str, what: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a request on the bucket."""
        result: dict[str, Any] = self.again(lambda: getattr(self.sdk, operation)(Bucket=self._config.bucket, **parameters), what)
        return result

    def again(self, call: Callable[[], R], what: str) -> R:
        """Return what `call` returns, called again while what it raises may pass."""
        return retrying(lambda: attempted(call, what), attempts=self._config.attempts, first=0.05)

    def once(self, operation: str, what: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a request that is sent once."""
        result: dict[str, Any] = attempted(lambda: getattr(self.sdk, operation)(Bucket=self._config.bucket, **parameters), what)
        return result

    def close(self) -> None:
        """Close connections; the next request opens them again."""
        with self._lock:
            client, self._client, self._session = self._client, None, None
        if client is not None:
            client.close()


def attempted(call: Callable[[], R], what: str) -> R:
    """Return what `call` returns. Raises the error of the taxonomy for whatever it raises."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from urllib3.exceptions import HTTPError  # the SDK lets those of a body through

    try:
        return call()
    except (BotoCoreError, ClientError, HTTPClientError, HTTPError, OSError) as error:
        problem = mapped(error, what)
        if problem is error:
            raise
        raise problem from error
    except ValueError as error:  # the SDK's way to say that an answer cannot be parsed
        raise mapped(error, what) from error


def _session(config: S3Config) -> Any:
    import boto3

    secret, token = config.secret_access_key, config.session_token
    session = attempted(
        lambda: boto3.Session(
            profile_name=config.profile,
            region_name=config.region,
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            aws_session_token=token.get_secret_value() if token else None,
        ),
        "the SDK's session",
    )
    return _assuming(session, config) if config.role_arn else session


def _assuming(session: Any, config: S3Config) -> Any:
    """Return a session with credentials of the role, which are renewed before they end."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    source = session._session
    extra = {"ExternalId": config.external_id.get_secret_value()} if config.external_id else {}
    fetcher = AssumeRoleCredentialFetcher(source.create_client, source.get_credentials(), config.role_arn, extra_args=extra)
    assumed = botocore.session.Session(profile=config.profile)
    assumed._credentials = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    return boto3.Session(botocore_session=assumed, region_name=session.region_name)


def _made(session: Any, config: S3Config) -> Any:
    from botocore.config import Config

    style = "path" if config.addressing_style == "auto" and config.endpoint_url else config.addressing_style
    settings = Config(
        connect_timeout=config.connect_timeout,
        read_timeout=config.read_timeout,
        max_pool_connections=2 * config.concurrency + 8,
        retries={"total_max_attempts": 1},
        s3={"addressing_style": style},
        request_checksum_calculation=config.checksums,
        response_checksum_validation=config.checksums,
        user_agent_extra="dovetail",
    )
    region = session.region_name or ("us-east-1" if config.endpoint_url else None)
    client = attempted(
        lambda: session.client("s3", endpoint_url=config.endpoint_url, region_name=region, config=settings, verify=config.verify),
        "the SDK's client",
    )
    if config.endpoint_url:
        client.meta.events.register("before-sign.s3.DeleteObjects", _add_md5)
    return client


def _add_md5(request: Any, **_: Any) -> None:
    """Add the digest that servers other than Amazon's demand of a deletion of several objects."""
    import base64
    import hashlib

    body = request.body if isinstance(request.body, bytes) else b""
    if body and "Content-MD5" not in request.headers:
        request.headers["Content-MD5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
