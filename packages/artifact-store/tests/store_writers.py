"""What other processes do to a store in the tests; a spawned process must be able to import it."""

from __future__ import annotations

import time
from pathlib import Path

from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import AlreadyExists


def create(path: Path, key: str, body: bytes) -> bool:
    try:
        LocalArtifactStore(path=path).write_bytes(key, body, if_absent=True)
    except AlreadyExists:
        return False
    return True


def alternate(path: Path, until: float) -> None:
    store = LocalArtifactStore(path=path)
    while time.time() < until:
        for letter in (b"a", b"b"):
            store.write_bytes("x", letter * 2**21)
