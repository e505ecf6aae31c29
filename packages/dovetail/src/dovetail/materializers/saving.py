"""Writes a step's output to the artifact store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dovetail.materializers.qualified_names import qualified_name
from dovetail.materializers.registry import Registry
from dovetail.materializers.target import Target

if TYPE_CHECKING:
    from dovetail_artifact_store import ArtifactStore


@dataclass(frozen=True, slots=True)
class Saved:
    """What is recorded of a stored value; the fields are those of `dovetail_metadata_store.records.Artifact`."""

    key: str
    """Of the one object that was written, or the prefix of a tree."""
    uri: str
    type: str
    materializer: str
    format: str
    size: int
    """Bytes."""
    digest: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def save(value: Any, store: ArtifactStore, key: str, *, annotation: Any = None, registry: Registry) -> Saved:
    """Write a value under the key prefix `key`, and return what to record of it. Equal values have equal digests.

    How it is stored depends on its class alone, so that it comes back as it was whatever `annotation` says of it. Raises `ConfigError`
    if nothing stores it; what was written is deleted then.
    """
    target = Target(store, key, registry)
    try:
        materializer, metadata = registry.write(value, target)
        written, size, digest = target.finish()
    except BaseException:
        target.discard()
        raise
    return Saved(
        key=written,
        uri=store.uri(written),
        type=qualified_name(type(value)),
        materializer=materializer.name,
        format=f"{materializer.format}/{materializer.version}",
        size=size,
        digest=digest,
        metadata=metadata,
    )
