"""The launcher that an orchestrator is given: executes attempts, here or by a command, and keeps the record."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from dovetail.execution.context import StepContext
from dovetail.execution.events import Events
from dovetail.execution.session import RunSession
from dovetail.execution.step_execution import StepExecution
from dovetail.execution.tracking import end_lost_run
from dovetail.steps import Step
from dovetail_core import Conflict
from dovetail_metadata_store.records import Attempt, State
from dovetail_orchestrator.plan import Command, LogSink, StepResult, StepState

log: logging.Logger = logging.getLogger("dovetail")
STACK_VARIABLE = "DOVETAIL_STACK"


class RunLauncher:
    """Executes the steps of one run; see `dovetail_orchestrator.plan.Launcher` for the contract."""

    def __init__(self, session: RunSession, steps: Mapping[str, Step[..., Any]], events: Events, stack: Mapping[str, Any]) -> None:
        self.execution: StepExecution = StepExecution(session)
        self._session = session
        self._steps = steps
        self._events = events
        self._stack = stack
        """Description of the stack, for commands."""

    def __call__(self, step: str, attempt: int, log: LogSink) -> StepResult:
        """Execute an attempt in this process."""
        self._events.step(step, attempt, "running")
        result = self.execution(step, attempt, log)
        self._succeeded(step, attempt, result)
        return result

    def command(self, step: str, attempt: int) -> Command | None:
        """Return the command that executes an attempt, or None if another process cannot import the step."""
        if not self._session.step(step).code.importable:
            return None
        if attempt > 0:
            self._events.step(step, attempt, "running")
        environment = {**self._session.step(step).environment, STACK_VARIABLE: json.dumps(self._stack)}
        arguments = (sys.executable, "-m", "dovetail.entrypoint", self._session.run.id, step, "--attempt", str(attempt))
        return Command(arguments, environment)

    def result(self, step: str, attempt: int) -> StepResult | None:
        """Return what a command committed, or the failure that it recorded, or None."""
        record = self._session.metadata.get_step(self._session.run.id, step)
        if record.state.good and record.attempt == attempt:
            self._session.know_record(record)
            result = StepResult(StepState(record.state.value))
            self._succeeded(step, attempt, result)
            return result
        return next(map(_failed, filter(lambda tried: tried.number == attempt, self._attempts(step))), None)

    def _attempts(self, step: str) -> list[Attempt]:
        attempts = self._session.metadata.get_attempts(self._session.run.id, step)
        return [attempt for attempt in attempts if attempt.state is State.FAILED]

    def ended(self, step: str, attempt: int, result: StepResult, final: bool) -> None:
        """Record an attempt that did not succeed, or a step that never began."""
        state = State(result.state.value)
        try:
            self._session.metadata.end_step(self._session.run.id, step, attempt, state, failure=result.failure, final=final)
        except Conflict as error:  # it committed, and its process failed only then: what is committed stays
            log.warning("step %s of run %s: %s", step, self._session.run.name, error)
        if attempt and state in (State.FAILED, State.CANCELLED):
            end_lost_run(self._session.stack, self._session.run.id, step, attempt, state is State.CANCELLED)
        self._events.step(step, attempt, state.value if final else "retrying", result.failure)
        if final and state is State.FAILED:
            self._call(self._steps[step].on_failure, step, attempt, result.failure)

    def _succeeded(self, step: str, attempt: int, result: StepResult) -> None:
        if result.state.good:
            self._events.step(step, attempt, result.state.value)
            if result.state is StepState.SUCCEEDED:
                self._call(self._steps[step].on_success, step, attempt)

    def _call(self, hook: Callable[..., Any] | None, step: str, attempt: int, *more: Any) -> None:
        if hook is None:
            return
        session = self._session
        context = StepContext(session.run, step, attempt, session.stack, session.step(step).parameters)
        call_hook(hook, context, *more, of=f"step '{step}'")


def call_hook(hook: Callable[..., Any], *arguments: Any, of: str) -> None:
    """Call a user's hook; what it raises is logged, and hides or fails nothing."""
    try:
        hook(*arguments)
    except Exception:
        log.exception("the hook %s of %s failed", getattr(hook, "__name__", hook), of)


def _failed(attempt: Attempt) -> StepResult:
    return StepResult(StepState.FAILED, attempt.failure, retry=attempt.failure is None or attempt.failure.retryable)
