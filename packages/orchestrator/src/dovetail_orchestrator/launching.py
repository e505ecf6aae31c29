"""Calls to the launcher, of which none can break the run."""

from __future__ import annotations

import logging
import traceback
from contextvars import Context
from dataclasses import dataclass
from typing import Protocol

from dovetail_core import DovetailError, Failure, mask, retrying
from dovetail_orchestrator.interruption import Interruptible
from dovetail_orchestrator.plan import Command, Launcher, LogSink, StepInterrupted, StepResult, StepState

log: logging.Logger = logging.getLogger("dovetail")
CANCELLED = StepResult(StepState.CANCELLED)


class AttemptLog(LogSink, Protocol):
    """The log of one attempt, which ends with it."""

    def close(self) -> None:
        """Take no more."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt of a step."""

    launcher: Launcher
    step: str
    attempt: int
    log: AttemptLog
    context: Context

    def execute(self, place: Interruptible) -> StepResult:
        """Execute it here and return how it ended. Raises KeyboardInterrupt, and StepInterrupted if a step around it was interrupted."""
        try:
            result = place.execute(self.context.copy().run, self.launcher, self.step, self.attempt, self.log)
        except StepInterrupted:
            if place.interrupted_around:
                raise
            return self.committed_or(CANCELLED)
        except SystemExit as error:
            return StepResult(StepState.FAILED, Failure("SystemExit", f"the step called sys.exit({error.code!r})"), retry=False)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return failed_by(error)
        finally:
            self.log.close()
        return result if _valid(result) else _failed("Lost", f"the launcher returned {result!r}, which says no end of an attempt")

    def command(self) -> Command | StepResult:
        """Return the command that executes it, or the failure to make one."""
        try:
            command = self.launcher.command(self.step, self.attempt)
        except Exception as error:
            return failed_by(error)
        return command if command is not None else _failed("Unsupported", "the launcher has no command for this step any more")

    def committed(self) -> StepResult | None:
        """Return what it committed, or how it says that it failed."""
        try:
            result = retrying(lambda: self.launcher.result(self.step, self.attempt))
        except Exception as error:
            return _failed("Lost", f"whether it committed anything could not be read: {type(error).__name__}: {error}")
        return result if result is None or _valid(result) else _failed("Lost", f"its result is {result!r}, which says no end of an attempt")

    def committed_or(self, otherwise: StepResult) -> StepResult:
        """Return success if it is committed, else `otherwise`: of an attempt that was stopped only the commit tells."""
        result = self.committed()
        return result if result is not None and result.state.good else otherwise


def has_command(launcher: Launcher, step: str) -> bool:
    """Tell whether a step can execute in a process of its own; one whose command cannot even be asked for fails when it begins."""
    try:
        return launcher.command(step, 0) is not None
    except Exception:
        return True


def tell_ended(launcher: Launcher, step: str, attempt: int, result: StepResult, final: bool) -> None:
    """Tell the launcher of an end that is no success."""
    try:
        retrying(lambda: launcher.ended(step, attempt, result, final))
    except Exception:
        log.exception("that step '%s' is %s could not be recorded", step, result.state.value)


def failed_by(error: BaseException) -> StepResult:
    """Return the result of an attempt that an exception ended; an error that says it is permanent is not retried."""
    text = "".join(traceback.format_exception(error))
    retry = error.retryable if isinstance(error, DovetailError) else True
    return StepResult(StepState.FAILED, Failure(type(error).__name__, mask(str(error)), mask(text)), retry)


def _valid(result: object) -> bool:
    return isinstance(result, StepResult) and result.state.terminal and result.state is not StepState.SKIPPED


def _failed(kind: str, message: str) -> StepResult:
    return StepResult(StepState.FAILED, Failure(kind, message), retry=False)
