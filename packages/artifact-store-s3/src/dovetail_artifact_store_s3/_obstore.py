"""The fast engine: obstore, fed with the keys of the SDK's session. What it cannot say, or what fails, is the SDK's."""

from __future__ import annotations

import io
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from dovetail_artifact_store_s3._client import Client
from dovetail_artifact_store_s3._engine import Engine, Written
from dovetail_artifact_store_s3._obstore_settings import settings
from dovetail_artifact_store_s3.config import S3Config
from dovetail_artifact_store_s3.errors import Unfit
from dovetail_artifact_store_s3.interruptible import Interruptible
from dovetail_artifact_store_s3.objects import Names, bare
from dovetail_artifact_store_s3.obstore_errors import clear_meaning, is_beyond_the_end
from dovetail_core import DovetailError
from dovetail_core.retry import delays

P = ParamSpec("P")
R = TypeVar("R")
_UNSAYABLE = re.compile(r"[\x00-\x1f\x7f]|(?:^|/)\.{0,2}(?:/|$)")
"""What obstore refuses in a key, or drops."""
_LARGE = 64 << 20
"""Bytes beyond which a copy is dear; parts of a download are smaller as a rule."""
_BEGINNING = 1 << 20
"""Bytes that are asked for first where the size is not known: most objects end before."""
_home = os.getpid()
"""The process in which obstore's threads run; they are not there in one that is forked from it."""


class ObstoreEngine:
    """Carries bytes by obstore. A request that fails is repeated by the SDK, unless the answer says clearly what is wrong.

    Raises `Unfit` if obstore cannot do what the settings say.
    """

    def __init__(self, sdk: Engine, client: Client, config: S3Config, names: Names) -> None:
        import obstore

        if _is_unsayable(names.full("key")):
            raise Unfit("obstore would refuse the prefix, or drop something of it")
        self._fast: Any = obstore
        self._sdk = sdk
        self._names = names
        self._calls = Interruptible()
        self._attributes = {"Storage-Class": config.storage_class} if config.storage_class else None
        try:
            self._stores = _Stores(client, config)
        except DovetailError:
            raise
        except (obstore.exceptions.BaseError, ValueError) as error:  # an older obstore knows fewer settings
            raise Unfit(f"obstore {obstore.__version__} refuses the settings ({type(error).__name__})") from error

    def get(self, key: str, start: int, end: int | None, etag: str = "", size: int | None = None) -> Any:
        """Return the bytes of a range, short or empty beyond the end. Raises `Conflict` if the etag is another."""
        return self._tried([key], self._fetch, self._sdk.get, key, start, end, etag, size)

    def _fetch(self, key: str, start: int, end: int | None, etag: str, size: int | None) -> Any:
        full = self._names.full(key)
        likely = start + _BEGINNING if size is None else size + 1  # a byte more, by which it shows that there are more
        wanted = likely if end is None else end
        try:
            if not etag and wanted - start <= _LARGE:
                found = self._fast.get_range(self._stores.current, full, start=start, end=wanted)  # waits for the interpreter's lock once
                if end is not None or len(found) < wanted - start:
                    return found
            return _body(self._fast.get(self._stores.current, full, options=_options(start, end, etag)))
        except self._fast.exceptions.GenericError as error:
            if is_beyond_the_end(error):
                return b""
            raise

    def put(self, key: str, data: bytes | bytearray) -> Written:
        """Write an object in one request. The time is this machine's: obstore does not tell the server's."""
        return self._tried([key], self._send, self._sdk.put, key, data)

    def _send(self, key: str, data: bytes | bytearray) -> Written:
        full = self._names.full(key)
        answer = self._fast.put(self._stores.current, full, data, attributes=self._attributes, use_multipart=False)
        return Written(bare(answer["e_tag"]), datetime.now(UTC))

    def delete(self, keys: Sequence[str]) -> dict[str, Exception]:
        """Delete objects in one request, and return what went wrong, by key: if something did, the SDK says what."""
        return self._tried(keys, self._discard, self._sdk.delete, keys)

    def _discard(self, keys: Sequence[str]) -> dict[str, Exception]:
        full = [self._names.full(key) for key in keys]
        self._fast.delete(self._stores.current, full if len(full) > 1 else full[0])
        return {}

    def close(self) -> None:
        """Close connections; the next request opens them again."""
        self._stores.close()
        self._calls.close()

    def _tried(self, keys: Sequence[str], quick: Callable[P, R], sure: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
        """Return what `quick` returns, or `sure` where that cannot be asked about some keys, or fails for what is not clear."""
        if os.getpid() != _home or any(map(_is_unsayable, keys)):
            return sure(*given, **named)
        try:
            return self._calls.do(quick, *given, **named)
        except DovetailError:
            raise
        except (self._fast.exceptions.BaseError, OSError, ValueError, Unfit) as error:
            meaning = clear_meaning(error, f"'{keys[0]}'" if len(keys) == 1 else f"{len(keys)} objects")
            if meaning is not None:
                raise meaning from error
        time.sleep(next(delays(first=0.05)))
        return sure(*given, **named)


def _is_unsayable(key: str) -> bool:
    """Tell whether obstore refuses a key, or drops something of it; what most keys have not is looked for first."""
    suspect = "/." in key or "//" in key or not key.isprintable() or key[0] in "./" or key[-1] == "/"
    return suspect and _UNSAYABLE.search(key) is not None


def _options(start: int, end: int | None, etag: str) -> dict[str, Any] | None:
    options: dict[str, Any] = {"if_match": f'"{etag}"'} if etag else {}
    if start or end is not None:
        options["range"] = {"offset": start} if end is None else (start, end)
    return options or None


def _body(answer: Any) -> Any:
    """Return the body of an answer as a bytes-like object; a large one as bytes, of which there is one copy only."""
    first, end = answer.range
    if end - first <= _LARGE:
        return answer.bytes()
    joined = io.BytesIO()
    for chunk in answer.stream(min_chunk_size=_LARGE // 8):
        joined.write(chunk)
    return joined.getvalue()  # the very memory that was written to


class _Stores:
    """obstore's view of the bucket: made at first use, and again once the SDK's session found other keys than it was given."""

    def __init__(self, client: Client, config: S3Config) -> None:
        self._client = client
        self._config = config
        self._lock = threading.Lock()
        self._made: Any = None
        self._make()

    @property
    def current(self) -> Any:
        """The view, with keys that are not known to be refused."""
        made = self._made
        return made if made is not None and self._generation == self._keys.generation else self._make()

    def _make(self) -> Any:
        from obstore.store import S3Store

        with self._lock:
            self._keys = self._client.keys
            self._generation = self._keys.generation
            made = self._made = S3Store(**settings(self._client, self._config))
        return made

    def close(self) -> None:
        """Give the connections up."""
        with self._lock:
            self._made = None
