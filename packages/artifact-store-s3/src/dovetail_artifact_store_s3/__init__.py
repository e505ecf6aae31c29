"""An artifact store in Amazon S3, or in any server that speaks its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_artifact_store_s3.config import S3Config as S3Config
    from dovetail_artifact_store_s3.store import S3ArtifactStore as S3ArtifactStore

__all__ = ["S3ArtifactStore", "S3Config"]

_EXPORTS = {"S3ArtifactStore": "store", "S3Config": "config"}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
