"""The component type, as it is offered to discovery."""

from dovetail_core.component_types import ComponentType

TYPE = ComponentType(
    name="artifact_store",
    title="artifact store",
    summary="Where the artifacts of pipelines are kept.",
    base="dovetail_artifact_store.interface:ArtifactStore",
    required=True,
    shared=True,
)
