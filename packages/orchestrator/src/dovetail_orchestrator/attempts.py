"""Attempts of steps, in a thread of this process or in a process of their own. Both `execute` once, and `stop` from any thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from dovetail_orchestrator.exit_status import memory_kills, result_of, timed_out
from dovetail_orchestrator.interruption import Interruptible
from dovetail_orchestrator.launching import CANCELLED, Task, failed_by
from dovetail_orchestrator.plan import Command, StepResult
from dovetail_orchestrator.uptime import uptime

if TYPE_CHECKING:
    from dovetail_orchestrator.processes import Ending, StepProcess


class Attempt(Protocol):
    """What the run sees of an attempt."""

    task: Task

    def execute(self) -> StepResult:
        """Execute it in the calling thread, and return how it ended. Raises what `Task.execute` does."""
        ...

    def stop(self) -> None:
        """Begin to stop it, once; returns before it has ended."""
        ...

    def is_here(self) -> bool:
        """Tell whether the calling thread executes it."""
        ...


class ThreadAttempt:
    """Code in this process. It is interrupted between two of its instructions; processes that its thread has started are ended."""

    def __init__(self, task: Task, grace: float) -> None:
        self.task = task
        self.place: Interruptible = Interruptible()
        self._grace = grace
        self._since = uptime()
        self._ending: Ending | None = None

    def execute(self) -> StepResult:
        """Execute it; what fails after it was told to stop was stopped, and what it had started has ended then."""
        stopped = True
        try:
            result = self.task.execute(self.place)
            stopped = self.place.interrupted
        finally:
            if stopped and self.place.native_thread:
                self._ask_children().finish()
        return CANCELLED if stopped and not result.state.good else result

    def is_here(self) -> bool:
        """Tell whether the calling thread executes it."""
        return self.place.is_here()

    def stop(self) -> None:
        """Interrupt it; what waits for a process that it started waits no longer."""
        if not self.place.interrupted:
            threading.Thread(target=self._interrupt, name=f"stop-{self.task.step}", daemon=True).start()
            self.place.interrupt()

    def _interrupt(self) -> None:
        self.place.interrupt()  # before a child ends, lest the step fails for that
        if asked := self.place.while_executing(self._ask_children):  # what its thread starts later is not this attempt's
            asked.finish()

    def _ask_children(self) -> Ending:
        """Ask what its thread has started to end, what was not asked before."""
        from dovetail_orchestrator.processes import Ending, children_of_thread

        self._ending = self._ending or Ending(self._grace)
        self._ending.ask(children_of_thread(self.place.native_thread, self._since))
        return self._ending


class ProcessAttempt:
    """A command in a process of its own, of which nothing survives its end."""

    def __init__(self, task: Task, grace: float, timeout: float | None, environment: dict[str, str]) -> None:
        self.task = task
        self._grace = grace
        self._timeout = timeout
        self._environment = environment
        self._lock = threading.Lock()
        self._process: StepProcess | None = None
        self._stopped = threading.Event()

    def execute(self) -> StepResult:
        """Start the command and wait for its end."""
        try:
            command = self.task.command()
            return self._result(command) if isinstance(command, Command) else command
        except Exception as error:  # of the system: no process, no memory, no such file
            return failed_by(error)
        finally:
            self.task.log.close()

    def is_here(self) -> bool:
        """Never: what executes is in another process."""
        return False

    def stop(self) -> None:
        """Stop the command, and all that it started."""
        with self._lock:
            first = not self._stopped.is_set()
            self._stopped.set()
            process = self._process
        if first and process is not None:
            threading.Thread(target=process.stop, name=f"stop-{self.task.step}", daemon=True).start()

    def _result(self, command: Command) -> StepResult:
        from dovetail_orchestrator.processes import StepProcess

        kills = memory_kills()
        with self._lock:
            if self._stopped.is_set():
                return CANCELLED
            process = self._process = StepProcess(self._with_environment(command), self.task.log, self._grace)
        code = process.wait(self._timeout)
        if self._stopped.is_set():
            return self.task.committed_or(CANCELLED)
        if code is None:
            return self.task.committed_or(timed_out(self._timeout or 0.0))
        return result_of(code, self.task.committed(), memory_kills() > kills)

    def _with_environment(self, command: Command) -> Command:
        return Command(command.arguments, {**command.environment, **self._environment})
