"""Orchestrators: where and when the steps of a run execute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail_orchestrator.capabilities import OrchestratorCapability as OrchestratorCapability
    from dovetail_orchestrator.interface import Orchestrator as Orchestrator
    from dovetail_orchestrator.interface import RunHandle as RunHandle
    from dovetail_orchestrator.interface import StepSettings as StepSettings
    from dovetail_orchestrator.local import LocalOrchestrator as LocalOrchestrator
    from dovetail_orchestrator.memory import InMemoryOrchestrator as InMemoryOrchestrator
    from dovetail_orchestrator.plan import Command as Command
    from dovetail_orchestrator.plan import Launcher as Launcher
    from dovetail_orchestrator.plan import LogSink as LogSink
    from dovetail_orchestrator.plan import PipelinePlan as PipelinePlan
    from dovetail_orchestrator.plan import StepInterrupted as StepInterrupted
    from dovetail_orchestrator.plan import StepPlan as StepPlan
    from dovetail_orchestrator.plan import StepResult as StepResult
    from dovetail_orchestrator.plan import StepState as StepState
    from dovetail_orchestrator.status import RunStatus as RunStatus
    from dovetail_orchestrator.status import StepStatus as StepStatus

__all__ = [
    "Command",
    "InMemoryOrchestrator",
    "Launcher",
    "LocalOrchestrator",
    "LogSink",
    "Orchestrator",
    "OrchestratorCapability",
    "PipelinePlan",
    "RunHandle",
    "RunStatus",
    "StepInterrupted",
    "StepPlan",
    "StepResult",
    "StepSettings",
    "StepState",
    "StepStatus",
]

_EXPORTS = {
    "Command": "plan",
    "InMemoryOrchestrator": "memory",
    "Launcher": "plan",
    "LocalOrchestrator": "local",
    "LogSink": "plan",
    "Orchestrator": "interface",
    "OrchestratorCapability": "capabilities",
    "PipelinePlan": "plan",
    "RunHandle": "interface",
    "RunStatus": "status",
    "StepInterrupted": "plan",
    "StepPlan": "plan",
    "StepResult": "plan",
    "StepSettings": "interface",
    "StepState": "plan",
    "StepStatus": "status",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
