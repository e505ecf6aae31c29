"""The component type, as it is offered to discovery."""

from dovetail_core.component_types import ComponentType

TYPE = ComponentType(
    name="experiment_tracker",
    title="experiment tracker",
    summary="Parameters, metrics and files of experiments.",
    base="dovetail_experiment_tracker.interface:ExperimentTracker",
    shared=True,
)
