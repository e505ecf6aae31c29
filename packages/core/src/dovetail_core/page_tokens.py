"""Opaque tokens by which a listing goes on: each belongs to one query, and what was damaged or made up is refused."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from dovetail_core.errors import InvalidArgument


def token_of(query: Any, position: Any) -> str:
    """Return the token by which a query goes on after a position; both are JSON-able."""
    text = json.dumps([_fingerprint(query), position])
    return base64.urlsafe_b64encode(f"{_checksum(text)}{text}".encode()).decode().rstrip("=")


def position_of(query: Any, token: str) -> Any:
    """Return where a token goes on. Raises `InvalidArgument` if it is damaged or belongs to another query."""
    fingerprint, position = _parts(token)
    if fingerprint != _fingerprint(query):
        raise InvalidArgument("the page token belongs to another query", remedy="use it with the filters that it came from", field="token")
    return position


def _parts(token: str) -> tuple[str, Any]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (TypeError, ValueError, binascii.Error, UnicodeDecodeError) as error:
        raise _damaged() from error
    checksum, text = text[:16], text[16:]
    if checksum != _checksum(text):
        raise _damaged()
    fingerprint, position = json.loads(text)
    return fingerprint, position


def _damaged() -> InvalidArgument:
    return InvalidArgument("the page token is damaged", remedy="use a token as a page gave it, or begin again without one", field="token")


def _fingerprint(query: Any) -> str:
    return _checksum(json.dumps(query))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
