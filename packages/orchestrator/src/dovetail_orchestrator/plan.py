"""What an orchestrator is given: a plan, which is plain data, and a launcher, which executes one attempt of one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal, Protocol, Self

from dovetail_core import Failure
from dovetail_core.jobs import RetryPolicy
from dovetail_core.resources import Resources
from pydantic import BaseModel, ConfigDict, Field, model_validator

PLAN_VERSION = 1


class StepState(StrEnum):
    """State of a step, or of a run (which is never `cached` or `skipped`). It only ever advances."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CACHED = "cached"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return self not in (StepState.PENDING, StepState.RUNNING)

    @property
    def good(self) -> bool:
        """Whether what comes after may start."""
        return self in (StepState.SUCCEEDED, StepState.CACHED)


class StepPlan(BaseModel):
    """One step, as far as an orchestrator needs to know it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="Unique in the plan.")
    upstream: tuple[str, ...] = Field(default=(), description="Steps that must have succeeded before.")
    resources: Resources = Resources()
    retry: RetryPolicy = RetryPolicy()
    timeout: float | None = Field(default=None, gt=0, description="Seconds that one attempt may take.")
    isolated: bool = Field(default=False, description="Whether it must have a process of its own.")
    operator: str | None = Field(default=None, description="Name of the step operator that executes it.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Settings for the orchestrator's flavor.")


class PipelinePlan(BaseModel):
    """The steps of a run and their order. Refuses unknown or repeated names and cycles when it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = PLAN_VERSION
    run_id: str
    pipeline: str
    steps: tuple[StepPlan, ...]
    failure_mode: Literal["fail_fast", "continue"] = "fail_fast"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Refuse what has no order: the steps must form an acyclic graph."""
        if self.version != PLAN_VERSION:
            raise ValueError(f"the plan has version {self.version}, and this package knows version {PLAN_VERSION}")
        names = [step.name for step in self.steps]
        if twice := [name for name in set(names) if names.count(name) > 1] if len(set(names)) < len(names) else []:
            raise ValueError(f"several steps are called {twice[0]!r}")
        graph = {step.name: step.upstream for step in self.steps}
        for step in self.steps:
            if unknown := [name for name in step.upstream if name not in graph]:
                raise ValueError(f"step {step.name!r} comes after {unknown[0]!r}, which is not in the plan")
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            raise ValueError("steps wait for each other: " + " after ".join(map(repr, error.args[1]))) from None
        return self


@dataclass(frozen=True)
class StepResult:
    """How an attempt ended: `succeeded`, `cached`, `failed` or `cancelled`."""

    state: StepState
    failure: Failure | None = None
    retry: bool = True
    """Of a failed one: whether another attempt may help."""


@dataclass(frozen=True)
class Command:
    """A command that executes one attempt of a step in a process of its own; `environment` is added to what the flavor gives."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class LogSink(Protocol):
    """Takes what an attempt prints. Bounded: past its limit, output is counted and dropped, and the log's last line says so."""

    def write(self, data: bytes) -> None: ...


class Launcher(Protocol):
    """Executes attempts of steps, and keeps the record. Given by whoever submits a plan; called from any thread.

    An attempt records its own success, in this process or in a command's. For every attempt that does not succeed, and every step that
    is skipped or cancelled, the orchestrator calls `ended`.
    """

    def __call__(self, step: str, attempt: int, log: LogSink) -> StepResult:
        """Execute an attempt in this process and return how it ended. Raises nothing but KeyboardInterrupt and SystemExit."""
        ...

    def command(self, step: str, attempt: int) -> Command | None:
        """Return the command that executes an attempt, or None if the step can only execute in this process; attempt 0 only asks."""
        ...

    def result(self, step: str, attempt: int) -> StepResult | None:
        """Return what a command's attempt recorded, success or failure, or None if it recorded nothing: then it failed, whatever its exit code."""
        ...

    def ended(self, step: str, attempt: int, result: StepResult, final: bool) -> None:
        """Record how an attempt ended that did not succeed, or that a step is skipped or cancelled (attempt 0 if it never began).

        `final`: no further attempt follows.
        """
        ...
