"""Experiment tracking of steps: each attempt of a step that logs something is one run of the stack's tracker."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dovetail.plan import RunPlan
from dovetail_core import ConfigError, DovetailError, NotFound, StackSpec, closest
from dovetail_core.stack_instance import Stack
from dovetail_metadata_store.records import Run as PipelineRun

if TYPE_CHECKING:
    from dovetail_experiment_tracker import ExperimentTracker, Run

log: logging.Logger = logging.getLogger("dovetail")
TYPE = "experiment_tracker"
ENTRY = "experiment_run"
"""Name of the step's metadata that says which run of which tracker is the step's latest attempt."""


class StepTracking:
    """The tracker's run of one attempt of a step. It is begun when it is first asked for, and ends with the attempt, as that did."""

    def __init__(self, run: PipelineRun, step: str, attempt: int, stack: Stack, parameters: Mapping[str, Any], allowed: bool) -> None:
        self._run = run
        self._step = step
        self._attempt = attempt
        self._stack = stack
        self._parameters = parameters
        self._allowed = allowed
        self._begun: Run | None = None

    @property
    def experiment_run(self) -> Run:
        """The tracker's run, begun and made the active one of this task if it was not yet. Raises `NotFound` if there is no tracker."""
        if self._begun is None:
            if not self._allowed:
                raise NotFound(f"step '{self._step}' is not tracked", remedy="leave out experiment_tracker=False, and ask inside the step")
            self._begun = self._begin(stack_tracker(self._stack))
        return self._begun

    def _begin(self, tracker: ExperimentTracker) -> Run:
        own = "experiment" in tracker.config.model_fields_set
        run = tracker.start_run(
            f"{self._run.name}/{self._step}" + (f" (attempt {self._attempt})" if self._attempt > 1 else ""),
            experiment=None if own else self._run.pipeline,
            tags=self._tags(),
            params={name: value for name, value in self._parameters.items() if _plain(value)},
        )
        run.__enter__()
        entry = {"tracker": tracker.name, "id": run.id, "url": run.url, "attempt": self._attempt}
        self._stack.metadata_store.put_metadata(self._run.id, {ENTRY: entry}, step=self._step)
        return run

    def _tags(self) -> dict[str, str]:
        run = self._run
        tags = {"pipeline": run.pipeline, "run": run.name, "run_id": run.id, "step": self._step, "attempt": str(self._attempt)}
        return {f"dovetail.{name}": value for name, value in tags.items()}

    def end(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the tracker's run, if there is one, as the attempt ended; what was logged and not stored is raised after a success."""
        if self._begun is not None:
            self._begun.__exit__(kind, error, trace)


def stack_tracker(stack: Stack) -> ExperimentTracker:
    """Return the stack's tracker, which keeps the files of runs in the stack's artifact store if it can. Raises `NotFound` if there is none."""
    from dovetail_experiment_tracker import ExperimentTrackerCapability as Capability

    tracker: ExperimentTracker = stack.get(TYPE)  # type: ignore[assignment]  # the flavor's type is verified when it is loaded
    if tracker.artifact_store is None and Capability.ARTIFACT_STORE in tracker.capabilities:
        tracker.use_artifact_store(stack.artifact_store)
    return tracker


def ensure_trackers(plan: RunPlan, spec: StackSpec) -> None:
    """Raise `ConfigError`, naming steps, unless the stack has the tracker that each step asks for."""
    names = [component.name for component in spec.of(TYPE)]
    wanting = {step.name: step.experiment_tracker for step in plan.steps if step.experiment_tracker not in (None, False)}
    missing = [name for name, wish in wanting.items() if not names or (isinstance(wish, str) and wish not in names)]
    if missing:
        wish = wanting[missing[0]]
        what = f"'{wish}'{closest(wish, names)}" if isinstance(wish, str) else "one"
        raise ConfigError(
            f"{_steps(missing)} to be tracked by the experiment tracker {what}, and stack '{spec.name}' has {_named(names)}",
            remedy=f"dovetail stack update {spec.name} --experiment-tracker NAME",
        )


def end_lost_run(stack: Stack, run_id: str, step: str, attempt: int, cancelled: bool) -> None:
    """End the tracker's run of an attempt whose process ended without doing so. What fails here is logged, and changes nothing."""
    if not stack.spec.of(TYPE):
        return
    from dovetail_experiment_tracker import RunStatus

    try:
        entry = stack.metadata_store.get_metadata(run_id, step=step).get(ENTRY)
        if entry is None or entry["attempt"] != attempt:
            return
        tracker = stack_tracker(stack)
        if not tracker.get_run(entry["id"]).status.ended:
            tracker.attach(entry["id"]).end(RunStatus.KILLED if cancelled else RunStatus.FAILED)
    except DovetailError as error:
        log.error("the experiment run of step %s could not be ended: %s", step, error)


def _plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _steps(names: Iterable[str]) -> str:
    found = list(names)
    return f"step '{found[0]}' is" if len(found) == 1 else "steps " + ", ".join(f"'{name}'" for name in found) + " are"


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"
