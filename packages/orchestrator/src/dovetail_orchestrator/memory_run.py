"""One run in memory: what an orchestrator decides, and when."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from pydantic import Field

from dovetail_core import ComponentConfig
from dovetail_orchestrator.attempts import Attempt, ProcessAttempt, ThreadAttempt
from dovetail_orchestrator.launching import CANCELLED, Task, has_command, tell_ended
from dovetail_orchestrator.memory_log import MemoryLog
from dovetail_orchestrator.plan import Launcher, PipelinePlan, StepPlan, StepResult, StepState
from dovetail_orchestrator.scheduling import Schedule
from dovetail_orchestrator.status import RunStatus

SLACK = 2.0
"""Seconds that stopping may take beyond the time of grace."""


class MemoryConfig(ComponentConfig):
    """Settings of the orchestrator in memory."""

    space: str = Field(default="default", description="Name of what instances share; another name, other runs.")
    max_parallel: int = Field(default=8, ge=1, description="Steps of a run that execute at once.")
    grace: float = Field(default=1.0, ge=0, description="Seconds that a step has to end when it is stopped.")
    log_limit: int = Field(default=16 * 1024**2, ge=0, description="Bytes of output that are kept per attempt.")


class MemoryRun:
    """One run. A thread of its own (`drive`) takes every decision; whatever happens elsewhere reaches it as a call in its inbox."""

    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: MemoryConfig) -> None:
        self.plan = plan
        self.launcher = launcher
        self.config = config
        self.schedule: Schedule = Schedule(plan)
        self.logs: dict[tuple[str, int], MemoryLog] = {}
        self.over: threading.Event = threading.Event()
        self._state = StepState.PENDING
        self._context = contextvars.copy_context()
        self._inbox: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._attempts: dict[str, Attempt] = {}
        self._stopping = ""
        self._deadline = 0.0
        self._cancelled = False

    def drive(self) -> None:
        """Execute the plan until every step has ended."""
        self._state = StepState.RUNNING
        while not self.schedule.done:
            due = self.schedule.wake(time.monotonic())
            self._start_ready()
            self._await(due)
        self._state = self.schedule.outcome(self._cancelled)
        self.over.set()

    def status(self) -> RunStatus:
        """Return how far the run is."""
        state = self._state  # before the steps: when the run has ended, so have they
        return RunStatus(self.plan.run_id, state, dict(self.schedule.status))

    def cancel(self) -> None:
        """Begin to stop the run; may be called by any thread."""
        self._inbox.put(self._cancel)

    def is_here(self) -> bool:
        """Tell whether a step of the run calls this."""
        return any(attempt.is_here() for attempt in list(self._attempts.values()))

    def _await(self, due: float | None) -> None:
        """Take what comes next; what does not stop in time is given up."""
        until = self._deadline if self._stopping else due
        with suppress(queue.Empty):
            self._inbox.get(timeout=None if until is None else max(0.0, until - time.monotonic()))()
        if self._stopping and time.monotonic() >= self._deadline:
            for attempt in list(self._attempts.values()):
                self._settle(attempt, CANCELLED)

    def _start_ready(self) -> None:
        while self.schedule.ready and len(self.schedule.running) < self.config.max_parallel and not self._stopping:
            self._start(self.schedule.ready.popleft())

    def _start(self, name: str) -> None:
        number, step = self.schedule.start(name), self.schedule.plans[name]
        log = self.logs[name, number] = MemoryLog(self.config.log_limit)
        task, grace = Task(self.launcher, name, number, log, self._context), self.config.grace
        attempt = ProcessAttempt(task, grace, step.timeout, {}) if self._is_apart(step) else ThreadAttempt(task, grace)
        self._attempts[name] = attempt
        threading.Thread(target=self._execute, args=(attempt,), name=f"step-{name}", daemon=True).start()

    def _is_apart(self, step: StepPlan) -> bool:
        """Tell whether a step has a process of its own."""
        return (step.isolated or step.timeout is not None) and has_command(self.launcher, step.name)

    def _execute(self, attempt: Attempt) -> None:
        try:
            result = attempt.execute()
        except KeyboardInterrupt:
            self.cancel()
            result = attempt.task.committed_or(CANCELLED)
        self._inbox.put(partial(self._settle, attempt, result))

    def _settle(self, attempt: Attempt, result: StepResult) -> None:
        """Take note of how an attempt ended: another follows, or the step has ended, and what is below it with it if it is not good."""
        name, number = attempt.task.step, attempt.task.attempt
        if self._attempts.get(name) is not attempt:
            return  # it was given up before it ended
        del self._attempts[name]
        wait = None if self._stopping else self.schedule.wait_before_retry(name, result)
        if not result.state.good:
            self._tell(name, number, result, wait is None)
        if wait is not None:
            self.schedule.delay(name, time.monotonic() + wait, result.failure, f"attempt {number + 1} follows in {wait:g} s")
            return
        self.schedule.end(name, result.state, result.failure, self._stopping if result.state is StepState.CANCELLED else "")
        if not result.state.good and not (self._stopping and result.state is StepState.CANCELLED):
            self._spread(name, result.state)

    def _spread(self, name: str, state: StepState) -> None:
        for below in self.schedule.skip_below(name, f"step '{name}' before it has {state.value}"):
            self._tell(below, 0, StepResult(StepState.SKIPPED))
        if state is StepState.FAILED and self.schedule.fail_fast:
            self._stop(f"step '{name}' failed")

    def _cancel(self) -> None:
        self._cancelled = True
        self._stop("the run was cancelled")

    def _stop(self, reason: str) -> None:
        """End what does not execute, and begin to stop what does."""
        if not self._stopping:
            self._stopping, self._deadline = reason, time.monotonic() + self.config.grace + SLACK
        for name in self.schedule.cancel_unstarted(self._stopping):
            self._tell(name, self.schedule.status[name].attempt, CANCELLED)
        for attempt in list(self._attempts.values()):
            attempt.stop()

    def _tell(self, name: str, number: int, result: StepResult, final: bool = True) -> None:
        tell_ended(self.launcher, name, number, result, final)
