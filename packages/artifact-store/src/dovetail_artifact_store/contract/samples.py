"""Bytes and keys that rules use."""

from __future__ import annotations

import random
from collections.abc import Iterable

from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance.effort import Effort

AWKWARD = b"\r\n\x00\xef\xbb\xbf\x1a\xff\r"
"""Bytes that a store in text mode changes."""
FAITHFUL = (
    "a%2Fb", "a%2fb", "a%252Fb", "a+b", "a b", "a#b", "a?b", "a&b", "a=b", "a;b", "a,b", "a@b", "a*b", "[x]", "a~b", "a'b", 'a"b', "a!b", "a$b",
    "a(b)", "{a}", "a^b", "a`b", "a|b", "<a>", "a:b", "\u00fc", "u\u0308", "\u65e5\u672c", "\U0001f600", "\u0627\u0628", "a.b", "-a", "_a", "a..b", "%", "%zz",
)  # fmt: skip
"""Segments that are distinct keys, and stay so."""
HOSTILE = (
    "", "..", "../x", "a/..", "a/../b", "a/../../x", ".", "./a", "a/./b", "/a", "//a", "a//b", "a\\b", "..\\x", "C:/x", "c:", "a\x00b", "\x00",
    "a\nb", "a\x7fb", "%2e%2e/x", "%2E%2E", "a/%2e%2e/b", "%2e/a", ".%2e/x", "\ud800", "a/\udfff", "a" * 256, "b/" * 600 + "b", "\u00e9" * 128,
    "/etc/passwd", "\\\\host\\share", "a/../../../../../../tmp/x", ".dovetail-tmp/x", ".dovetail-tmp",
)  # fmt: skip
"""Texts that no store takes as a key."""


def pattern(size: int, seed: int = 0) -> bytes:
    """Return bytes in which every piece tells where it is from."""
    return random.Random(seed).randbytes(size)


def sizes(store: ArtifactStore, effort: Effort) -> list[int]:
    """Return sizes around the parts of a large object."""
    part = store.part_size
    small = [0, 1, 2, len(AWKWARD)]
    return small + effort.pick([part + 1], [part - 1, part, part + 1], [part - 1, part, part + 1, 2 * part, 2 * part + 1, 3 * part + 7])


def large(store: ArtifactStore, seed: int = 0) -> bytes:
    """Return bytes that take more than two parts."""
    return pattern(2 * store.part_size + 3, seed)


def fill(store: ArtifactStore, keys: Iterable[str]) -> list[str]:
    """Write an object at each key, several at once, and return the keys."""
    from concurrent.futures import ThreadPoolExecutor

    wanted = list(keys)
    with ThreadPoolExecutor(store.parallel) as pool:
        list(pool.map(lambda key: store.write_bytes(key, key.encode()), wanted))
    return wanted


def keys_of(store: ArtifactStore, prefix: str = "") -> list[str]:
    """Return the keys that a store lists."""
    return [info.key for info in store.list(prefix)]
