"""The client of the SDK: made at first use, one per store, from the store's own settings only."""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from dovetail_artifact_store_s3 import _listing_answers
from dovetail_artifact_store_s3._address import Address, address_of
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.credentials import RenewableKeys, can_be_found_again, session_of
from dovetail_artifact_store_s3.errors import is_unexplained, mapped
from dovetail_core import AuthenticationFailed, DovetailError
from dovetail_core.retry import retrying

R = TypeVar("R")
_SMALL = 64 << 10
"""Bytes of a body that a socket takes at once, so that a refusal is read also where the server does not want them."""
_IN_CACHE = (socket.SOL_SOCKET, socket.SO_SNDBUF, 512 << 10)
"""What is on its way to a server on this machine stays in the processor's cache; to others, a bound would bound what is on its way at once."""
_REPLACE = (
    "give others as `access_key_id` and `secret_access_key` (and `session_token`, if they are temporary) and build the component again; "
    "those of a `profile` or a `credentials_file` are read again by themselves"
)


class Client:
    """Sends requests: maps what goes wrong, and tries again what may pass."""

    def __init__(self, config: S3Config) -> None:
        self._config = config
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Have neither session nor connections: in a process that was forked they would be those of its parent."""
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._locating = threading.Lock()
        self._address: Address | None = None
        self._session: tuple[Any, RenewableKeys] | None = None
        self._client: Any = None
        self._connections: Any = None

    @property
    def sdk(self) -> Any:
        """The SDK's client."""
        if self._process != os.getpid():
            self._begin_anew()
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = _made(self.session, self._config)
        return self._client

    @property
    def session(self) -> Any:
        """The SDK's session."""
        return self._opened()[0]

    @property
    def keys(self) -> RenewableKeys:
        """What requests are signed with."""
        return self._opened()[1]

    @property
    def address(self) -> Address:
        """Where the bucket is. Raises `Unfit` if its requests are not usual ones."""
        sdk = self.sdk
        with self._locating:
            if self._address is None:
                self._address = attempted(lambda: address_of(sdk, self._config), "the bucket's address")
            return self._address

    @property
    def connections(self) -> Any:
        """The SDK's means to send requests that its client does not make, to the bucket's address."""
        address = self.address
        with self._locating:
            if self._connections is None:
                self._connections = _connections(address, self._config)
            return self._connections

    def _opened(self) -> tuple[Any, RenewableKeys]:
        if self._process != os.getpid():
            self._begin_anew()
        with self._opening:
            if self._session is None:
                self._session = attempted(lambda: session_of(self._config), "the SDK's session")
            return self._session

    def ask(self, operation: str, what: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a request on the bucket."""
        return self.again(lambda: self.once(operation, what, **parameters), what)

    def again(self, call: Callable[[], R], what: str, attempts: int | None = None) -> R:
        """Return what `call` returns, called again while what it raises may pass."""
        most = attempts or self._config.attempts
        return retrying(lambda: attempted(call, what), attempts=most, within=self._config.patience, first=0.05)

    def once(self, operation: str, what: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a request that is sent once, or once more with other keys if those that it was signed with are refused."""
        body: Any = parameters.get("Body")

        def send() -> dict[str, Any]:
            if hasattr(body, "seek"):
                body.seek(0)
            answer: dict[str, Any] = getattr(self.sdk, operation)(Bucket=self._config.bucket, **parameters)
            return answer

        return self.signed(send, what)

    def signed(self, call: Callable[[], R], what: str) -> R:
        """Return what `call` returns, called once more if the keys that it signs with are refused, and there are others by now.

        Raises `AuthenticationFailed` that names the settings where the config itself holds the keys.
        """
        keys = self.keys
        generation = keys.generation
        try:
            return attempted(call, what)
        except DovetailError as error:
            if not self._has_others(keys, generation, error, what):
                raise
        return attempted(call, what)

    def _has_others(self, keys: RenewableKeys, generation: int, error: DovetailError, what: str) -> bool:
        """Tell whether there are other keys now than those of a generation, if it is they that an error is about."""
        certain = isinstance(error, AuthenticationFailed)
        if can_be_found_again(self._config):
            return (certain or is_unexplained(error)) and attempted(lambda: keys.renew(generation, certain), what)
        if certain:
            raise AuthenticationFailed(error.message, remedy=_REPLACE) from error.__cause__
        return False

    def close(self) -> None:
        """Close connections; the next request opens them again."""
        with self._lock:
            client, self._client = self._client, None
        with self._opening:
            self._session = None
        with self._locating:
            connections, self._connections, self._address = self._connections, None, None
        for opened in (client, connections):
            if opened is not None:
                opened.close()


def attempted(call: Callable[[], R], what: str) -> R:
    """Return what `call` returns. Raises the error of the taxonomy for whatever it raises."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from urllib3.exceptions import HTTPError  # the SDK lets those of a body through

    try:
        return call()
    except DovetailError:  # some are ValueErrors, too
        raise
    except (BotoCoreError, ClientError, HTTPClientError, HTTPError, OSError) as error:
        raise mapped(error, what) from error
    except ValueError as error:  # the SDK's way to say that an answer cannot be parsed
        raise mapped(error, what) from error


def _made(session: Any, config: S3Config) -> Any:
    from botocore.config import Config

    encrypted = not (config.endpoint_url or "").startswith("http://")
    style = "path" if config.addressing_style == "auto" and config.endpoint_url else config.addressing_style
    settings = Config(
        connect_timeout=config.connect_timeout,
        read_timeout=config.read_timeout,
        parameter_validation=False,  # all parameters are ours; it takes a tenth of the time of a small request
        max_pool_connections=most_connections(config),
        retries={"total_max_attempts": 1},
        signature_version="s3v4",  # the SDK would presign with version 2, which new buckets refuse
        s3={"addressing_style": style},
        request_checksum_calculation=config.checksums if encrypted else "when_required",  # else the signature has a digest of the body
        response_checksum_validation=config.checksums,
        user_agent=_user_agent(),
    )
    region = session.region_name or ("us-east-1" if config.endpoint_url else None)
    client = attempted(
        lambda: session.client("s3", endpoint_url=config.endpoint_url, region_name=region, config=settings, verify=config.verify),
        "the SDK's client",
    )
    _listing_answers.install(client)
    client.meta.events.register_last("before-call.s3", _send_at_once)
    if config.endpoint_url:
        client.meta.events.register("before-sign.s3.DeleteObjects", _add_md5)
    return client


def most_connections(config: S3Config) -> int:
    """Return how many connections are kept."""
    return 2 * config.concurrency + 8


def _connections(address: Address, config: S3Config) -> Any:
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    return URLLib3Session(
        proxies=get_environ_proxies(address.endpoint),
        timeout=(config.connect_timeout, config.read_timeout),
        max_pool_connections=most_connections(config),
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *([_IN_CACHE] if address.is_here else [])],
    )


def _user_agent() -> str:
    """Return one text for all requests: the SDK would put its own together anew for each, which takes a tenth of the time of a small one."""
    import boto3

    return f"Boto3/{boto3.__version__} dovetail"


def _send_at_once(params: dict[str, Any], **_: Any) -> None:
    """Send a small body with its headers: to ask before whether it is welcome takes another way to the server and back."""
    body = params.get("body")
    if isinstance(body, io.BytesIO) and body.getbuffer().nbytes <= _SMALL:
        params["headers"].pop("Expect", None)


def _add_md5(request: Any, **_: Any) -> None:
    """Add the digest that servers other than Amazon's demand of a deletion of several objects."""
    import base64
    import hashlib

    body = request.body if isinstance(request.body, bytes) else b""
    if body and "Content-MD5" not in request.headers:
        request.headers["Content-MD5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
