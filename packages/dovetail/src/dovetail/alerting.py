"""Alerts about runs and steps: what `alert`, given as a hook, tells the alerters of the stack."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator

from dovetail.execution.context import StepContext, hook_stack
from dovetail.execution.tracking import ENTRY
from dovetail_alerter import Alerter, Link, RunReport
from dovetail_core import DovetailError, Failure, NotReady, mask
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Attempt, Run, State, StepRun

log: logging.Logger = logging.getLogger("dovetail")
LINES = 20
"""Lines of the log that an alert carries."""


def alert(subject: Run | StepContext, failure: Failure | None = None) -> None:
    """Tell every alerter of the stack what became of a run or a step: a hook, to be given as `on_failure` or `on_success`.

    The message names pipeline, run and step, and carries the exception, the last lines of the log, the duration, and the command that
    shows more. An alerter that fails is logged as an error, and changes nothing. Raises `NotReady` where no hook is being called.
    """
    if isinstance(subject, StepContext):
        stack, report = subject.stack, _of_step(subject, failure)
    else:
        stack = _stack()
        report = _of_run(subject, failure, stack)
    for alerter in alerters(stack):
        alerter.notify(report)


def alerters(stack: Stack) -> Iterator[Alerter]:
    """Yield the alerters of a stack; one that cannot be built is logged as an error."""
    for spec in stack.spec.of("alerter"):
        try:
            yield stack.component(spec)  # type: ignore[misc]  # the flavor's type is verified when it is loaded
        except Exception as error:
            log.error("%s cannot be used: %s: %s", spec.label, type(error).__name__, mask(str(error)))


def _stack() -> Stack:
    stack = hook_stack.get()
    if stack is None:
        raise NotReady(
            "there is no run to alert about", remedy="give `alert` as on_failure or on_success of a pipeline or step", retryable=False
        )
    return stack


def _of_step(context: StepContext, failure: Failure | None) -> RunReport:
    run, step, stack = context.run, context.step, context.stack
    return RunReport(
        run.pipeline,
        run.id,
        (State.FAILED if failure else State.SUCCEEDED).value,
        run.name,
        step,
        context.attempt,
        failure,
        _last_lines(stack, run, step, context.attempt),
        _duration(_attempt(stack, run, step, context.attempt)),
        _links(stack, run, [step]),
        f"dovetail runs logs {run.name} {step}",
    )


def _of_run(run: Run, failure: Failure | None, stack: Stack) -> RunReport:
    failed = _failed(stack, run)
    first = failed[0] if failed else None
    return RunReport(
        run.pipeline,
        run.id,
        run.state.value,
        run.name,
        failure=failure,
        log_lines=_last_lines(stack, run, first.name, first.attempt) if first else (),
        duration=_duration(run),
        links=_links(stack, run, [step.name for step in failed]),
        failed_steps=tuple(step.name for step in failed),
        command=f"dovetail runs describe {run.name}",
    )


def _failed(stack: Stack, run: Run) -> list[StepRun]:
    return [step for step in stack.metadata_store.get_steps(run.id) if step.state is State.FAILED]


def _attempt(stack: Stack, run: Run, step: str, number: int) -> Attempt | None:
    return next((attempt for attempt in stack.metadata_store.get_attempts(run.id, step) if attempt.number == number), None)


def _links(stack: Stack, run: Run, steps: Iterable[str]) -> tuple[Link, ...]:
    """Return where the experiment tracker shows steps, as far as it says."""
    if not stack.spec.of("experiment_tracker"):
        return ()
    entries = {step: stack.metadata_store.get_metadata(run.id, step=step).get(ENTRY) or {} for step in steps}
    return tuple(Link(entry["url"], f"Experiment run of step {step}") for step, entry in entries.items() if entry.get("url"))


def _duration(record: Run | Attempt | None) -> float | None:
    """Return the seconds that something took, if its record says both ends."""
    if record is None or record.started is None or record.ended is None:
        return None
    return (record.ended - record.started).total_seconds()


def _last_lines(stack: Stack, run: Run, step: str, attempt: int) -> tuple[str, ...]:
    try:
        return tuple(deque(stack.orchestrator.logs(run.id, step, attempt), LINES))
    except DovetailError as error:  # an alert without its log is better than none
        log.warning("the log of step %s of run %s cannot be read: %s", step, run.name, error)
        return ()
