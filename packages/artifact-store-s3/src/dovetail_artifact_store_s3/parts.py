"""Parts of uploads on their way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from dovetail_artifact_store_s3._address import Address
from dovetail_artifact_store_s3._client import Client
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.errors import Unfit

Part = bytearray | memoryview
"""Bytes of a part; those that the SDK sends are no view of others."""


class Parts:
    """Sends parts. Without TLS, to servers other than Amazon's, of the SDK only what signs and what sends is used.

    For a part as a request like any other it works out a second time what it knows, which takes as long as hashing 2 MiB of it. With TLS it adds
    a checksum of its own, and Amazon's servers may send it elsewhere.
    """

    def __init__(self, client: Client, config: S3Config) -> None:
        self._client = client
        self._config = config
        self._chosen: Callable[..., str] | None = None

    @property
    def may_be_views(self) -> bool:
        """Whether a part may be a view of memory."""
        return isinstance(self._way(), _Direct)

    def send(self, what: str, upload: Mapping[str, str], number: int, data: Part) -> str:
        """Return the etag of a part, which is sent again while what goes wrong may pass. `upload` is the SDK's name of it."""
        attempts = count()
        return self._client.again(lambda: self._client.signed(lambda: self._way()(upload, number, data, next(attempts) > 0), what), what)

    def _way(self) -> Callable[..., str]:
        if self._chosen is None:
            self._chosen = self._choose()  # by several threads at once, perhaps: they all choose the same
        return self._chosen

    def _choose(self) -> Callable[..., str]:
        try:
            address = self._client.address
        except Unfit:
            return self._by_sdk
        return _Direct(self._client, address) if address.scheme == "http" and not address.is_amazons else self._by_sdk

    def _by_sdk(self, upload: Mapping[str, str], number: int, data: Part, _asks: bool) -> str:
        etag: str = self._client.sdk.upload_part(Bucket=self._config.bucket, **upload, PartNumber=number, Body=data)["ETag"]
        return etag


class _Direct:
    """A part as a request that is signed, sent, and its answer read, by the SDK's own parts for these.

    `asks`: whether the server is asked first if it wants the part. It takes another way to it and back; but a refusal of what is on its way
    already may be lost with the connection.
    """

    def __init__(self, client: Client, address: Address) -> None:
        from botocore.parsers import create_parser

        self._client = client
        self._region = address.region
        self._start = f"{address.endpoint}/{address.bucket}/" if address.bucket else f"{address.endpoint}/"
        self._parser = create_parser("rest-xml")

    def __call__(self, upload: Mapping[str, str], number: int, data: Part, asks: bool) -> str:
        headers = {"Expect": "100-continue"} if asks else {}
        answer = self._client.connections.send(self._signed(upload, number, data, headers).prepare())
        if answer.status_code != 200:
            raise self._error(answer)
        etag: str = answer.headers["ETag"]
        return etag

    def _signed(self, upload: Mapping[str, str], number: int, data: Part, headers: Mapping[str, str]) -> Any:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.utils import percent_encode

        url = self._start + percent_encode(upload["Key"], safe="/-._~")
        params = {"partNumber": str(number), "uploadId": upload["UploadId"]}
        agent = {"User-Agent": self._client.sdk.meta.config.user_agent}
        request = AWSRequest("PUT", url, {**headers, **agent}, data, params)
        S3SigV4Auth(self._client.keys.get_frozen_credentials(), "s3", self._region).add_auth(request)
        return request

    def _error(self, answer: Any) -> Any:
        """Return what the SDK raises for an answer."""
        from botocore.exceptions import ClientError

        shape = self._client.sdk.meta.service_model.operation_model("UploadPart").output_shape
        parsed = self._parser.parse({"status_code": answer.status_code, "headers": answer.headers, "body": answer.content}, shape)
        return ClientError(parsed, "UploadPart")
