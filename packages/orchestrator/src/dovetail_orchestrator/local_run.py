"""One run on this machine, from its first step to its last."""

from __future__ import annotations

import contextvars
import os
import queue
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from dovetail_core import threads
from dovetail_orchestrator.attempts import Attempt, ProcessAttempt, ThreadAttempt
from dovetail_orchestrator.interface import Progress, tell
from dovetail_orchestrator.interruption import ControlC
from dovetail_orchestrator.journal import JournalWriter
from dovetail_orchestrator.launching import CANCELLED, Task, has_command, tell_ended
from dovetail_orchestrator.log_files import LogFile
from dovetail_orchestrator.plan import Launcher, PipelinePlan, StepResult, StepState
from dovetail_orchestrator.run_directory import RunDirectory
from dovetail_orchestrator.scheduling import Schedule
from dovetail_orchestrator.status import RunStatus

if TYPE_CHECKING:
    from dovetail_orchestrator.local import LocalConfig

WATCH = 0.2
"""Seconds between two looks for a request to cancel."""
SLACK = 2.0
"""Seconds that stopping may take beyond the time of grace."""


class LocalRun:
    """Executes a plan. `drive` is called once; the thread that calls it may execute steps which need no other, if `lends_thread`."""

    def __init__(
        self,
        plan: PipelinePlan,
        launcher: Launcher,
        config: LocalConfig,
        directory: RunDirectory,
        journal: JournalWriter,
        lends_thread: bool,
    ) -> None:
        self.run_id: str = plan.run_id
        self.process: int = os.getpid()
        """The one that executes it."""
        self._launcher = launcher
        self._config = config
        self._limit = config.limit
        self._lends_thread = lends_thread
        self._directory = directory
        self._journal = journal
        self._schedule = Schedule(plan)
        self._context = contextvars.copy_context()
        self._on_progress: Progress | None = None
        self._ended: queue.SimpleQueue[tuple[Attempt, StepResult] | None] = queue.SimpleQueue()
        """Attempts that have ended, and None where there is something else to look at."""
        self._attempts: dict[str, Attempt] = {}
        """Attempts under way."""
        self._here: Attempt | None = None
        """The one that the driving thread executes."""
        self._separate: dict[str, bool] = {}
        self._lock = threading.Lock()
        self._stopping = ""
        """Why the run is being stopped, if it is."""
        self._cancelled = False
        self._interrupted = False
        self._control_c = ControlC(lambda: self._ended.put(None))
        self.over: threading.Event = threading.Event()
        self.watcher: threading.Thread = threading.Thread(target=self._watch, name=f"cancel-{self.run_id}", daemon=True)
        """Looks for requests to cancel; to be started before `drive` is called."""

    def drive(self, on_progress: Progress | None = None) -> RunStatus:
        """Execute every step and return how the run ended. KeyboardInterrupt stops everything, and is raised once it has stopped.

        So does the interruption of a step of another run that calls this.
        """
        self._on_progress = on_progress
        try:
            with self._control_c:
                self._loop()
        except BaseException:
            self._stop("the run was interrupted")
            if self._here is not None:  # nobody else will tell how it ended
                self._settle(self._here, self._here.task.committed_or(CANCELLED))
            self._finish_stopping()
            raise
        finally:
            self._journal.end(self._schedule.outcome(self._cancelled))
            self.over.set()
            self.watcher.join()
        if self._interrupted or self._control_c.count:
            raise self._control_c.error
        return self.status()

    def undo(self) -> None:
        """Leave nothing of a run that cannot begin."""
        self.over.set()
        self._journal.close()
        self._directory.remove()

    def status(self) -> RunStatus:
        """Return how far the run is."""
        state = self._schedule.outcome(self._cancelled) if self._schedule.done else StepState.RUNNING
        return RunStatus(self.run_id, state, dict(self._schedule.status))

    def cancel(self) -> None:
        """Begin to stop the run; may be called by any thread. Called by a step of the run, it interrupts that step."""
        self._cancelled = True
        self._stop("the run was cancelled")

    def is_here(self) -> bool:
        """Tell whether a step of the run calls this."""
        with self._lock:
            return any(attempt.is_here() for attempt in self._attempts.values())

    # Order

    def _loop(self) -> None:
        schedule = self._schedule
        while not schedule.done:
            due = schedule.wake(time.monotonic())
            if self._control_c.count or self._interrupted:
                self._interrupted = True
                self.cancel()
            if self._stopping:
                self._finish_stopping()
            elif not self._start_ready(due):
                self._take_ended(due)

    def _start_ready(self, due: float | None) -> bool:
        """Start what may start, and return whether a step was executed right here."""
        schedule = self._schedule
        if schedule.ready and not schedule.running and self._may_execute_here(due):
            self._execute_here(schedule.ready.popleft())
            return True
        for _ in range(len(schedule.ready)):
            if len(schedule.running) >= self._limit:
                break
            name = schedule.ready.popleft()
            if self._fits(name):
                self._execute_in_thread(name)
            else:
                schedule.ready.append(name)
        return False

    def _execute_in_thread(self, name: str) -> None:
        attempt = self._begin(name)
        try:
            threads.start(threading.Thread(target=self._execute_aside, args=(attempt,), name=f"step-{name}", daemon=True))
        except RuntimeError:  # none is to be had; Python 3.12.1 starts none once the main thread has ended
            self._execute_aside(attempt)

    def _may_execute_here(self, due: float | None) -> bool:
        """Tell whether nothing else could happen while a step executes in this thread."""
        ready = self._schedule.ready
        return self._lends_thread and (self._limit == 1 or (len(ready) == 1 and due is None)) and not self._needs_process(ready[0])

    def _fits(self, name: str) -> bool:
        """Tell whether what a step asks for, and what the running ones asked for, is there together."""
        plans = self._schedule.plans
        for kind, amount in plans[name].resources.requested().items():
            used = sum(plans[other].resources.requested().get(kind, 0) for other in self._schedule.running)
            if amount and amount + used > self._config.machine()[kind] + 1e-9:
                return False
        return True

    def _take_ended(self, due: float | None) -> None:
        with suppress(queue.Empty):
            ended = self._ended.get(timeout=None if due is None else max(0.0, due - time.monotonic()))
            if ended is not None:
                self._settle(*ended)

    def _settle(self, attempt: Attempt, result: StepResult) -> None:
        """Take note of how an attempt ended."""
        name, number = attempt.task.step, attempt.task.attempt
        if self._attempts.get(name) is not attempt:
            return  # it was given up before it ended
        with self._lock:
            del self._attempts[name]
        wait = None if self._stopping else self._schedule.wait_before_retry(name, result)
        if wait is not None:
            self._launch_ended(name, number, result, False)
            self._schedule.delay(name, time.monotonic() + wait, result.failure, f"attempt {number + 1} follows in {wait:g} s")
            self._record(name)
        else:
            self._end(name, number, result)

    def _end(self, name: str, number: int, result: StepResult) -> None:
        reason = self._stopping if result.state is StepState.CANCELLED else ""
        self._schedule.end(name, result.state, result.failure, reason)
        if not result.state.good:
            self._launch_ended(name, number, result, True)
        self._record(name)
        if not result.state.good and not (self._stopping and result.state is StepState.CANCELLED):
            self._spread(name, result.state)

    def _spread(self, name: str, state: StepState) -> None:
        for below in self._schedule.skip_below(name, f"step '{name}' before it has {state.value}"):
            self._tell(below, StepResult(StepState.SKIPPED))
        if state is StepState.FAILED and self._schedule.fail_fast:
            self._stop(f"step '{name}' failed")

    def _record(self, name: str) -> None:
        self._journal.step(self._schedule.index[name], self._schedule.status[name])
        if self._on_progress is not None:
            tell(self._on_progress, self.status())

    def _tell(self, name: str, result: StepResult) -> None:
        """Tell that a step ended which does not execute."""
        self._launch_ended(name, self._schedule.status[name].attempt, result, True)
        self._record(name)

    def _launch_ended(self, name: str, number: int, result: StepResult, final: bool) -> None:
        tell_ended(self._launcher, name, number, result, final)

    # Attempts

    def _needs_process(self, name: str) -> bool:
        if name not in self._separate:
            self._separate[name] = self._config.wants_process(self._schedule.plans[name]) and has_command(self._launcher, name)
        return self._separate[name]

    def _begin(self, name: str) -> Attempt:
        number = self._schedule.start(name)
        self._record(name)
        log = LogFile(self._directory.log(name, number), self._config.log_limit)
        task = Task(self._launcher, name, number, log, self._context)
        attempt = self._process_attempt(task) if self._needs_process(name) else ThreadAttempt(task, self._config.grace)
        with self._lock:
            self._attempts[name] = attempt
        return attempt

    def _process_attempt(self, task: Task) -> ProcessAttempt:
        step = self._schedule.plans[task.step]
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if step.resources.gpu == 0 else {}
        return ProcessAttempt(task, self._config.grace, step.timeout, hidden)

    def _execute_here(self, name: str) -> None:
        self._here = attempt = self._begin(name)
        if isinstance(attempt, ThreadAttempt):
            self._control_c.watch(attempt.place)
        self._settle(attempt, self._executed(attempt))
        self._here = None

    def _execute_aside(self, attempt: Attempt) -> None:
        self._ended.put((attempt, self._executed(attempt)))

    def _executed(self, attempt: Attempt) -> StepResult:
        if self._stopping:
            attempt.stop()  # it may have been registered after the others were stopped
        try:
            return attempt.execute()
        except KeyboardInterrupt:
            self._interrupted = True
            self.cancel()
            return attempt.task.committed_or(CANCELLED)

    # Stopping

    def _watch(self) -> None:
        """Look for requests to cancel, also while a step executes in the driving thread."""
        while not self.over.wait(WATCH):
            if self._directory.cancel_requested():
                self.cancel()
                return

    def _stop(self, reason: str) -> None:
        """Begin to stop all that is under way. A step that calls this is interrupted by it, so that it comes last."""
        with self._lock:
            self._stopping = self._stopping or reason
            attempts = sorted(self._attempts.values(), key=lambda attempt: attempt.is_here())
        self._ended.put(None)
        for attempt in attempts:
            attempt.stop()

    def _finish_stopping(self) -> None:
        """End what has not begun, and wait for what is under way; what does not stop within the time of grace is given up."""
        for name in self._schedule.cancel_unstarted(self._stopping):
            self._tell(name, CANCELLED)
        deadline = time.monotonic() + self._config.grace + SLACK
        while self._attempts and time.monotonic() < deadline:
            self._take_ended(deadline)
        for attempt in list(self._attempts.values()):
            self._settle(attempt, CANCELLED)
