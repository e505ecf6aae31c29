"""The component type, as it is offered to discovery."""

from dovetail_core.component_types import ComponentType

TYPE = ComponentType(
    name="alerter",
    title="alerter",
    summary="Messages to people, and their answers.",
    base="dovetail_alerter.interface:Alerter",
    multiple=True,
)
