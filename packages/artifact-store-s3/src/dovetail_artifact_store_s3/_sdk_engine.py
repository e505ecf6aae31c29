"""The engine that always works: requests of the SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_artifact_store_s3._client import Client, attempted
from dovetail_artifact_store_s3._engine import Written
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.errors import code_of, from_code
from dovetail_artifact_store_s3.objects import Names, answered_at, bare, writing
from dovetail_core import DovetailError


class SdkEngine:
    """Carries bytes by requests of the SDK."""

    def __init__(self, client: Client, config: S3Config, names: Names, attempts: int | None = None) -> None:
        self._client = client
        self._attempts = attempts or config.attempts
        self._names = names
        self._settings = writing(config, {})

    def get(self, key: str, start: int, end: int | None, etag: str = "", size: int | None = None) -> bytes:
        """Return the bytes of a range, short or empty beyond the end. Raises `Conflict` if the etag is another."""
        return self._client.again(lambda: self._get_once(key, start, end, etag), f"'{key}'", self._attempts)

    def _get_once(self, key: str, start: int, end: int | None, etag: str) -> bytes:
        bounds = {} if start == 0 and end is None else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        same = {"IfMatch": f'"{etag}"'} if etag else {}
        try:
            answer = self._client.once("get_object", f"'{key}'", Key=self._names.full(key), **bounds, **same)
        except DovetailError as error:
            if _beyond_the_end(error):
                return b""
            raise
        with answer["Body"] as body:
            data: bytes = attempted(body.read, f"'{key}'")
        return data

    def put(self, key: str, data: bytes | bytearray) -> Written:
        """Write an object in one request."""
        answer = self._asked("put_object", f"'{key}'", Key=self._names.full(key), Body=data, **self._settings)
        return Written(bare(answer["ETag"]), answered_at(answer))

    def delete(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Delete objects in one request, and return what went wrong, by key."""
        if len(keys) == 1:
            self._asked("delete_object", f"'{keys[0]}'", Key=self._names.full(keys[0]))
            return {}
        objects = [{"Key": self._names.full(key)} for key in keys]
        answer = self._asked("delete_objects", f"{len(keys)} objects", Delete={"Objects": objects, "Quiet": True})
        return {key: error for problem in answer.get("Errors", ()) for key, error in [self._failure(problem)]}

    def _failure(self, problem: dict[str, Any]) -> tuple[str, Exception]:
        key = self._names.own(problem["Key"])
        return key, from_code(problem.get("Code", ""), {}, f"'{key}'")

    def _asked(self, operation: str, what: str, **parameters: Any) -> dict[str, Any]:
        return self._client.again(lambda: self._client.once(operation, what, **parameters), what, self._attempts)

    def close(self) -> None:
        """Do nothing: the connections are the client's."""


def _beyond_the_end(error: DovetailError) -> bool:
    return code_of(error) in ("InvalidRange", "416")
