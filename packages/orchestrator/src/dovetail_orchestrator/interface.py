"""The contract of orchestrators."""

from __future__ import annotations

import builtins
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Any, ClassVar, overload

from dovetail_core import (
    Component,
    ComponentConfig,
    Conflict,
    InvalidArgument,
    NotFound,
    Status,
    Timeout,
    Unavailable,
    closest,
    needs,
    require,
    threads,
)
from dovetail_orchestrator.admission import admit
from dovetail_orchestrator.capabilities import OrchestratorCapability
from dovetail_orchestrator.plan import Launcher, PipelinePlan, StepInterrupted
from dovetail_orchestrator.status import RunStatus

Progress = Callable[[RunStatus], object]
"""Called with a run's status when it changes; what it raises is logged, and changes nothing."""

POLL = 0.2
"""Seconds between two looks at a run that is waited for."""

log: logging.Logger = logging.getLogger("dovetail")


class RunHandle:
    """A submitted run."""

    def __init__(self, run_id: str, orchestrator: Orchestrator) -> None:
        self.run_id = run_id
        """Id of the run."""
        self._orchestrator = orchestrator

    def status(self) -> RunStatus:
        """Return how far the run is."""
        return self._orchestrator.status(self.run_id)

    def wait(self, timeout: float | None = None, on_progress: Progress | None = None) -> RunStatus:
        """Return the status once the run has ended; `on_progress` is called when it changes. Raises `Timeout` after that many seconds."""
        return self._orchestrator.wait(self.run_id, timeout, on_progress)

    def cancel(self) -> None:
        """Stop the run."""
        self._orchestrator.cancel(self.run_id)

    def logs(self, step: str, attempt: int | None = None) -> Iterator[str]:
        """Return the lines of an attempt's log, by default the latest one's."""
        return self._orchestrator.logs(self.run_id, step, attempt)


class StepSettings(ComponentConfig):
    """Base of a flavor's `Settings`: what one step may set for that flavor. Unknown keys are refused."""


class Orchestrator(Component, ABC):
    """Decides where and when the steps of a run execute. It sees the plan and the launcher, never artifacts or user objects.

    A step starts only after all steps before it succeeded. One that fails for good makes everything below it `skipped`; in the failure
    mode `fail_fast` also everything else that has not succeeded is stopped and `cancelled`, in `continue` it goes on. Every attempt that
    does not succeed, and every step that is skipped or cancelled, is told to `launcher.ended`. States only ever advance.

    An author implements the methods that begin with an underscore, and declares in `Settings` what a step may set for the flavor.
    """

    type = "orchestrator"
    Settings: ClassVar[builtins.type[StepSettings]] = StepSettings
    """What a step may set for the flavor: a subclass of `StepSettings`."""

    @abstractmethod
    def _submit(self, plan: PipelinePlan, launcher: Launcher) -> None:
        """Begin a run, wholly or not at all; one that was submitted before is not begun again, and `Conflict` if it has another plan.

        A flavor without ASYNC_SUBMIT returns when the run has ended.
        """

    @abstractmethod
    def _status(self, run_id: str) -> RunStatus:
        """Return how far a run is. Raises `NotFound`."""

    @abstractmethod
    def _cancel(self, run_id: str) -> None:
        """Stop a run that has not ended, and whatever it started; return when it has ended, or raise `Timeout`."""

    @abstractmethod
    def _logs(self, run_id: str, step: str, attempt: int) -> Iterator[str]:
        """Return the lines of the log of an attempt that has begun."""

    def _forget(self, run_id: str) -> None:
        """Remove what is kept of a run that has ended: its status, its logs, and whatever else was made for it."""
        require(self, OrchestratorCapability.FORGET)

    def _refusals(self, plan: PipelinePlan, launcher: Launcher) -> Iterator[str]:
        """Yield why this flavor cannot execute a plan."""
        return iter(())

    def _run(self, plan: PipelinePlan, launcher: Launcher, on_progress: Progress | None) -> RunStatus:
        """Execute a run; to be overridden where the flavor can do it in the calling thread."""
        try:
            self._submit(plan, launcher)
            return self.wait(plan.run_id, None, on_progress)
        except (KeyboardInterrupt, StepInterrupted):  # the latter where a step of another run calls this
            try:
                with suppress(NotFound):  # it has not begun
                    self.cancel(plan.run_id)
            except Exception:
                log.exception("run %s was interrupted, and could not be stopped", plan.run_id)
            raise

    def submit(self, plan: PipelinePlan, launcher: Launcher) -> RunHandle:
        """Begin a run and return while it goes on; a plan that was submitted before is not begun again.

        Before anything starts: `Unsupported` for what needs a capability that is not declared, `ConfigError` for a step's settings,
        `InvalidArgument` with all else that cannot be executed; `Conflict` if another plan was submitted under this run id.
        """
        require(self, OrchestratorCapability.ASYNC_SUBMIT)
        self.ensure_possible(plan, launcher)
        self._submit(plan, launcher)
        return RunHandle(plan.run_id, self)

    def run(self, plan: PipelinePlan, launcher: Launcher, *, on_progress: Progress | None = None) -> RunStatus:
        """Execute a run and return its status once it has ended; raises what `submit` raises, and nothing for a step that failed.

        KeyboardInterrupt stops the run and passes through.
        """
        self.ensure_possible(plan, launcher)
        return self._run(plan, launcher, on_progress)

    def attach(self, run_id: str) -> RunHandle:
        """Return a run that was submitted before, by any process. Raises `NotFound`."""
        self._status(_identifier(run_id))
        return RunHandle(run_id, self)

    @overload
    def status(self) -> Status: ...

    @overload
    def status(self, run_id: str) -> RunStatus: ...

    def status(self, run_id: str | None = None) -> Status | RunStatus:
        """Return how far a run is; without a run id, the state of the component. Raises `NotFound`."""
        return super().status() if run_id is None else self._status(_identifier(run_id))

    def wait(self, run_id: str, timeout: float | None = None, on_progress: Progress | None = None) -> RunStatus:
        """Return the status once a run has ended; None waits as long as it takes, and a run that lost its process has ended.

        Raises `Timeout`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        seen = None
        while True:
            status = self._status(_identifier(run_id))
            if status != seen:
                tell(on_progress, status)
            if status.state.terminal:
                return status
            left = POLL if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise Timeout(f"run {run_id} has not ended after {timeout} s", remedy="wait longer, or cancel it")
            seen = status
            self._pause(run_id, min(left, POLL))

    def _pause(self, run_id: str, seconds: float) -> None:
        """Wait until a run may have changed, at most some seconds."""
        time.sleep(seconds)

    def cancel(self, run_id: str) -> None:
        """Stop a run, with everything that its steps started, and return when it has ended; nothing happens to one that has ended.

        Called by one of the run's own steps, it does not wait. Raises `NotFound`, and `Timeout` if something cannot be stopped.
        """
        if not self._status(_identifier(run_id)).state.terminal:
            self._cancel(run_id)

    def logs(self, run_id: str, step: str, attempt: int | None = None) -> Iterator[str]:
        """Return what an attempt of a step has printed until now, line by line, by default the latest attempt's.

        What is no UTF-8 is replaced; a step that printed nothing has no lines. Raises `NotFound` for an unknown run, step or attempt.
        """
        steps = self._status(_identifier(run_id)).steps
        if step not in steps:
            raise NotFound(f"run {run_id} has no step '{step}'{closest(step, steps)}", remedy="name one of its steps")
        latest = steps[step].attempt
        if attempt is not None and not 1 <= attempt <= latest:
            raise NotFound(f"step '{step}' of run {run_id} has no attempt {attempt}", remedy=f"it has had {latest}, numbered from 1")
        return self._logs(run_id, step, attempt or latest) if latest else iter(())

    @needs(OrchestratorCapability.FORGET)
    def forget(self, run_id: str) -> None:
        """Remove what is kept of a run that has ended, status and logs; an unknown run is nothing. Raises `Conflict` while it goes on."""
        try:
            state = self._status(_identifier(run_id)).state
        except NotFound:
            return
        if not state.terminal:
            raise Conflict(f"run {run_id} is {state.value}, and cannot be forgotten", remedy="cancel it, or wait for its end")
        self._forget(run_id)

    def ensure_possible(self, plan: PipelinePlan, launcher: Launcher) -> None:
        """Raise unless the flavor can execute a plan; see `submit`."""
        admit(self, plan, launcher)
        if refusals := list(self._refusals(plan, launcher)):
            what = f"{self.label} cannot execute the run: " + "; ".join(refusals)
            raise InvalidArgument(what, remedy="change these steps, or use another stack")


def tell(listener: Progress | None, status: RunStatus) -> None:
    """Call whoever watches a run."""
    if listener is not None:
        try:
            listener(status)
        except Exception:
            log.exception("whoever watches run %s failed", status.run_id)


def start(thread: Thread) -> None:
    """Start a thread. Raises `Unavailable` where the system has no more."""
    try:
        threads.start(thread)
    except RuntimeError as error:
        raise Unavailable(f"a run cannot begin: {error}", remedy="let other work end, or raise the limit (ulimit -u)") from error


def _identifier(run_id: Any) -> str:
    if not isinstance(run_id, str) or not run_id:
        raise InvalidArgument(f"a run id is text that is not empty, not {run_id!r}", remedy="give the id of a run", field="run_id")
    return run_id
