"""The contract of orchestrators."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from dovetail_core import Component, InvalidArgument, Timeout, require

from dovetail_orchestrator.capabilities import OrchestratorCapability
from dovetail_orchestrator.plan import Launcher, PipelinePlan
from dovetail_orchestrator.status import RunStatus

POLL = 0.2
"""Seconds between two looks at a run that is waited for."""


class RunHandle:
    """A submitted run."""

    def __init__(self, run_id: str, orchestrator: Orchestrator) -> None:
        self.run_id = run_id
        self._orchestrator = orchestrator

    def status(self) -> RunStatus:
        """Return how far the run is."""
        return self._orchestrator.status(self.run_id)

    def wait(self, timeout: float | None = None, on_progress: Callable[[RunStatus], object] | None = None) -> RunStatus:
        """Return the status once the run has ended; `on_progress` is called when it changes. Raises `Timeout` after that many seconds."""
        return self._orchestrator.wait(self.run_id, timeout, on_progress)

    def cancel(self) -> None:
        """Stop the run."""
        self._orchestrator.cancel(self.run_id)


class Orchestrator(Component, ABC):
    """Decides where and when the steps of a run execute. It sees the plan and the launcher, never artifacts or user objects.

    A step starts only after all steps before it succeeded. One that fails for good makes everything below it `skipped`; in the failure
    mode `fail_fast` also everything else that has not succeeded is stopped and `cancelled`, in `continue` it goes on. Every attempt that
    does not succeed, and every step that is skipped or cancelled, is told to `launcher.ended`. States only ever advance.

    An author implements the methods that begin with an underscore.
    """

    type = "orchestrator"

    @abstractmethod
    def _submit(self, plan: PipelinePlan, launcher: Launcher) -> None:
        """Begin a run. A run that was submitted before, with this id, is not begun again."""

    @abstractmethod
    def _status(self, run_id: str) -> RunStatus:
        """Return how far a run is. Raises `NotFound`."""

    @abstractmethod
    def _cancel(self, run_id: str) -> None:
        """Stop a run that has not ended, and whatever it started."""

    @abstractmethod
    def _logs(self, run_id: str, step: str, attempt: int | None) -> Iterator[str]:
        """Yield the lines of an attempt's log, by default the latest one's."""

    def _refusals(self, plan: PipelinePlan, launcher: Launcher) -> Iterator[str]:
        """Yield why this flavor cannot execute a plan."""
        return iter(())

    def submit(self, plan: PipelinePlan, launcher: Launcher) -> RunHandle:
        """Begin a run and return at once. Raises `Unsupported`, or `InvalidArgument` with all that is wrong, before anything starts."""
        require(self, OrchestratorCapability.ASYNC_SUBMIT)
        self.ensure_possible(plan, launcher)
        self._submit(plan, launcher)
        return RunHandle(plan.run_id, self)

    def run(self, plan: PipelinePlan, launcher: Launcher, *, on_progress: Callable[[RunStatus], object] | None = None) -> RunStatus:
        """Execute a run and return its status once it has ended. KeyboardInterrupt stops the run and passes through."""
        handle = self.submit(plan, launcher)
        try:
            return handle.wait(None, on_progress)
        except KeyboardInterrupt:
            self.cancel(plan.run_id)
            raise

    def attach(self, run_id: str) -> RunHandle:
        """Return a run that was submitted before, by any process. Raises `NotFound`."""
        self._status(run_id)
        return RunHandle(run_id, self)

    def status(self, run_id: str) -> RunStatus:
        """Return how far a run is. Raises `NotFound`."""
        return self._status(run_id)

    def wait(self, run_id: str, timeout: float | None = None, on_progress: Callable[[RunStatus], object] | None = None) -> RunStatus:
        """Return the status once a run has ended. Raises `Timeout`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        seen = None
        while True:
            status = self._status(run_id)
            if on_progress is not None and status != seen:
                on_progress(status)
            if status.state.terminal:
                return status
            if deadline is not None and time.monotonic() >= deadline:
                raise Timeout(f"run {run_id} has not ended after {timeout} s", remedy="wait longer, or cancel it")
            seen = status
            time.sleep(POLL)

    def cancel(self, run_id: str) -> None:
        """Stop a run, with everything that its steps started; nothing happens to one that has ended. Raises `NotFound`."""
        if not self._status(run_id).state.terminal:
            self._cancel(run_id)

    def logs(self, run_id: str, step: str, attempt: int | None = None) -> Iterator[str]:
        """Yield what an attempt of a step printed, line by line, by default the latest attempt's; nothing if it printed nothing."""
        return self._logs(run_id, step, attempt)

    def ensure_possible(self, plan: PipelinePlan, launcher: Launcher) -> None:
        """Raise `Unsupported` for what needs a capability that is not declared, `InvalidArgument` for what the flavor cannot execute."""
        for step in plan.steps:
            if step.retry.retries:
                require(self, OrchestratorCapability.RETRY)
            if step.resources.requested():
                require(self, OrchestratorCapability.RESOURCES)
        if refusals := list(self._refusals(plan, launcher)):
            raise InvalidArgument(f"{self.label} cannot execute the run: " + "; ".join(refusals), remedy="change these steps, or use another stack")
