"""Answers to listings, of which the entries are read by a pattern: the SDK's parser takes ten times as long, in Python, for each of them.

The pattern takes entries as servers write them, one after the other, each with plain elements only. What is not so is left to the SDK.
"""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from typing import Any

_ENTRY = re.compile(
    r"<Contents>(?:\s*(?:<Key>([^<]*)</Key>|<LastModified>([^<]*)</LastModified>|<ETag>([^<]*)</ETag>|<Size>(\d+)</Size>|<(\w+)>[^<]*</\5>))*"
    r"\s*</Contents>\s*"
)
"""API reference, "Object" of ListObjectsV2."""


def install(client: Any) -> None:
    """Let a client of the SDK read listings so."""
    client.meta.events.register("before-parse.*.ListObjectsV2", _read)  # with a star it comes before the SDK's own look at the whole text


def _read(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **others: Any) -> None:
    """Take the entries out of an answer, and put them where the SDK has them; what is left is for the SDK to read."""
    try:
        text = response_dict["body"].decode()
    except UnicodeDecodeError:
        return
    start = text.find("<Contents>")
    entries, end = _entries(text, start)
    if entries and "<Contents>" not in text[end:]:
        customized_response_dict["Contents"] = entries
        response_dict["body"] = (text[:start] + text[end:]).encode()


def _entries(text: str, start: int) -> tuple[list[dict[str, Any]], int]:
    """Return the entries that follow one another from a place on, and where they end."""
    found: list[dict[str, Any]] = []
    end = start
    for entry in _ENTRY.finditer(text, start) if start >= 0 else ():
        key, modified, etag, size, _ = entry.groups()
        if entry.start() != end or not (key and modified and size):
            return [], start
        end = entry.end()
        named = unescape(key) if "&" in key else key
        found.append({"Key": named, "LastModified": datetime.fromisoformat(modified), "ETag": unescape(etag or ""), "Size": int(size)})
    return found, end
