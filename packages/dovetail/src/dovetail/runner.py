"""Runs a pipeline on a stack of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dovetail.execution.resumption import reconciled
from dovetail.execution.run_lifecycle import describe_stack, execute
from dovetail.history import RunHistory, RunView
from dovetail.project import Project
from dovetail_core import Conflict
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Run

if TYPE_CHECKING:
    from dovetail.execution.events import Watcher
    from dovetail.pipelines import Pipeline


def run_pipeline(pipeline: Pipeline, stack: Stack | None, resume: str, watcher: Watcher | None) -> RunView:
    """Run a pipeline on `stack`, else on the one that its options name, else on the project's active one."""
    project = Project.find()
    chosen = stack or project.stack(pipeline.options.stack)
    compiled = pipeline.compile()
    if project.allow_pickle:
        compiled.plan = compiled.plan.model_copy(update={"allow_pickle": True})
    flavors: Mapping[str, Mapping[str, str]] = project.local_flavors()
    run = execute(
        compiled,
        chosen,
        run_name=pipeline.options.run_name or "",
        stack_description=describe_stack(chosen.spec, flavors),
        watcher=watcher,
        resume=_resumable(resume, chosen) if resume else None,
        on_success=pipeline.on_success,
        on_failure=pipeline.on_failure,
    )
    return RunHistory(chosen).view(run)


def _resumable(name: str, stack: Stack) -> Run:
    run = reconciled(stack.metadata_store.find_run(name), stack.metadata_store)
    if not run.state.terminal:
        raise Conflict(f"run '{run.name}' is still {run.state.value}", remedy=f"wait for it, or dovetail runs cancel {run.name}")
    return run
