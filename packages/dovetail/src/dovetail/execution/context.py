"""What a step's code may ask about the run that it is part of."""

from __future__ import annotations

import contextvars
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dovetail.execution.tracking import StepTracking
from dovetail_core import NotReady
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Run

if TYPE_CHECKING:
    from dovetail_experiment_tracker import Run as ExperimentRun

_current: contextvars.ContextVar[StepContext | None] = contextvars.ContextVar("step_context", default=None)
hook_stack: contextvars.ContextVar[Stack | None] = contextvars.ContextVar("hook_stack", default=None)
"""The stack of the run whose pipeline hook is being called."""


class StepContext:
    """The run, step and attempt that are executing, and the stack they execute on."""

    def __init__(
        self, run: Run, step: str, attempt: int, stack: Stack, parameters: Mapping[str, Any], tracked: bool | str | None = False
    ) -> None:
        self.run = run
        self.step = step
        self.attempt = attempt
        self.stack = stack
        """The components, as `stack.artifact_store` and so on."""
        self.parameters = parameters
        """Values of the step's arguments that are no outputs of other steps."""
        self._directory: Path | None = None
        self._tracked = tracked
        self._tracking = StepTracking(run, step, attempt, stack, parameters, tracked is not False)

    @property
    def experiment_run(self) -> ExperimentRun:
        """The run of the stack's experiment tracker that is this attempt, begun at first use, with pipeline, run, step and attempt as tags.

        It ends with the attempt: finished, failed, or killed. Raises `NotFound` if the stack has no tracker.
        """
        return self._tracking.experiment_run

    def add_metadata(self, **entries: Any) -> None:
        """Record facts about this step, JSON-able; they are kept even if the step fails later."""
        self.stack.metadata_store.put_metadata(self.run.id, entries, step=self.step)

    @property
    def temporary_directory(self) -> Path:
        """An empty directory, made at first use and removed when the attempt ends."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="dovetail-step-"))
        return self._directory

    def __enter__(self) -> StepContext:
        self._token = _current.set(self)
        try:
            if self._tracked:
                self._tracking.experiment_run  # noqa: B018  # begun now, so that what libraries log by themselves lands in it
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._tracking.end(kind, error, trace)
        finally:
            self._leave()

    def _leave(self) -> None:
        _current.reset(self._token)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


def step_context() -> StepContext:
    """Return the context of the step that is executing. Raises `NotReady` outside of a run."""
    context = _current.get()
    if context is None:
        raise NotReady("there is no step context here", remedy="ask for it inside a step, while a pipeline runs", retryable=False)
    return context
