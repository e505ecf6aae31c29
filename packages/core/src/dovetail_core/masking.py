"""Keeps secret values out of messages and logs.

A value becomes known here when a config that holds it is validated or a reference to it is resolved. `mask` then replaces it,
also where it stands base64-encoded, percent-encoded or JSON-escaped.
"""

from __future__ import annotations

import base64
import json
import threading
from urllib.parse import quote, quote_plus

MASK = "**********"
_SHORTEST = 4  # replacing every "1" or "no" would garble messages and protect nothing

_known: set[str] = set()
_lock = threading.Lock()


def remember_secret(value: str) -> None:
    """Mask `value` from now on in this process; values under 4 characters cannot be told from ordinary text and are not."""
    if len(value) < _SHORTEST:
        return
    forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    encoded = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()
    forms |= {encoded, encoded.rstrip("=")}
    with _lock:
        global _known
        _known = _known | forms


def mask(text: str) -> str:
    """Return `text` with every known secret replaced."""
    known = _known
    if not known:
        return text
    for secret in sorted(known, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def unfinished(text: str) -> int:
    """Return how many characters at the end of `text` may be the beginning of a secret, for output that comes in pieces."""
    longest = 0
    for secret in _known:
        for count in range(min(len(secret) - 1, len(text)), longest, -1):
            if text.endswith(secret[:count]):
                longest = count
                break
    return longest


def has_secrets() -> bool:
    """Tell whether any secret is known, so that a hot path can leave out the masking."""
    return bool(_known)
