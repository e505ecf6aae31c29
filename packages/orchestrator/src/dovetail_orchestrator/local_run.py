"""One run on this machine, from its first step to its last."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from dovetail_core import Failure

from dovetail_orchestrator.interruption import StepInterrupted, interrupt
from dovetail_orchestrator.log_files import LogFile
from dovetail_orchestrator.plan import Command, Launcher, PipelinePlan, StepPlan, StepResult, StepState
from dovetail_orchestrator.processes import StepProcess, failure_of
from dovetail_orchestrator.run_directory import RunDirectory
from dovetail_orchestrator.scheduling import Schedule
from dovetail_orchestrator.status import RunStatus

if TYPE_CHECKING:
    from dovetail_orchestrator.local import LocalConfig

CANCELLED = StepResult(StepState.CANCELLED, retry=False)
WATCH = 0.2
"""Seconds between two looks for a request to cancel."""
_AGAIN = 0.05
"""Seconds between two looks at attempts that are to stop."""
Ended = tuple[str, int, StepResult]


class LocalRun:
    """Executes a plan. `drive` is called once, in the thread that is to execute steps which need no other."""

    def __init__(self, plan: PipelinePlan, launcher: Launcher, config: LocalConfig, directory: RunDirectory) -> None:
        self._launcher = launcher
        self._config = config
        self._directory = directory
        self._schedule = Schedule(plan)
        self._on_progress: Callable[[RunStatus], object] | None = None
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._threads: dict[str, int] = {}
        """Threads of this process that execute steps now."""
        self._processes: dict[str, StepProcess] = {}
        self._lock = threading.Lock()
        self._cancelled = False
        self._stopping = False
        self._over = threading.Event()

    def drive(self, on_progress: Callable[[RunStatus], object] | None = None) -> RunStatus:
        """Execute every step and return how the run ended. KeyboardInterrupt stops everything, and passes through."""
        self._on_progress = on_progress
        watcher = threading.Thread(target=self._watch, name=f"cancel-{self._directory.run_id}", daemon=True)
        watcher.start()
        try:
            self._loop()
        except (KeyboardInterrupt, StepInterrupted):
            requested = self._cancelled
            self._cancelled = True
            self._stop_everything()
            if not requested:
                raise
        finally:
            self._over.set()
            self._directory.finish(self._schedule.outcome(self._cancelled))
            watcher.join()
        return self.status()

    def status(self) -> RunStatus:
        """Return how far the run is."""
        state = self._schedule.outcome(self._cancelled) if self._schedule.done else StepState.RUNNING
        return RunStatus(self._directory.run_id, state, dict(self._schedule.status))

    # Order

    def _loop(self) -> None:
        schedule = self._schedule
        while not schedule.done:
            due = schedule.wake(time.monotonic())
            if self._stopping:
                self._stop_everything()
            elif not self._start_ready(due):
                self._take_ended(due)

    def _start_ready(self, due: float | None) -> bool:
        """Start what may start, and return whether a step was executed right here."""
        schedule = self._schedule
        if len(schedule.ready) == 1 and not schedule.running and due is None and not self._needs_process(schedule.ready[0]):
            self._execute_here(schedule.ready.popleft())
            return True
        for _ in range(len(schedule.ready)):
            if len(schedule.running) >= self._config.limit:
                break
            name = schedule.ready.popleft()
            if self._fits(name):
                attempt = self._begin(name)
                threading.Thread(target=self._execute_aside, args=(name, attempt), name=f"step-{name}", daemon=True).start()
            else:
                schedule.ready.append(name)
        return False

    def _fits(self, name: str) -> bool:
        """Tell whether what a step asks for, and what the running ones asked for, is there together."""
        wanted = self._schedule.plans[name].resources.requested()
        for kind, amount in wanted.items():
            used = sum(self._schedule.plans[other].resources.requested().get(kind, 0) for other in self._schedule.running)
            if amount + used > self._config.machine()[kind]:
                return False
        return True

    def _take_ended(self, due: float | None) -> None:
        try:
            timeout = None if due is None else max(0.0, due - time.monotonic())
            self._settle(*self._ended.get(timeout=WATCH if timeout is None else min(timeout, WATCH)))
        except queue.Empty:
            return

    def _settle(self, name: str, attempt: int, result: StepResult) -> None:
        """Take note of how an attempt ended."""
        if self._schedule.status[name].state.terminal:
            return  # it was given up before it ended
        wait = None if self._stopping else self._schedule.wait_before_retry(name, result)
        if wait is not None:
            self._launcher.ended(name, attempt, result, False)
            self._schedule.delay(name, time.monotonic() + wait)
            return
        self._schedule.end(name, result.state, result.failure)
        if not result.state.good:
            self._launcher.ended(name, attempt, result, True)
        self._record(name)
        if not result.state.good:
            self._spread(name, result)

    def _spread(self, name: str, result: StepResult) -> None:
        for below in self._schedule.skip_below(name):
            self._tell(below, StepResult(StepState.SKIPPED))
        if result.state is StepState.FAILED and self._schedule.fail_fast:
            self._stopping = True

    def _begin(self, name: str) -> int:
        attempt = self._schedule.start(name)
        self._record(name)
        return attempt

    def _record(self, name: str) -> None:
        self._directory.record(name, self._schedule.status[name])
        if self._on_progress is not None:
            self._on_progress(self.status())

    def _tell(self, name: str, result: StepResult) -> None:
        """Tell that a step ended which does not execute."""
        self._launcher.ended(name, self._schedule.status[name].attempt, result, True)
        self._record(name)

    # Attempts

    def _needs_process(self, name: str) -> bool:
        step = self._schedule.plans[name]
        return self._config.mode == "processes" or step.isolated or step.timeout is not None

    def _execute_here(self, name: str) -> None:
        self._settle(name, attempt := self._begin(name), self._attempt(name, attempt))

    def _execute_aside(self, name: str, attempt: int) -> None:
        result = CANCELLED
        try:
            result = self._attempt(name, attempt)
        except (StepInterrupted, KeyboardInterrupt):  # it came when the step had just ended
            pass
        finally:
            self._ended.put((name, attempt, result))

    def _attempt(self, name: str, attempt: int) -> StepResult:
        log = LogFile(self._directory.log(name, attempt), self._config.log_limit)
        try:
            command = self._launcher.command(name, attempt) if self._needs_process(name) else None
            if command is not None:
                return self._in_process(self._schedule.plans[name], attempt, command, log)
            return self._in_thread(name, attempt, log)
        except StepInterrupted:
            return CANCELLED
        except Exception as error:  # of the launcher: a step's own is a result
            return StepResult(StepState.FAILED, Failure(type(error).__name__, str(error)))
        finally:
            log.close()

    def _in_thread(self, name: str, attempt: int, log: LogFile) -> StepResult:
        with self._lock:
            if self._stopping:
                return CANCELLED
            self._threads[name] = threading.get_ident()
        try:
            return self._launcher(name, attempt, log)
        finally:
            with self._lock:
                del self._threads[name]

    def _in_process(self, step: StepPlan, attempt: int, command: Command, log: LogFile) -> StepResult:
        if step.resources.gpu == 0:
            command = Command(command.arguments, {**command.environment, "CUDA_VISIBLE_DEVICES": ""})
        with self._lock:
            if self._stopping:
                return CANCELLED
            process = self._processes[step.name] = StepProcess(command, log, self._config.grace)
        try:
            code = process.wait(step.timeout)
        finally:
            with self._lock:
                del self._processes[step.name]
        return self._judged(step, attempt, process, code)

    def _judged(self, step: StepPlan, attempt: int, process: StepProcess, code: int | None) -> StepResult:
        """Return how an attempt in a process ended; what it committed counts, whatever became of the process then."""
        result = self._launcher.result(step.name, attempt)
        if result is not None and (result.state.good or not process.stopped):
            return result
        if code is None:
            return StepResult(StepState.FAILED, Failure("Timeout", f"it took longer than {step.timeout:g} s"))
        if process.stopped:
            return CANCELLED
        return StepResult(StepState.FAILED, failure_of(code))

    # Stopping

    def _watch(self) -> None:
        """Look for requests to cancel, also while a step executes in the driving thread."""
        while not self._over.wait(WATCH):
            if self._directory.cancel_requested():
                self._cancelled = True
                self._interrupt_running()
                return

    def _interrupt_running(self) -> None:
        with self._lock:
            self._stopping = True
            processes, threads = list(self._processes.values()), list(self._threads.values())
            for thread in threads:
                interrupt(thread)
        stoppers = [threading.Thread(target=process.stop, daemon=True) for process in processes]
        for stopper in stoppers:
            stopper.start()

    def _stop_everything(self) -> None:
        """Stop what runs, end what does not, and wait for the first; a thread that does not react within the time of grace is given up."""
        self._interrupt_running()
        for name in self._schedule.cancel_unstarted():
            self._tell(name, CANCELLED)
        deadline = time.monotonic() + self._config.grace
        while self._schedule.running:
            self._take_ended(time.monotonic() + _AGAIN)
            late = time.monotonic() > deadline
            for name in [name for name in self._schedule.running if late and name not in self._processes]:
                self._settle(name, self._schedule.status[name].attempt, CANCELLED)


