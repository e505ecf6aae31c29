"""Metadata stores: the contract, its records, and the embedded flavor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_metadata_store.capabilities import MetadataStoreCapability as MetadataStoreCapability
    from dovetail_metadata_store.interface import MetadataStore as MetadataStore
    from dovetail_metadata_store.lineage import Direction as Direction
    from dovetail_metadata_store.lineage import RecordedEdge as RecordedEdge
    from dovetail_metadata_store.listings import ArtifactFilters as ArtifactFilters
    from dovetail_metadata_store.listings import RunFilters as RunFilters
    from dovetail_metadata_store.primitives import Found as Found
    from dovetail_metadata_store.queries import ArtifactQuery as ArtifactQuery
    from dovetail_metadata_store.queries import Position as Position
    from dovetail_metadata_store.queries import RunQuery as RunQuery
    from dovetail_metadata_store.records import Artifact as Artifact
    from dovetail_metadata_store.records import Attempt as Attempt
    from dovetail_metadata_store.records import Edge as Edge
    from dovetail_metadata_store.records import Lineage as Lineage
    from dovetail_metadata_store.records import Link as Link
    from dovetail_metadata_store.records import Owner as Owner
    from dovetail_metadata_store.records import Page as Page
    from dovetail_metadata_store.records import Run as Run
    from dovetail_metadata_store.records import State as State
    from dovetail_metadata_store.records import StepCommit as StepCommit
    from dovetail_metadata_store.records import StepRun as StepRun
    from dovetail_metadata_store.sql.store import SqlMetadataStore as SqlMetadataStore
    from dovetail_metadata_store.sqlite import SqliteConfig as SqliteConfig
    from dovetail_metadata_store.sqlite import SqliteMetadataStore as SqliteMetadataStore

__all__ = [
    "Artifact",
    "ArtifactFilters",
    "ArtifactQuery",
    "Attempt",
    "Direction",
    "Edge",
    "Found",
    "Lineage",
    "Link",
    "MetadataStore",
    "MetadataStoreCapability",
    "Owner",
    "Page",
    "Position",
    "RecordedEdge",
    "Run",
    "RunFilters",
    "RunQuery",
    "SqlMetadataStore",
    "SqliteConfig",
    "SqliteMetadataStore",
    "State",
    "StepCommit",
    "StepRun",
]

_EXPORTS = {
    "Artifact": "records",
    "ArtifactFilters": "listings",
    "ArtifactQuery": "queries",
    "Attempt": "records",
    "Direction": "lineage",
    "Edge": "records",
    "Found": "primitives",
    "Lineage": "records",
    "Link": "records",
    "MetadataStore": "interface",
    "MetadataStoreCapability": "capabilities",
    "Owner": "records",
    "Page": "records",
    "Position": "queries",
    "RecordedEdge": "lineage",
    "Run": "records",
    "RunFilters": "listings",
    "RunQuery": "queries",
    "SqlMetadataStore": "sql.store",
    "SqliteConfig": "sqlite",
    "SqliteMetadataStore": "sqlite",
    "State": "records",
    "StepCommit": "records",
    "StepRun": "records",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
