"""Artifact stores: where the artifacts of pipelines are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_artifact_store.capabilities import ArtifactStoreCapability as ArtifactStoreCapability
    from dovetail_artifact_store.interface import ArtifactStore as ArtifactStore
    from dovetail_artifact_store.local import LocalArtifactStore as LocalArtifactStore
    from dovetail_artifact_store.memory import InMemoryArtifactStore as InMemoryArtifactStore
    from dovetail_artifact_store.objects import Condition as Condition
    from dovetail_artifact_store.objects import ObjectInfo as ObjectInfo
    from dovetail_artifact_store.objects import Progress as Progress
    from dovetail_artifact_store.writing import ObjectWriter as ObjectWriter
    from dovetail_artifact_store.writing import Upload as Upload

__all__ = [
    "ArtifactStore",
    "ArtifactStoreCapability",
    "Condition",
    "InMemoryArtifactStore",
    "LocalArtifactStore",
    "ObjectInfo",
    "ObjectWriter",
    "Progress",
    "Upload",
]

_EXPORTS = {
    "ArtifactStore": "interface",
    "ArtifactStoreCapability": "capabilities",
    "Condition": "objects",
    "InMemoryArtifactStore": "memory",
    "LocalArtifactStore": "local",
    "ObjectInfo": "objects",
    "ObjectWriter": "writing",
    "Progress": "objects",
    "Upload": "writing",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
