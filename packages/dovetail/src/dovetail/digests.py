"""Digests of plain data."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def digest(data: Any) -> str:
    """Return the SHA-256 of JSON data in hexadecimal. The order of a dict's keys does not matter; 1, 1.0, true and "1" all differ."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
