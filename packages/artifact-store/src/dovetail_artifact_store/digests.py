"""Digests of content: BLAKE3, written as `blake3:` and 64 hexadecimal digits."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from blake3 import blake3

LARGE = 1 << 20
"""Bytes from which it pays to hash with several threads."""
_threads = blake3.AUTO


def _alone() -> None:
    """Use one thread: those of the hash are not there in a process that is forked, which would wait for them for ever."""
    global _threads
    _threads = 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)


def hasher(alone: bool = False) -> Any:
    """Return a hasher that uses several threads where the data is large; `alone`: one only, where others have work of their own."""
    return blake3(max_threads=1 if alone else _threads)


def digest_of_bytes(data: Any) -> str:
    """Return the digest of a bytes-like object."""
    threads = _threads if len(data) >= LARGE else 1
    return f"blake3:{blake3(data, max_threads=threads).hexdigest()}"


def digest_of_chunks(chunks: Iterable[bytes]) -> str:
    """Return the digest of bytes that come in parts."""
    running = hasher()
    for chunk in chunks:
        running.update(chunk)
    return text_of(running)


def text_of(running: Any) -> str:
    """Return the digest of what a hasher was given."""
    return f"blake3:{running.hexdigest()}"
