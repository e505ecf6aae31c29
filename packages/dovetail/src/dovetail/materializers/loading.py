"""Reads a value back from the artifact store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dovetail.materializers.registry import Registry
from dovetail.materializers.source import Source
from dovetail.materializers.stored_files import Stored, StoredFiles
from dovetail_core.errors import ConfigError

if TYPE_CHECKING:
    from dovetail_artifact_store import ArtifactStore


def load(artifact: Stored, store: ArtifactStore, *, annotation: Any = None, registry: Registry, verify: bool = True) -> Any:
    """Return the value of an artifact, by the materializer that stored it.

    Raises `NotFound` if its bytes are gone, `IntegrityError` if they are not the recorded ones, and `ConfigError` if what stored it is not
    installed here, or not allowed. `verify=False` leaves out the comparison of digests, save for bytes that run as code.
    """
    try:
        registry.named(artifact.materializer)
        source = Source(StoredFiles.of(artifact, store, verify), registry, annotation)
        return registry.read(artifact.materializer, artifact.format, artifact.type, source)
    except ConfigError as error:
        raise type(error)(f"{artifact.uri} cannot be loaded: {error.message}", remedy=error.remedy, **error.details) from error
