"""What a plan may ask of an orchestrator; refused before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dovetail_core import Capability, InvalidArgument, Unsupported, validated
from dovetail_orchestrator.capabilities import OrchestratorCapability
from dovetail_orchestrator.plan import Launcher, PipelinePlan, StepPlan

if TYPE_CHECKING:
    from dovetail_orchestrator.interface import Orchestrator

_LAUNCHER = ("__call__", "command", "result", "ended")


def admit(orchestrator: Orchestrator, plan: Any, launcher: Any) -> None:
    """Raise unless the orchestrator supports all that the plan asks for.

    `InvalidArgument` for what is no plan or no launcher, `Unsupported` for capabilities, `ConfigError` for a step's settings.
    """
    if not isinstance(plan, PipelinePlan):
        remedy = "PipelinePlan.model_validate makes one of plain data"
        raise InvalidArgument(f"a plan is a PipelinePlan, not {type(plan).__name__}", remedy=remedy)
    if missing := [name for name in _LAUNCHER if not callable(getattr(launcher, name, None))]:
        what = f"{type(launcher).__name__} is no launcher: it has no {', '.join(missing)}"
        raise InvalidArgument(what, remedy="see dovetail_orchestrator.Launcher")
    _require(orchestrator, plan)
    for step in plan.steps:
        if step.settings:
            validated(orchestrator.Settings, step.settings, what=f"step '{step.name}': settings for {orchestrator.label}")


def unexecutable(plan: PipelinePlan, launcher: Launcher) -> Iterator[str]:
    """Yield why a flavor that executes steps on this machine cannot execute some."""
    for step in plan.steps:
        if (step.isolated or step.timeout is not None) and launcher.command(step.name, 0) is None:
            yield f"step '{step.name}' needs a process of its own, and can only execute in this one"
        if step.operator is not None:
            yield f"step '{step.name}' names the step operator '{step.operator}', and this flavor uses none"


def _require(orchestrator: Orchestrator, plan: PipelinePlan) -> None:
    asked: dict[Capability, list[str]] = {}
    for step in plan.steps:
        for capability in _asked(step):
            asked.setdefault(capability, []).append(f"'{step.name}'")
    lacking = {capability: names for capability, names in asked.items() if capability not in orchestrator.capabilities}
    if lacking:
        what = "; ".join(f"{capability.value}, which is asked for by {_some(names)}" for capability, names in lacking.items())
        raise Unsupported(
            f"{orchestrator.label} does not support {what}",
            remedy="leave it out, or use an orchestrator that declares it",
            capability=next(iter(lacking)).value,
        )


def _asked(step: StepPlan) -> Iterator[Capability]:
    if step.retry.retries:
        yield OrchestratorCapability.RETRY
    if step.resources.requested():  # a request for none is one as well: gpu=0 is not gpu=None
        yield OrchestratorCapability.RESOURCES


def _some(names: list[str], limit: int = 5) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
