"""Keys: relative POSIX paths, kept byte for byte. What could lead out of a store is refused here, before any backend sees it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import NoReturn
from urllib.parse import unquote

from dovetail_core import InvalidArgument

RESERVED = ".dovetail-tmp"
"""First segment of names that flavors may use for unfinished work; no key begins with it."""
LONGEST_KEY = 1024
"""Bytes of UTF-8, the limit of Amazon S3 (user guide, "Naming Amazon S3 objects")."""
LONGEST_SEGMENT = 255
"""Bytes of UTF-8, the limit of common file systems (NAME_MAX)."""

_PLAIN = re.compile(r"(?!\.dovetail-tmp)[A-Za-z0-9_\-\[\]][A-Za-z0-9_.\-\[\] ]*(?:/[A-Za-z0-9_\-\[\]][A-Za-z0-9_.\-\[\] ]*)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:(/|$)")


def checked_key(key: str | PurePath) -> str:
    """Return a key as text. Raises `InvalidArgument` if it is not one, saying why."""
    if type(key) is str and len(key) < LONGEST_SEGMENT and _PLAIN.fullmatch(key):
        return key
    text = key.as_posix() if isinstance(key, PurePath) else key
    if not isinstance(text, str):
        raise InvalidArgument(f"a key is text or a path, not {type(key).__name__}", remedy="give a relative path such as 'models/a.bin'")
    if reason := _wrong(text):
        _refuse(text, reason)
    return text


def checked_prefix(prefix: str | PurePath) -> str:
    """Return a prefix as text without a slash at its end; nothing, `.` and `/` alone stand for the whole store."""
    text = prefix.as_posix() if isinstance(prefix, PurePath) else prefix
    if text in ("", ".", "/"):
        return ""
    return checked_key(text[:-1] if isinstance(text, str) and text.endswith("/") else text)


def several(keys: Iterable[str | PurePath]) -> Iterable[str | PurePath]:
    """Return keys. Raises `InvalidArgument` for a single one, whose letters would be taken for keys."""
    if isinstance(keys, str | PurePath):
        raise InvalidArgument(f"'{keys}' is one key, where several are due", remedy="give a list of keys")
    return keys


def is_key(text: str) -> bool:
    """Tell whether a text is a key."""
    return not _wrong(text)


def _wrong(key: str) -> str:
    """Return why a text is no key, or nothing."""
    try:
        encoded = key.encode()
    except UnicodeEncodeError:
        return "it holds a lone surrogate, which has no UTF-8 form"
    if not key:
        return "it is empty"
    if "\\" in key or _CONTROL.search(key):
        return "it holds a backslash or a control character"
    if key.startswith("/") or _DRIVE.match(key):
        return "it is absolute"
    if len(encoded) > LONGEST_KEY:
        return f"it has {len(encoded)} bytes, and at most {LONGEST_KEY} are possible"
    return next(filter(None, map(_wrong_segment, key.split("/"))), "it is reserved" if key.split("/")[0] == RESERVED else "")


def _wrong_segment(segment: str) -> str:
    if not segment:
        return "it has an empty segment"
    if unquote(segment) in (".", ".."):
        return f"it has the segment '{segment}'"
    if len(segment.encode()) > LONGEST_SEGMENT:
        return f"a segment has {len(segment.encode())} bytes, and at most {LONGEST_SEGMENT} are possible"
    return ""


def _refuse(key: str, reason: str) -> NoReturn:
    shown = key if len(key) < 200 else f"{key[:200]}..."
    raise InvalidArgument(f"{shown!r} is no key: {reason}", remedy="give a relative path such as 'models/a.bin'", key=key)


def below(prefix: str, key: str) -> bool:
    """Tell whether a key is a prefix itself or below it, segment by segment; everything is below the empty one."""
    return not prefix or key == prefix or key.startswith(f"{prefix}/")
