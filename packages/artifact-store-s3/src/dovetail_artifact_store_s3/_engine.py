"""The seam between the store and what carries its bytes; one of two engines is behind it.

The SDK's engine always works. The engine of obstore (extra `[fast]`) carries what is said in full by its interface: reads, plain writes of
objects that go in one request, and deletions. All else is the SDK's in both, on purpose:

- conditional writes and parts of large objects: what became of a request whose answer was lost is found out by an id that the object carries,
  and an upload is aborted by its own id, which obstore does not tell;
- writes with metadata of the user, and looks at an object: obstore takes some names of entries for headers of HTTP;
- listings: obstore drops the slash at the end of a key, and fails for a key with an empty segment, which other tools write;
- copies, URLs that are signed, and whatever is repeated: only the SDK shows the code and the headers of a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

from dovetail_artifact_store_s3._client import Client
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.errors import Unfit
from dovetail_artifact_store_s3.objects import Names
from dovetail_core import ConfigError


class Written(NamedTuple):
    """What is known of an object that was written."""

    etag: str
    modified: datetime


class Engine(Protocol):
    """Carries bytes; keys are the store's. Requests are tried again, and errors are those of the taxonomy."""

    def get(self, key: str, start: int, end: int | None, etag: str = "", size: int | None = None) -> Any:
        """Return the bytes of a range as a bytes-like object, short or empty beyond the end. Raises `Conflict` if the etag is another.

        `size` is what the object was seen to have, if it was looked at; it may have changed.
        """

    def put(self, key: str, data: bytes | bytearray) -> Written:
        """Write an object in one request."""

    def delete(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Delete objects in one request, and return what went wrong, by key."""

    def close(self) -> None:
        """Close connections; the next request opens them again."""


def chosen(client: Client, config: S3Config, names: Names) -> Engine:
    """Return the engine that the config names. Raises `ConfigError` if it cannot be had."""
    from dovetail_artifact_store_s3._sdk_engine import SdkEngine

    if config.engine == "obstore" or (config.engine == "auto" and find_spec("obstore") is not None):
        try:
            return _fast(client, config, names)
        except Unfit as reason:
            if config.engine == "obstore":
                raise ConfigError(f"`engine: obstore` cannot be used: {reason}", remedy=reason.remedy) from reason
    return SdkEngine(client, config, names)


def _fast(client: Client, config: S3Config, names: Names) -> Engine:
    if find_spec("obstore") is None:
        raise Unfit("it is not installed", remedy="pip install 'dovetail-artifact-store-s3[fast]', or set `engine: auto`")
    if config.attempts == 1:
        raise Unfit("what it cannot do is a second attempt of the SDK's", remedy="set `attempts` to 2 or more, or `engine: auto`")
    from dovetail_artifact_store_s3._obstore import ObstoreEngine
    from dovetail_artifact_store_s3._sdk_engine import SdkEngine

    return ObstoreEngine(SdkEngine(client, config, names, attempts=config.attempts - 1), client, config, names)
