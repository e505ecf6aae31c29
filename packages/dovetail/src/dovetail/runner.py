"""Runs a pipeline on a stack of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dovetail.execution.resumption import reconciled
from dovetail.execution.run_lifecycle import describe_stack, execute
from dovetail.history import RunHistory, RunView
from dovetail.importing import refuse_while_importing
from dovetail.options import RunOptions, resumed
from dovetail.plan import RunPlan
from dovetail.project import Project
from dovetail_core import Conflict, validated
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Run

if TYPE_CHECKING:
    from dovetail.execution.events import Watcher
    from dovetail.pipelines import Pipeline


def run_pipeline(pipeline: Pipeline, stack: Stack | None, resume: str, watcher: Watcher | None) -> RunView:
    """Run a pipeline on `stack`, else on the one that its options name, else on the project's active one."""
    refuse_while_importing(pipeline.name)
    project = Project.find()
    chosen = stack or project.stack(pipeline.options.stack)
    earlier = _resumable(resume, pipeline, chosen) if resume else None
    compiled = (_continuing(pipeline, earlier, chosen) if earlier else pipeline).compile()
    if project.allow_pickle:
        compiled.plan = compiled.plan.model_copy(update={"allow_pickle": True})
    flavors: Mapping[str, Mapping[str, str]] = project.local_flavors()
    run = execute(
        compiled,
        chosen,
        run_name=pipeline.options.run_name or "",
        stack_description=describe_stack(chosen.spec, flavors),
        watcher=watcher,
        resume=earlier,
        on_success=pipeline.on_success,
        on_failure=pipeline.on_failure,
    )
    return RunHistory(chosen).view(run)


def _resumable(name: str, pipeline: Pipeline, stack: Stack) -> Run:
    run = reconciled(stack.metadata_store.find_run(name), stack.metadata_store)
    if not run.state.terminal:
        raise Conflict(f"run '{run.name}' is still {run.state.value}", remedy=f"wait for it, or dovetail runs cancel {run.name}")
    if run.pipeline != pipeline.name:
        raise Conflict(
            f"run '{run.name}' is of pipeline '{run.pipeline}', not of '{pipeline.name}'", remedy="resume a run of this pipeline"
        )
    return run


def _continuing(pipeline: Pipeline, earlier: Run, stack: Stack) -> Pipeline:
    """Return a pipeline with the options of an earlier run, over which its own win."""
    recorded = RunPlan.model_validate(stack.metadata_store.get_plan(earlier.id)).options
    options = resumed(validated(RunOptions, recorded, what=f"run '{earlier.name}'"), pipeline.options)
    return pipeline.with_options(**{name: getattr(options, name) for name in options.model_fields_set})
