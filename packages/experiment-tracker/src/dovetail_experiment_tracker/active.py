"""The active run of a task: in each thread and each asyncio task its own, never a process-wide one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dovetail_experiment_tracker.interface import ExperimentTracker
    from dovetail_experiment_tracker.run import Run

Activation = AbstractContextManager[None]
_stack: ContextVar[tuple[tuple[Run, Activation], ...]] = ContextVar("dovetail_active_runs", default=())


def active_run(tracker: ExperimentTracker | None = None) -> Run | None:
    """Return the innermost run, of a tracker or of any, that this task is in the `with` block of; None if there is none.

    A thread begins without one; an asyncio task begins with that of the task that made it.
    """
    mine = (run for run, _ in reversed(_stack.get()) if tracker is None or run.tracker is tracker)
    return next((run for run in mine if not run.ended), None)


def enter(run: Run, activation: Activation) -> None:
    """Make a run the active one of this task."""
    _stack.set((*_stack.get(), (run, activation)))


def leave(run: Run) -> Activation | None:
    """Make what was active before a run active again, also if runs inside it were not left; return how the run was activated."""
    stack = _stack.get()
    for index in reversed(range(len(stack))):
        if stack[index][0] is run:
            _stack.set(stack[:index])
            return stack[index][1]
    return None
