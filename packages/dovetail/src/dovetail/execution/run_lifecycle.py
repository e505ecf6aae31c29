"""A run from its first record to its last."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dovetail.code_archive import ship
from dovetail.compilation import Compiled
from dovetail.execution.cached_steps import commit_hits, planned_hits
from dovetail.execution.capture import capturing
from dovetail.execution.context import hook_stack
from dovetail.execution.events import Events, Watcher
from dovetail.execution.failures import failure_of
from dovetail.execution.heartbeat import beating, this_process
from dovetail.execution.launcher import RunLauncher, call_hook
from dovetail.execution.resumption import adopted, end_open_steps
from dovetail.execution.session import RunSession
from dovetail.execution.tracking import ensure_trackers
from dovetail.plan import RunPlan
from dovetail.state_directory import kept_out_of_git
from dovetail_core import DovetailError, Failure, StackSpec, new_id, utcnow
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store import MetadataStore
from dovetail_metadata_store.records import Run, State, StepRun
from dovetail_orchestrator import Orchestrator
from dovetail_orchestrator.plan import StepInterrupted, StepState

log: logging.Logger = logging.getLogger("dovetail")
Hook = Callable[..., Any]


class RunFailed(DovetailError):
    """A run did not succeed; `run_id` and `state` say which and how. The `__cause__` is the step's own exception, if it ran in this process."""


def execute(
    compiled: Compiled,
    stack: Stack,
    *,
    run_name: str = "",
    stack_description: Mapping[str, Any],
    watcher: Watcher | None = None,
    resume: Run | None = None,
    on_success: Hook | None = None,
    on_failure: Hook | None = None,
) -> Run:
    """Execute a plan on a stack and return the record of the succeeded run. Raises `RunFailed`, or an interruption as it came."""
    ensure_trackers(compiled.plan, stack.spec)
    with kept_out_of_git(Path(stack.spec.root)):
        plan = _with_code(compiled.plan, stack)
        run = _created(plan, stack, run_name, resume)
    session = RunSession(run, plan, stack, lambda name: (compiled.steps[name].function, compiled.steps[name].signature))
    events = Events(run, stack, watcher)
    launcher = RunLauncher(session, compiled.steps, events, stack_description)
    run = session.metadata.transition_run(run.id, State.RUNNING)
    events.run("running")
    try:
        state, failure = _finished(session, launcher, events, resume)
    except BaseException as error:
        failure = failure_of(error)
        ended = State.CANCELLED if isinstance(error, KeyboardInterrupt | StepInterrupted) else State.FAILED
        end_open_steps(run.id, session.metadata, ended, failure)
        run = _end(session, events, ended, failure)
        if isinstance(error, Exception):
            _call_hook(on_failure, session, run, failure)
        raise
    run = _end(session, events, state, failure)
    if state is State.SUCCEEDED:
        _call_hook(on_success, session, run)
    else:
        _call_hook(on_failure, session, run, failure)
        raise _run_failed(run, launcher)
    return run


def _with_code(plan: RunPlan, stack: Stack) -> RunPlan:
    if plan.source_root is None:
        return plan
    modules = {plan.code.module, *(step.code.module for step in plan.steps)}
    return plan.model_copy(update={"archive": ship(Path(plan.source_root), modules, stack.artifact_store)})


def _created(plan: RunPlan, stack: Stack, name: str, resume: Run | None) -> Run:
    identifier = new_id()
    run = Run(
        id=identifier,
        name=_run_name(name, plan.pipeline, identifier),
        pipeline=plan.pipeline,
        stack=stack.name,
        owner=this_process(),
        parameters=plan.parameters,
        resumed_from=resume.id if resume else None,
    )
    metadata: MetadataStore = stack.metadata_store
    return metadata.create_run(run, [step.name for step in plan.steps], plan.model_dump(mode="json", exclude_defaults=True))


def _run_name(template: str, pipeline: str, identifier: str) -> str:
    now = utcnow()
    if not template:
        template = "{pipeline}-{date}-{time}-" + identifier[-6:]
    for placeholder, value in (("pipeline", pipeline), ("date", f"{now:%Y-%m-%d}"), ("time", f"{now:%H-%M-%S}")):
        template = template.replace("{" + placeholder + "}", value)
    return template


def _finished(session: RunSession, launcher: RunLauncher, events: Events, resume: Run | None) -> tuple[State, Failure | None]:
    """Execute what is not known yet, and return how the run ended."""
    done = _taken(session, resume)
    for name in done:
        events.step(name, 0, "cached")
    plan = session.plan.for_orchestrator(session.run.id, frozenset(done))
    if not plan.steps:
        return State.SUCCEEDED, None
    orchestrator: Orchestrator = session.stack.orchestrator
    with capturing(), beating(session.run, session.metadata, lambda: orchestrator.cancel(session.run.id)):
        status = orchestrator.run(plan, launcher)
    return State(status.state.value), _first_failure(status.steps)


def _taken(session: RunSession, resume: Run | None) -> dict[str, StepRun]:
    """Commit what the run that is continued gave, then what the cache gives for what stands on it; return both."""
    taken = adopted(session, resume) if resume is not None else {}
    if taken:
        commit_hits(session, taken)  # before the look-up, which asks by what these came of
    hits = planned_hits(session, taken)
    commit_hits(session, hits)
    return taken | hits


def _first_failure(steps: Mapping[str, Any]) -> Failure | None:
    failures = [status.failure for status in steps.values() if status.state is StepState.FAILED and status.failure]
    return failures[0] if failures else None


def _end(session: RunSession, events: Events, state: State, failure: Failure | None) -> Run:
    run = session.metadata.transition_run(session.run.id, state, failure=failure)
    events.run(state.value, failure)
    return run


def _call_hook(hook: Hook | None, session: RunSession, run: Run, *more: Any) -> None:
    if hook is None:
        return
    token = hook_stack.set(session.stack)
    try:
        call_hook(hook, run, *more, of=f"pipeline '{run.pipeline}'")
    finally:
        hook_stack.reset(token)


def _run_failed(run: Run, launcher: RunLauncher) -> RunFailed:
    records = launcher.execution.session.metadata.get_steps(run.id)
    failed = [step for step in records if step.state is State.FAILED]
    what = "; ".join(
        f"step '{s.name}' failed: {s.failure.kind}: {s.failure.message}" if s.failure else f"step '{s.name}' failed" for s in failed
    )
    logs = f"; dovetail runs logs {run.name} {failed[0].name}" if failed else ""
    error = RunFailed(
        f"run '{run.name}' {'was ' * (run.state is State.CANCELLED)}{run.state.value}" + (f": {what}" if what else ""),
        remedy=f"dovetail runs describe {run.name}{logs}",
        run_id=run.id,
        state=run.state.value,
    )
    error.__cause__ = next((launcher.execution.errors[s.name] for s in failed if s.name in launcher.execution.errors), None)
    return error


def describe_stack(spec: StackSpec, flavors: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return what another process needs to build a stack, as JSON data; references to secrets stay references."""
    return {"stack": spec.to_dict(), "flavors": {kind: dict(names) for kind, names in flavors.items()}}
