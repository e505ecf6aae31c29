"""Digests of stored bytes, and what is said when they are not the recorded ones."""

from __future__ import annotations

from dovetail_artifact_store.digests import digest_of_bytes
from dovetail_core.errors import ConfigError, IntegrityError, NotFound

FILE = "blake3:"
"""Prefix of a digest of bytes."""
TREE = "blake3-tree:"
"""Prefix of the digest of a tree: that of its manifest, which holds the digest of each file."""
_REMEDY = "run the pipeline again with caching off, and delete the run that made it"


def tree_digest(manifest: bytes) -> str:
    """Return the digest of the tree that a manifest lists."""
    return TREE + digest_of_bytes(manifest).removeprefix(FILE)


def ensure_known(digest: str) -> None:
    """Raise `ConfigError` for a digest of an algorithm that this version does not know."""
    if not digest.startswith((FILE, TREE)):
        raise ConfigError(f"its digest is of an unknown kind, {digest.partition(':')[0]!r}", remedy="install a newer version of dovetail")


def altered(uri: str, expected: str, found: str) -> IntegrityError:
    """Return the error for bytes that are not the recorded ones."""
    what = f"their digest is {found}, and {expected} is recorded"
    return IntegrityError(f"the bytes at {uri} are not those that were stored: {what}", remedy=_REMEDY)


def gone(uri: str, recorded: str = "") -> NotFound:
    """Return the error for bytes that are no longer there; `recorded` is the artifact's URI where that is of another store."""
    if recorded:
        remedy = "choose the stack of the run that made it; if the store was moved, restore what is missing"
        return NotFound(f"there is nothing at {uri}: the artifact was stored elsewhere, as {recorded}", remedy=remedy)
    return NotFound(f"the bytes at {uri} are gone: the artifact was deleted or moved", remedy=_REMEDY)
