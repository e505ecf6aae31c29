"""Patterns of keys, as globbing knows them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote


def decoded(pattern: str) -> str:
    """Return a pattern that is the end of a URI as one of keys: what is encoded stands for itself, wildcards included."""
    return unquote(re.sub(r"%(3F|2A|5B)", lambda found: f"[{unquote(found[0])}]", pattern, flags=re.IGNORECASE))


def fixed_part(pattern: str) -> str:
    """Return the segments of a pattern before the first with a wildcard."""
    segments = pattern.split("/")
    fixed = next((index for index, segment in enumerate(segments) if re.search(r"[*?\[]", segment)), len(segments) - 1)
    return "/".join(segments[:fixed])


def matching(pattern: str, keys: Iterable[str]) -> list[str]:
    """Return the keys that match a pattern."""
    from fsspec.utils import glob_translate

    expression = re.compile(glob_translate(pattern))
    return sorted(key for key in keys if expression.match(key))
