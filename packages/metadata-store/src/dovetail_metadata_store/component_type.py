"""The component type, as it is offered to discovery."""

from dovetail_core.component_types import ComponentType

TYPE = ComponentType(
    name="metadata_store",
    title="metadata store",
    summary="The record of runs, steps, artifacts and their lineage.",
    base="dovetail_metadata_store.interface:MetadataStore",
    required=True,
    shared=True,
)
