"""The component type, as it is offered to discovery."""

from dovetail_core.component_types import ComponentType

TYPE = ComponentType(
    name="orchestrator",
    title="orchestrator",
    summary="Where and when the steps of a run execute.",
    base="dovetail_orchestrator.interface:Orchestrator",
    required=True,
)
