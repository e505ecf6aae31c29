"""What a harness of an artifact store supplies beyond what every harness does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Harness, Untested


class RawArtifacts(Protocol):
    """The side door of an artifact store: its namespace, without the flavor. Keys are as the flavor's callers know them."""

    def put(self, key: str, data: bytes) -> None:
        """Store bytes at a key, which need not be one that the flavor accepts. Raises `Untested` where the backend cannot hold it."""

    def get(self, key: str) -> bytes | None:
        """Return what is stored at a key."""

    def list(self) -> list[str]:
        """Return every key, sorted."""

    def delete(self, key: str) -> None:
        """Delete what is stored at a key."""


class ArtifactStoreHarness(Harness):
    """Base of the harnesses of artifact stores."""

    def spellings(self, component: ArtifactStore) -> Iterable[ArtifactStore]:
        """Return components whose configs spell the root of another one differently, such as with a slash at the end."""
        raise Untested("the harness spells the root in one way only (`spellings`)")

    def neighbour(self, component: ArtifactStore) -> ArtifactStore:
        """Return a component whose root has the same beginning as another one's, as text: `data/a` and `data/ab`."""
        raise Untested("the harness makes no `neighbour`")

    def limits_of_memory(self, component: ArtifactStore) -> int:
        """Return how many bytes a component may hold at once, beyond what it always does."""
        return 8 * component.part_size + (16 << 20)
