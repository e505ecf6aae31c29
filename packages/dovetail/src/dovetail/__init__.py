"""Dovetail: pipelines of typed functions on stacks of components that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail_core._facade import lazy

if TYPE_CHECKING:
    from dovetail.alerting import alert as alert
    from dovetail.approval import NotApproved as NotApproved
    from dovetail.execution.context import StepContext as StepContext
    from dovetail.execution.context import step_context as step_context
    from dovetail.execution.run_lifecycle import RunFailed as RunFailed
    from dovetail.history import RunHistory as RunHistory
    from dovetail.history import RunView as RunView
    from dovetail.history import get_run as get_run
    from dovetail.pipelines import Pipeline as Pipeline
    from dovetail.pipelines import pipeline as pipeline
    from dovetail.project import Project as Project
    from dovetail.steps import Step as Step
    from dovetail.steps import step as step
    from dovetail_core import Resources as Resources
    from dovetail_core import RetryPolicy as RetryPolicy

__all__ = [
    "NotApproved",
    "Pipeline",
    "Project",
    "Resources",
    "RetryPolicy",
    "RunFailed",
    "RunHistory",
    "RunView",
    "Step",
    "StepContext",
    "alert",
    "get_run",
    "pipeline",
    "step",
    "step_context",
]

_EXPORTS = {
    "NotApproved": "approval",
    "Pipeline": "pipelines",
    "Project": "project",
    "Resources": "resources",
    "RetryPolicy": "resources",
    "RunFailed": "execution.run_lifecycle",
    "RunHistory": "history",
    "RunView": "history",
    "Step": "steps",
    "StepContext": "execution.context",
    "alert": "alerting",
    "get_run": "history",
    "pipeline": "pipelines",
    "step": "steps",
    "step_context": "execution.context",
}
if not TYPE_CHECKING:  # a checker is to find the names above, and no others
    __getattr__, __dir__ = lazy(__name__, _EXPORTS)
