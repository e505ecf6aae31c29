"""Continues a run that failed, was cancelled, or lost its process; and tells the last from one that is still running."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dovetail.execution.cached_steps import usable
from dovetail.execution.heartbeat import SILENCE, alive
from dovetail.execution.session import RunSession
from dovetail.parameters import same_value
from dovetail.plan import RunPlan, RunStep
from dovetail_core import Conflict, Failure, utcnow
from dovetail_metadata_store import MetadataStore
from dovetail_metadata_store.records import Run, State, StepRun

log: logging.Logger = logging.getLogger("dovetail")
LOST = Failure("Lost", "the process that executed the run ended without a word")


def adopted(session: RunSession, earlier: Run) -> dict[str, StepRun]:
    """Return the steps that `earlier` committed and this run takes over: those with the same parameters, inputs and environment,
    whose artifacts exist, and that stand only on such steps. Their code may be another by now."""
    committed = {step.name: step for step in session.metadata.get_steps(earlier.id) if step.state.good}
    same = _unchanged(RunPlan.model_validate(session.metadata.get_plan(earlier.id)), session.plan)
    known = {name: step for name, step in committed.items() if name in same}
    whole = usable(known, session.store)
    taken: dict[str, StepRun] = {}
    for step in session.plan.steps:
        outputs = {link.name for link in known[step.name].outputs} if step.name in whole else set()
        if step.name in whole and set(step.plan.upstream) <= taken.keys() and outputs == set(step.outputs):
            taken[step.name] = known[step.name]
    return taken


def _unchanged(earlier: RunPlan, plan: RunPlan) -> set[str]:
    """Return the names of the steps that are given the same in both plans."""
    before = {step.name: _given(step) for step in earlier.steps}
    return {step.name for step in plan.steps if step.name in before and same_value(_given(step), before[step.name])}


def _given(step: RunStep) -> dict[str, Any]:
    return step.model_dump(mode="json", include={"parameters", "inputs", "environment"})


def lost(run: Run) -> bool:
    """Tell whether the process of a run that has not ended is dead: by its process id on its own machine, by its heartbeat elsewhere."""
    if run.state.terminal:
        return False
    living = alive(run.owner) if run.owner else None
    if living is not None:
        return not living
    last = run.heartbeat or run.updated
    return last is not None and utcnow() - last > timedelta(seconds=SILENCE)


def reconciled(run: Run, metadata: MetadataStore) -> Run:
    """Return a run, after recording it and its steps as failed (cancelled, if that was asked for) if its process is dead."""
    if not lost(run):
        return run
    ended, failure = (State.CANCELLED, None) if run.cancel_requested else (State.FAILED, LOST)
    end_open_steps(run.id, metadata, ended, failure)
    if run.state is State.PENDING:
        _unless_recorded(metadata.transition_run, run.id, State.RUNNING)
    _unless_recorded(metadata.transition_run, run.id, ended, failure=failure)
    return metadata.get_run(run.id)


def end_open_steps(run_id: str, metadata: MetadataStore, ended: State, failure: Failure | None) -> None:
    """Record the steps of a run that ends: as `ended` those that are running, as skipped those that have not begun."""
    for step in metadata.get_steps(run_id):
        if step.state is State.RUNNING:
            _unless_recorded(metadata.end_step, run_id, step.name, step.attempt, ended, failure=failure)
        elif step.state is State.PENDING:
            _unless_recorded(metadata.end_step, run_id, step.name, 0, State.SKIPPED)


def _unless_recorded(change: Callable[..., object], *arguments: Any, **more: Any) -> None:
    try:
        change(*arguments, **more)
    except Conflict as error:  # somebody else recorded the end first
        log.debug("not recorded: %s", error)
